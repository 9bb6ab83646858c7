"""Which earlier version a rollback goes back to.

Takes the endpoint resource's outputs and a number of versions, gives the version or one
`DeploymentError` that lists what there is. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelway.errors import DeploymentError
from modelway.sagemaker.revisions import Revision


@dataclass(frozen=True)
class Version:
    """A version that serves or served."""

    steps: int
    """How many versions back; 0 is the one that is live."""
    config_name: str
    content: Mapping[str, Any] | None
    """None where the stack does not remember what it was made from."""

    @property
    def images(self) -> list[str]:
        """Its images."""
        models = (self.content or {}).get("models", {})
        return [str(model["image"]) for model in models.values()]


def versions(outputs: Mapping[str, Any]) -> list[Version]:
    """Give the live version and those before it, the newest first."""
    revisions = [
        Revision.of_outputs(outputs),
        *(Revision.from_output(each) for each in outputs.get("history") or ()),
    ]
    return [Version(n, each.config_name, each.content) for n, each in enumerate(revisions)]


def choose(outputs: Mapping[str, Any], steps: int) -> Version:
    """Give the version so many steps back.

    Raises:
        DeploymentError: there is none, or nobody remembers what it was made from.
    """
    endpoint = outputs["endpoint_name"]
    known = versions(outputs)
    if steps >= len(known):
        kept = ", ".join(f"{each.steps}: {each.config_name}" for each in known)
        raise DeploymentError(
            f"rolling {endpoint} back by {steps}: no such version is kept. There are: {kept}. "
            "`rollout.history` in the spec says how many are kept."
        )
    version = known[steps]
    if version.content is None:
        raise DeploymentError(
            f"rolling {endpoint} back to {version.config_name}: the stack's state does not say "
            "what that version was made from, because another run or an older modelway made it. "
            "Go back in git to the commit that deployed it, and run `pulumi up`."
        )
    return version

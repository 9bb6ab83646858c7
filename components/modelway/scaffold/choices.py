"""What a repository is scaffolded with: names, stacks, region, where the workflows come from.

Takes what the command line says, gives frozen `Choices`, or one `ScaffoldError` with every problem.
Must not read or write files.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelway.errors import ScaffoldError
from modelway.naming import ENDPOINT_NAME_LIMIT, endpoint_name
from modelway.promotion.ledger import EVIDENCE, KEYS
from modelway.spec.rules import EMULATOR_ENVIRONMENT

STACKS = ("dev", "staging", "prod")
"""The default, in the order of deployment."""

REGION = "us-east-1"
"""The default."""

SPEC = "spec"
"""What a release is made of, where it is not another stack; so no stack is called this."""

_NAME = re.compile(r"[a-z](-?[a-z0-9])*")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_WORKFLOWS = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+@[0-9a-f]{40}")
# Jobs of the workflow have the names of stacks, and this one is another's.
_TAKEN = (EMULATOR_ENVIRONMENT, EVIDENCE, KEYS, SPEC, "due")
_LETTERS = "small letters, digits and single hyphens, a letter first"


@dataclass(frozen=True)
class Choices:
    """What to scaffold.

    Args:
        name: of the repository, its Pulumi project and its model.
        stacks: in the order of deployment; `local` comes by itself.
        region: the AWS region of every stack.
        workflows: `OWNER/REPOSITORY@COMMIT`, where the reusable workflows are called. Default: they
            are written into the repository.

    Raises:
        ScaffoldError: with every problem.
    """

    name: str
    stacks: tuple[str, ...] = STACKS
    region: str = REGION
    workflows: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        problems = [*self._names(), *self._places()]
        if problems:
            raise ScaffoldError("scaffolding a repository:" + "".join(f"\n  {p}" for p in problems))

    def _names(self) -> Iterator[str]:
        if _NAME.fullmatch(self.name) is None:
            yield f"--name: {self.name!r} cannot name the model; allowed: {_LETTERS}"
        if not self.stacks:
            yield "--stacks: names none; allowed: names with commas between them, such as dev,prod"
        for stack in dict.fromkeys(self.stacks):
            if _NAME.fullmatch(stack) is None:
                yield f"--stacks: {stack!r} cannot name a stack; allowed: {_LETTERS}"
            elif stack in _TAKEN:
                yield f"--stacks: {stack!r} means something else; allowed: all but {_told(_TAKEN)}"
            elif self.stacks.count(stack) > 1:
                yield f"--stacks: {stack!r} is named twice"
            elif len(endpoint := endpoint_name(self.name, stack)) > ENDPOINT_NAME_LIMIT:
                yield (
                    f"--name: the endpoint {endpoint!r} has {len(endpoint)} characters; allowed: "
                    f"{ENDPOINT_NAME_LIMIT}, so that SageMaker takes the names made of it"
                )

    def _places(self) -> Iterator[str]:
        if _REGION.fullmatch(self.region) is None:
            yield f"--aws-region: {self.region!r} is no region; allowed: such as {REGION}"
        if self.workflows is not None and _WORKFLOWS.fullmatch(self.workflows) is None:
            yield (
                f"--workflows-ref: {self.workflows!r} names no commit; allowed: "
                "OWNER/REPOSITORY@ and the 40 hexadecimal digits of a commit, since a tag or a "
                "branch can be moved"
            )


def _told(names: Sequence[str]) -> str:
    return ", ".join(names)

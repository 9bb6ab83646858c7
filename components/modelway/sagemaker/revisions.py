"""Earlier configurations of an endpoint with their models: kept as roll-back targets, then pruned.

Takes the API, the endpoint's name and its owners, gives what exists and removes what is not kept.
It must never touch what carries another owner's tags, and must not decide how many are kept.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from modelway.naming import SUFFIX_LENGTH, content_name
from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.desired import ENDPOINT_TAG, OWNER_TAG, DesiredEndpoint, all_variants
from modelway.sagemaker.rollback import content_of, earlier_content


@dataclass(frozen=True)
class Revision:
    """One endpoint configuration and the models it names."""

    config_name: str
    model_names: tuple[str, ...]
    content: Mapping[str, Any] | None = None
    """What it was made from, so that it can be wanted again; None where nobody remembers."""

    def as_output(self) -> dict[str, Any]:
        """Give the plain form that is kept in the stack's state."""
        output: dict[str, Any] = {
            "endpoint_config_name": self.config_name,
            "model_names": list(self.model_names),
        }
        if self.content is not None:
            output["content"] = dict(self.content)
        return output

    @classmethod
    def from_output(cls, output: Mapping[str, Any]) -> "Revision":
        """Read what `as_output` gave."""
        names = tuple(output["model_names"])
        return cls(str(output["endpoint_config_name"]), names, output.get("content"))

    @classmethod
    def of_outputs(cls, outputs: Mapping[str, Any]) -> "Revision":
        """Give the revision that the endpoint resource's outputs say is live."""
        live = cls.from_output({**outputs, "content": None})
        desired = DesiredEndpoint.from_inputs(outputs)
        if desired.config_name != live.config_name:
            return live
        content = earlier_content(outputs, _own_config_name(outputs)) or outputs
        return replace(live, content=content_of(content))

    @classmethod
    def of_desired(cls, desired: DesiredEndpoint) -> "Revision":
        """Give the revision that is wanted."""
        return cls(desired.config_name, desired.model_names)


def _own_config_name(outputs: Mapping[str, Any]) -> str:
    return DesiredEndpoint.from_inputs({**outputs, "rollback": None}).config_name


class Revisions:
    """The configurations and models that belong to one endpoint of one owner.

    Args:
        api: where they are.
        endpoint_name: the endpoint's name; their own names are this, a hyphen and a hash.
        owners: the stack that made them, under its present and its former name.
        known: names of configurations and models that the stack's state says are its own, even
            if somebody took the tags away.
    """

    def __init__(
        self,
        api: SageMakerApi,
        endpoint_name: str,
        owners: Collection[str],
        known: Collection[str] = (),
    ) -> None:
        self._api = api
        self._endpoint_name = endpoint_name
        self._owners = frozenset(owners)
        self._stem = content_name(endpoint_name, {})[:-SUFFIX_LENGTH]
        self._own_name = re.compile(re.escape(self._stem) + "-[0-9a-f]{12}")
        # What the state names after a hand edit may be somebody else's.
        self._known = frozenset(name for name in known if self._own_name.fullmatch(name))
        self._earlier: frozenset[str] | None = None

    def look(self) -> None:
        """Remember what exists now: `prune` then leaves alone what another run makes meanwhile."""
        names = (*self._api.config_names(self._stem), *self._api.model_names(self._stem))
        self._earlier = frozenset(names)

    def owns(self, arn: str) -> bool:
        """Tell by its tags whether a resource was made for this endpoint by this owner."""
        tags = self._api.tags(arn)
        return tags.get(ENDPOINT_TAG) == self._endpoint_name and tags.get(OWNER_TAG) in self._owners

    def of(self, config_name: str) -> Revision | None:
        """Give the revision of an existing configuration; None if it is gone or not ours."""
        config = self._api.config(config_name)
        if config is None:
            return None
        if config_name not in self._known and not self.owns(config["EndpointConfigArn"]):
            return None
        variants = all_variants(config)
        models = dict.fromkeys(v["ModelName"] for v in variants if v.get("ModelName"))
        return Revision(config_name, tuple(models))

    def found(self, but: str) -> list[Revision]:
        """Give every revision that exists but one, the newest first."""
        names = [name for name in self._api.config_names(self._stem) if self._ours(name)]
        revisions = [self.of(name) for name in reversed(names) if name != but]
        return [revision for revision in revisions if revision is not None]

    def in_use(self) -> set[str]:
        """Give the configurations, and their models, that serve now or are about to."""
        endpoint = self._api.endpoint(self._endpoint_name)
        if endpoint is None:
            return set()
        pending = endpoint.get("PendingDeploymentSummary") or {}
        names: set[str] = set()
        for name in (endpoint["EndpointConfigName"], pending.get("EndpointConfigName")):
            config = self._api.config(name) if name else None
            if config is not None:
                names |= {str(name), *(v.get("ModelName") for v in config["ProductionVariants"])}
        return names

    def prune(self, kept: Sequence[Revision]) -> list[str]:
        """Delete every configuration and model of ours that is neither kept nor in use.

        In use is what the endpoint serves or is being updated to at that very moment: another run
        may have begun an update since this one's ended, and SageMaker would go on without its
        configuration. For the same reason what was not there at the last `look` stays.

        Returns:
            The names of those that could not be deleted; the next update tries again.
        """
        kept_configs = {revision.config_name for revision in kept}
        kept_models = {name for revision in kept for name in revision.model_names}
        # Configurations first: a model without its configuration harms nobody, but a configuration
        # without its model cannot be rolled back to.
        configs = self._candidates(self._api.config_names(self._stem), kept_configs)
        stuck = [name for name in configs if not self._deleted("config", name)]
        models = self._candidates(self._api.model_names(self._stem), kept_models)
        return stuck + [name for name in models if not self._deleted("model", name)]

    def _ours(self, name: str) -> bool:
        return self._own_name.fullmatch(name) is not None

    def _candidates(self, listed: Any, kept: set[str]) -> list[str]:
        old = [name for name in listed if self._earlier is None or name in self._earlier]
        names = dict.fromkeys([*old, *sorted(self._known)])
        return [name for name in names if name not in kept and self._ours(name)]

    def _deleted(self, kind: str, name: str) -> bool:
        try:
            if kind == "config":
                found, arn = self._api.config(name), "EndpointConfigArn"
            else:
                found, arn = self._api.model(name), "ModelArn"
            if found is None or (name not in self._known and not self.owns(found[arn])):
                return True
            if name in self.in_use():
                return True
            if kind == "config":
                self._api.delete("delete_endpoint_config", EndpointConfigName=name)
            else:
                self._api.delete("delete_model", ModelName=name)
        except (ClientError, BotoCoreError):
            return False
        return True

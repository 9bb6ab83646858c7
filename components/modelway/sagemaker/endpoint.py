"""One endpoint with its models and configurations: created, updated, verified, deleted together.

Takes the endpoint resource's inputs and its last outputs (plain JSON values, see
`modelway.sagemaker.inputs`), gives the new outputs. A plain class on boto3: it must not import
Pulumi and must not decide names or numbers.

Why one unit: previous models and configurations outlive an update as roll-back targets, identical
ones are adopted (A, then B, then A again), and all go on delete. And an update is believed only
when the configuration that is live is the wanted one: after a failed update SageMaker is InService
again on the old configuration, and a wait on the status alone sees a success
(hashicorp/terraform-provider-aws issues 46663 and 48997).

Every step looks at what exists first, so that a run that was stopped anywhere is finished by the
next one: there is never a second endpoint, and never an orphan.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from modelway.errors import DeploymentError
from modelway.sagemaker import failures, live
from modelway.sagemaker.api import SageMakerApi, as_tag_list, error_message, is_duplicate
from modelway.sagemaker.desired import OWNER_TAG, DesiredEndpoint
from modelway.sagemaker.parts import Parts
from modelway.sagemaker.revisions import Revision, Revisions

MOVING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""Statuses in which SageMaker takes neither updates nor deletes: wait (EndpointStatus)."""

STARTS = 4
"""How often an update is started again when somebody else's was quicker."""

Result = TypeVar("Result")


class EndpointDeployment:
    """Makes endpoints be what they are wanted to be.

    Args:
        api: SageMaker.
        progress: told each step, as a phrase without a full stop. Default: nobody.
    """

    def __init__(
        self, api: SageMakerApi, progress: Callable[[str], None] = lambda _step: None
    ) -> None:
        self._api = api
        self._progress = progress
        self._doing = ""

    def create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Create an endpoint, or finish what an interrupted create began.

        An endpoint of this name that the same stack made is adopted; any other is left alone.

        Raises:
            DeploymentError: it does not serve. Everything of it is removed again, unless
                SageMaker is still busy with it: then the next run takes it up.
        """
        desired = DesiredEndpoint.from_inputs(inputs)
        return self._explained(lambda: self._converge(desired, inputs, None))

    def update(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Move an endpoint to other models, another configuration or other tags.

        Args:
            inputs: what is wanted.
            outputs: what the last create, update or read gave.

        Raises:
            DeploymentError: the endpoint does not serve what is wanted, for example because
                SageMaker rolled back. `outputs` is then still what the stack should remember.
        """
        desired = DesiredEndpoint.from_inputs(inputs)
        return self._explained(lambda: self._converge(desired, inputs, outputs))

    def read(self, outputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Give the outputs as AWS has them now, hand edits included; None when it is gone."""
        self._step(f"reading endpoint {outputs['endpoint_name']}")
        return self._explained(lambda: live.read_outputs(self._api, outputs))

    def delete(self, outputs: Mapping[str, Any]) -> None:
        """Delete the endpoint, wait until it is gone, then every configuration and model.

        Raises:
            DeploymentError: something could not be deleted; the rest is gone, try again.
        """
        desired = DesiredEndpoint.from_inputs(outputs)
        revisions = self._revisions(desired, outputs)
        self._explained(lambda: self._delete(desired, revisions, outputs))

    def _converge(
        self,
        desired: DesiredEndpoint,
        inputs: Mapping[str, Any],
        previous: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        revisions = self._revisions(desired, previous)
        parts = Parts(self._api, desired, revisions)
        found = self._settled(desired)
        if found is not None:
            self._must_be_ours(desired, found, previous)
        if found is not None and found["EndpointStatus"] == "Failed":
            # SageMaker allows nothing but deletion here (EndpointStatus), and nothing serves.
            self._remove_endpoint(desired)
            found = None
        before = None if found is None else revisions.of(found["EndpointConfigName"])
        try:
            self._step(f"creating the models and the configuration {desired.config_name}")
            parts.ensure()
            serving = self._serve(desired, found)
            serving = self._correct_capacities(desired, serving)
        except (DeploymentError, ClientError, BotoCoreError):
            if previous is None and found is None:
                # The engine will remember nothing of this, and a later destroy would not find it.
                self._clear_after_failure(desired, revisions)
            else:
                self._withdraw_after_failure(desired, parts)
            raise
        self._step(f"tagging endpoint {desired.name}")
        parts.tag()
        if found is not None:
            self._api.set_tags(serving["EndpointArn"], desired.tags)
        self._step(f"removing what {desired.name} no longer needs")
        kept = self._kept(desired, revisions, before, previous)
        revisions.prune([Revision.of_desired(desired), *kept])
        return {
            **inputs,
            **live.derived_names(desired),
            "endpoint_arn": serving["EndpointArn"],
            "endpoint_status": serving["EndpointStatus"],
            "history": [revision.as_output() for revision in kept],
        }

    def _serve(self, desired: DesiredEndpoint, found: dict[str, Any] | None) -> dict[str, Any]:
        """Bring the wanted configuration into service, and believe it only when it is live."""
        for _start in range(STARTS):
            if found is not None and live.serves(desired, found):
                return found
            verb = "creating" if found is None else "updating"
            doing = f"{verb} endpoint {desired.name} with configuration {desired.config_name}"
            self._step(doing)
            started = self._start(desired, found)
            found = self._settled(desired)
            if started and (found is None or not live.serves(desired, found)):
                raise failures.not_served(desired, found, doing)
        if found is not None and live.serves(desired, found):
            return found
        raise DeploymentError(
            f"{self._doing}: somebody else keeps changing this endpoint. "
            "Stop the other deployment, then run `pulumi up` again."
        )

    def _start(self, desired: DesiredEndpoint, found: dict[str, Any] | None) -> bool:
        """Start a create or an update; False when SageMaker is busy with another one."""
        request: dict[str, Any] = {
            "EndpointName": desired.name,
            "EndpointConfigName": desired.config_name,
        }
        if found is None:
            operation, request["Tags"] = "create_endpoint", as_tag_list(desired.tags)
        else:
            operation = "update_endpoint"
            request.update(live.retained(desired))
            if desired.deployment_config is not None:
                request["DeploymentConfig"] = desired.deployment_config
        try:
            self._api.call_when_visible(operation, **request)
        except ClientError as error:
            text = str(error).lower()
            if is_duplicate(error) or "in-progress" in text or "in progress" in text:
                return False
            raise
        return True

    def _correct_capacities(
        self, desired: DesiredEndpoint, serving: dict[str, Any]
    ) -> dict[str, Any]:
        """Put back counts and weights that were changed by hand, unless autoscaling owns them."""
        wrong = live.wrong_capacities(desired, serving)
        if not wrong:
            return serving
        self._step(f"correcting the instance counts and weights of {desired.name}")
        self._api.call(
            "update_endpoint_weights_and_capacities",
            EndpointName=desired.name,
            DesiredWeightsAndCapacities=wrong,
        )
        found = self._settled(desired)
        if found is None or not live.serves(desired, found):
            raise failures.not_served(desired, found, self._doing)
        return found

    def _settled(self, desired: DesiredEndpoint) -> dict[str, Any] | None:
        """Wait until SageMaker is not busy with the endpoint; None when there is none."""
        deadline = self._api.monotonic() + desired.timeout_seconds
        while True:
            found = self._api.endpoint(desired.name)
            if found is None or found["EndpointStatus"] not in MOVING:
                return found
            if self._api.monotonic() >= deadline:
                raise failures.timed_out(desired, found, self._doing)
            self._progress(f"{self._doing}: {found['EndpointStatus']}")
            self._api.sleep(self._api.poll_seconds)

    def _kept(
        self,
        desired: DesiredEndpoint,
        revisions: Revisions,
        before: Revision | None,
        previous: Mapping[str, Any] | None,
    ) -> list[Revision]:
        """Choose the roll-back targets: what served before, then the older ones that exist."""
        if previous is None:
            older = revisions.found(but=desired.config_name)
        else:
            known = [Revision.from_output(output) for output in (previous, *previous["history"])]
            older = [r for r in known if revisions.of(r.config_name) is not None]
        first = [] if before is None else [before]
        distinct = {revision.config_name: revision for revision in [*older, *first]}
        order = dict.fromkeys(revision.config_name for revision in [*first, *older])
        names = [name for name in order if name != desired.config_name]
        return [distinct[name] for name in names[: desired.history]]

    def _clear_after_failure(self, desired: DesiredEndpoint, revisions: Revisions) -> None:
        """Remove everything of an endpoint that did not come up; the caller raises the failure."""
        try:
            found = self._api.endpoint(desired.name)
            busy = found is not None and found["EndpointStatus"] in MOVING
            if busy or (found is not None and not revisions.owns(found["EndpointArn"])):
                return
            self._delete(desired, revisions, None)
        except (DeploymentError, ClientError, BotoCoreError):
            return

    def _withdraw_after_failure(self, desired: DesiredEndpoint, parts: Parts) -> None:
        """Remove what this run made, if another configuration serves; the caller raises."""
        try:
            found = self._api.endpoint(desired.name)
            if found is None or found["EndpointStatus"] != "InService":
                return
            if found["EndpointConfigName"] != desired.config_name:
                parts.withdraw()
        except (ClientError, BotoCoreError):
            return

    def _delete(
        self,
        desired: DesiredEndpoint,
        revisions: Revisions,
        previous: Mapping[str, Any] | None,
    ) -> None:
        self._step(f"deleting endpoint {desired.name}")
        found = self._settled(desired)
        if found is not None:
            self._must_be_ours(desired, found, previous)
            self._remove_endpoint(desired)
        self._step(f"deleting the configurations and models of {desired.name}")
        if stuck := revisions.prune([]):
            raise DeploymentError(
                f"{self._doing}: these could not be deleted: {', '.join(stuck)}. The endpoint "
                "itself is gone. Check the deployer's permissions (`modelway iam`) and run "
                "`pulumi destroy` again."
            )

    def _remove_endpoint(self, desired: DesiredEndpoint) -> None:
        self._api.delete("delete_endpoint", EndpointName=desired.name)
        found = self._settled(desired)
        if found is not None:
            raise failures.not_deleted(desired, found)

    def _must_be_ours(
        self,
        desired: DesiredEndpoint,
        found: Mapping[str, Any],
        previous: Mapping[str, Any] | None,
    ) -> None:
        """Leave alone what another stack made; one without tags is ours if the state says so."""
        tags = self._api.tags(found["EndpointArn"])
        owners = {desired.owner} if previous is None else {desired.owner, previous["owner"], None}
        if tags.get(OWNER_TAG) not in owners:
            raise failures.not_ours(desired, tags, f"an endpoint named {desired.name}")

    def _revisions(self, desired: DesiredEndpoint, previous: Mapping[str, Any] | None) -> Revisions:
        if previous is None:
            return Revisions(self._api, desired.name, {desired.owner})
        revisions = [Revision.from_output(output) for output in (previous, *previous["history"])]
        known = {name for r in revisions for name in (r.config_name, *r.model_names)}
        return Revisions(self._api, desired.name, {desired.owner, previous["owner"]}, known)

    def _explained(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except (ClientError, BotoCoreError) as error:
            raise failures.refused(self._doing, error_message(error)) from error

    def _step(self, doing: str) -> None:
        self._doing = doing
        self._progress(doing)

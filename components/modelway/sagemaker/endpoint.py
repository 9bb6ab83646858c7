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
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from modelway.errors import DeploymentError
from modelway.sagemaker import container_log, failures, live, rollout_log
from modelway.sagemaker.api import SageMakerApi, as_tag_list
from modelway.sagemaker.calls import Service, error_message
from modelway.sagemaker.desired import OWNER_TAG, DesiredEndpoint
from modelway.sagemaker.parts import Parts
from modelway.sagemaker.preflight import check_alarms, check_parts
from modelway.sagemaker.revisions import Revision, Revisions
from modelway.sagemaker.rollback_alarms import remove_alarms
from modelway.sagemaker.told import Told
from modelway.sagemaker.waiting import MOVING, is_busy, settled, started_elsewhere

if TYPE_CHECKING:
    from modelway.sagemaker.rollout import Rollout

STARTS = 4
"""How often an update is started again when somebody else's was quicker."""

Result = TypeVar("Result")


class EndpointDeployment:
    """Makes endpoints be what they are wanted to be.

    Args:
        api: SageMaker.
        service: calls to the other services that a deployment looks at or changes.
        told: hears of each step. Default: nobody.
    """

    def __init__(self, api: SageMakerApi, service: Service, told: Told | None = None) -> None:
        self._api = api
        self._service = service
        self._told = Told() if told is None else told
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
        revisions.look()
        found = self._at_rest(desired, previous)
        if found is not None and found["EndpointStatus"] == "Failed":
            # SageMaker allows nothing but deletion here (EndpointStatus), and nothing serves.
            self._remove_endpoint(desired)
            found = None
        before = None if found is None else revisions.of(found["EndpointConfigName"])
        if not live.serves(desired, found):
            self._preflight(desired, str(inputs["region"]), found)
        try:
            self._step(f"creating the models and the configuration {desired.config_name}")
            parts.ensure()
            serving = self._serve(desired, found, parts)
            serving = self._correct_capacities(desired, serving)
        except (DeploymentError, ClientError, BotoCoreError):
            if previous is None and found is None:
                # The engine will remember nothing of this, and a later destroy would not find it.
                self._clear_after_failure(desired)
            else:
                self._withdraw_after_failure(desired, parts)
            raise
        self._step(f"tagging endpoint {desired.name}")
        parts.tag()
        if found is not None:
            self._tag_endpoint(desired, serving["EndpointArn"])
        self._step(f"removing what {desired.name} no longer needs")
        if found is not None:
            self._remove_rollback_alarms(desired)
        kept = self._kept(desired, revisions, before, previous)
        revisions.prune([Revision.of_desired(desired), *kept])
        return {
            **inputs,
            **live.derived_names(desired),
            "endpoint_arn": serving["EndpointArn"],
            "endpoint_status": serving["EndpointStatus"],
            "history": [revision.as_output() for revision in kept],
        }

    def _at_rest(
        self, desired: DesiredEndpoint, previous: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Give the endpoint once SageMaker is not busy with it; it is ours, or there is none."""
        found = self._api.endpoint(desired.name)
        if found is not None:
            self._must_be_ours(desired, found, previous)
        if started_elsewhere(desired, found):
            # What an interrupted run began is this run's rollout: its failure is ours to tell.
            return self._rollout(desired).resume()
        return self._settled(desired)

    def _preflight(
        self, desired: DesiredEndpoint, region: str, found: dict[str, Any] | None
    ) -> None:
        self._step(f"checking what {desired.name} needs")
        verb = "creating" if found is None else "updating"
        doing = f"{verb} endpoint {desired.name} with configuration {desired.config_name}"
        check_parts(desired, self._service, region, doing)
        if found is not None:
            self._check_plan(desired, found, doing)
            check_alarms(desired, self._service, doing)

    def _check_plan(self, desired: DesiredEndpoint, found: dict[str, Any], doing: str) -> None:
        # The planner takes half a second to import, which a create does not need.
        from modelway.plan.update import plan_update
        from modelway.sagemaker import update_plan

        live_side = update_plan.described(found, self._api.config(found["EndpointConfigName"]))
        update_plan.refuse(plan_update(live_side, update_plan.wanted(desired)), doing)

    def _serve(
        self, desired: DesiredEndpoint, found: dict[str, Any] | None, parts: Parts
    ) -> dict[str, Any]:
        """Bring the wanted configuration into service, and believe it only when it is live."""
        for start in range(STARTS):
            if found is not None and live.serves(desired, found):
                return found
            if start > 0:
                parts.ensure()  # The quicker run may have taken them for leftovers.
            if found is None:
                found, _started = self._create(desired)
            else:
                self._step(f"updating endpoint {desired.name}")
                found, _started = self._rollout(desired).run(found)
        if found is not None and live.serves(desired, found):
            return found
        raise DeploymentError(
            f"{self._doing}: somebody else keeps changing this endpoint. "
            "Stop the other deployment, then run `pulumi up` again."
        )

    def _create(self, desired: DesiredEndpoint) -> tuple[dict[str, Any] | None, bool]:
        """Create the endpoint and wait; the second value is False when another run was quicker."""
        doing = f"creating endpoint {desired.name} with configuration {desired.config_name}"
        self._step(doing)
        started = True
        try:
            self._api.call_when_visible(
                "create_endpoint",
                EndpointName=desired.name,
                EndpointConfigName=desired.config_name,
                Tags=as_tag_list(desired.tags),
            )
        except ClientError as error:
            if not is_busy(error):
                raise
            started = False
        found = self._settled(desired)
        if started and not live.serves(desired, found):
            said = container_log.last_reasons(self._service, found)
            raise failures.not_served(desired, found, doing, said=said)
        return found, started

    def _rollout(self, desired: DesiredEndpoint) -> "Rollout":
        from modelway.sagemaker.rollout import Rollout

        return Rollout(self._api, self._service, desired, self._told)

    def _tag_endpoint(self, desired: DesiredEndpoint, arn: str) -> None:
        log = {
            name: value
            for name, value in self._api.tags(arn).items()
            if name.startswith(rollout_log.TAG)
        }
        self._api.set_tags(arn, {**desired.tags, **log})

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
        return settled(
            self._api,
            desired,
            self._doing,
            lambda found: self._told.step(f"{self._doing}: {found['EndpointStatus']}"),
        )

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
            known = [
                Revision.of_outputs(previous),
                *(Revision.from_output(output) for output in previous["history"]),
            ]
            older = [r for r in known if revisions.of(r.config_name) is not None]
        first = [] if before is None else [before]
        # The state's own come last: they know what a revision was made from.
        distinct = {revision.config_name: revision for revision in [*first, *older]}
        order = dict.fromkeys(revision.config_name for revision in [*first, *older])
        names = [name for name in order if name != desired.config_name]
        return [distinct[name] for name in names[: desired.history]]

    def _clear_after_failure(self, desired: DesiredEndpoint) -> None:
        """Remove everything of an endpoint that did not come up; the caller raises the failure."""
        doing, revisions = self._doing, self._revisions(desired, None)
        try:
            found = self._api.endpoint(desired.name)
            busy = found is not None and found["EndpointStatus"] in MOVING
            if busy or (found is not None and not revisions.owns(found["EndpointArn"])):
                return
            self._delete(desired, revisions, None)
        except (DeploymentError, ClientError, BotoCoreError):
            return
        finally:
            # The failure is of what was being done before.
            self._doing = doing

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
        self._step(f"deleting the alarms, configurations and models of {desired.name}")
        self._remove_rollback_alarms(desired)
        if stuck := revisions.prune([]):
            raise DeploymentError(
                f"{self._doing}: these could not be deleted: {', '.join(stuck)}. The endpoint "
                "itself is gone. Check the deployer's permissions (`modelway iam`) and run "
                "`pulumi destroy` again."
            )

    def _remove_rollback_alarms(self, desired: DesiredEndpoint) -> None:
        """Remove what a rollout leaves whose engine was killed: nobody else would."""
        remove_alarms(self._service("cloudwatch"), desired.name)

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
        self._told.step(doing)

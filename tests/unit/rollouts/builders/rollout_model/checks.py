"""What must hold at every moment, and what must hold when a run of a deployer has ended.

Takes the emulator and the runs; raises AssertionError with the broken rule. Must not change
anything.
"""

from typing import Any

from modelway.sagemaker.desired import DesiredEndpoint
from rollout_model.deployer import Run, Stack
from rollout_model.world import ENDPOINT, World

EVIDENCE = f"{ENDPOINT}-rollout-too-few-requests"


class Checks:
    """The invariants of one emulator and one stack."""

    def __init__(self, world: World, stack: Stack) -> None:
        self._world, self._stack = world, stack
        self._seen = world.services.events.since(0)[1]
        self._updates: dict[str, tuple[float, Any]] = {}
        self.deleted_by_hand: set[str] = set()
        self.has_target = False
        """Whether there is something to roll back to: there was a successful update."""
        self.raced = False
        """Whether two runs of one stack have overlapped since the last success of one alone. The
        engine's lock keeps them apart; here somebody has broken it. AWS deletes without conditions,
        so one run may then take away what the other has just begun to serve, and only the next run
        alone makes it whole. All other rules hold even then."""

    def at_any_moment(self) -> None:
        """After every call and every step."""
        self._promotions()
        world = self._world
        assert len(world.sagemaker.endpoints) <= 1, "there is a second endpoint"
        assert not world.answers, f"clients saw errors that no fault explains: {world.answers[0]}"
        record, endpoint = world.record, world.endpoint
        if record is None or endpoint is None:
            return
        self._fleets(record, endpoint)
        if record.endpoint_status == "Deleting":
            return
        if self.raced:
            return
        for config in endpoint.router.shares():
            self._exists(config, "serves")
        if self.has_target:
            others = set(world.sagemaker.endpoint_configs) - {record.endpoint_config_name}
            assert any(map(self._whole, others)), "no roll-back target is left"

    def at_the_end(self, run: Run) -> None:
        """When a run has ended, by itself or not."""
        if run.outcome == "succeeded" and run.kind == "up":
            self._succeeded(run)
        elif run.outcome == "succeeded":
            self.has_target = False
            assert not run.alone or self._world.record is None, "destroy left the endpoint"
            assert not run.alone or not self._world.parts, f"destroy left {self._world.parts}"
        elif run.outcome == "failed" and run.alone and not run.refused:
            assert run.kind == "up", f"destroy failed: {run.reason}"
            self._failed(run)
        if run.outcome != "killed" and run.alone and not run.refused:
            left = [name for name in self._world.alarms if "-rollout-" in name]
            if run.outcome == "failed" or not self._guarded(run):
                # Those of a run that was stopped stay until one knows them and ends well.
                left = [name for name in left if name not in run.alarms]
            assert not left, f"alarms of the rollout are left: {left}"
            if run.kind == "up":
                assert self._world.scaling == run.scaling, "scalable targets have changed"

    @staticmethod
    def _guarded(run: Run) -> bool:
        return bool((run.inputs or run.before or {}).get("rollback_alarms"))

    def _promotions(self) -> None:
        events, self._seen = self._world.services.events.since(self._seen)
        for event in events:
            if event.kind == "update-started":
                record = self._world.record
                config = record.last_deployment_config if record is not None else None
                self._updates[event.data["config"]] = (event.at, config)
            if event.kind == "promoted":
                since, config = self._updates[event.data["config"]]
                alarms = ((config or {}).get("AutoRollbackConfiguration") or {}).get("Alarms", ())
                if EVIDENCE in [alarm["AlarmName"] for alarm in alarms]:
                    name = event.data["config"]
                    assert self._world.evidence(name, since) > 0, f"{name}: promoted without data"

    def _fleets(self, record: Any, endpoint: Any) -> None:
        fleets = [fleet.config_name for fleet in endpoint.fleets]
        shares = endpoint.router.shares()
        live = record.endpoint_config_name
        match record.endpoint_status:
            case "InService":
                assert fleets == [live], f"InService with the fleets {fleets}"
                assert shares == {live: 1.0}, f"InService with the shares {shares}"
            case "UpdateRollbackFailed":
                assert len(fleets) >= 2, f"a mix of {fleets}"
            case "Updating" | "RollingBack" if record.operation is not None:
                most = 2 if record.mix is None else 3
                assert len(fleets) <= most, f"{record.endpoint_status} with the fleets {fleets}"
                wanted = record.operation.deployment.config_name
                mixed = {record.mixed_with.config_name} if record.mixed_with else set()
                assert set(fleets) <= {live, wanted} | mixed, f"foreign fleets among {fleets}"
            case "Failed":
                assert not shares, f"{record.endpoint_status} with traffic {shares}"
        if record.endpoint_status in {"InService", "Updating", "RollingBack"}:
            assert abs(sum(shares.values()) - 1) < 1e-5, f"traffic is lost: {shares}"

    def _succeeded(self, run: Run) -> None:
        world, outputs = self._world, self._stack.outputs
        assert outputs is not None
        assert run.inputs is not None
        live = outputs["endpoint_config_name"]
        history = [each["endpoint_config_name"] for each in outputs["history"]]
        desired = DesiredEndpoint.from_inputs(run.inputs)
        assert live == desired.config_name, "the state names another configuration than is wanted"
        assert live not in history
        if not run.alone:
            return
        self.raced = False
        record = world.record
        assert record is not None, "the state knows an endpoint that is not there"
        assert record.endpoint_status == "InService", f"success on {record.endpoint_status}"
        assert record.endpoint_config_name == live, "the state names what is not live"
        for name in history:
            self._exists(name, "is in the history")
        if run.before is not None and run.before["endpoint_config_name"] not in ("", live):
            former = run.before["endpoint_config_name"]
            kept = former in history or former in self.deleted_by_hand
            assert kept, "what served before is not kept"
        if not desired.autoscaled:
            counts = {v["VariantName"]: v["InitialInstanceCount"] for v in desired.variants}
            has = {name: each.instances for name, each in record.current.items()}
            assert has == counts, f"{has} instances instead of {counts}"
        if not run.refused:
            models = {name for each in outputs["history"] for name in each["model_names"]}
            expected = {live, *history, *models, *outputs["model_names"]}
            orphans = world.parts - expected
            assert not orphans, f"orphans: {orphans}"
        self.has_target = bool(history)

    def _failed(self, run: Run) -> None:
        world = self._world
        assert self._stack.outputs == run.before, "a failed run changed the state"
        if run.before is None:
            assert world.record is None, "a failed create left an endpoint"
            assert not world.parts, f"a failed create left {world.parts}"
            return
        record = world.record
        if record is None or record.endpoint_status != "InService" or not run.at_rest:
            return
        before = run.before["endpoint_config_name"]
        live = record.endpoint_config_name
        assert live == before, f"the state says {before}, {live} serves: {run.reason}"
        for revision in run.before["history"]:
            self._exists(revision["endpoint_config_name"], "is in the history")
        new = world.parts - run.parts
        assert not new, f"a failed run left {new}"

    def _exists(self, config: str, why: str) -> None:
        if config not in self.deleted_by_hand:
            assert self._whole(config), f"{config} {why}, but it or its model does not exist"

    def _whole(self, config: str) -> bool:
        found = self._world.sagemaker.endpoint_configs.get(config)
        models = self._world.sagemaker._models
        return found is not None and all(v["ModelName"] in models for v in found.variants)

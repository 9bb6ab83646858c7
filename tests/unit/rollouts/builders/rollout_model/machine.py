"""The state machine: a user, a second user, AWS's bad days and time itself, in any order.

Takes a world; its rules are what people and AWS do, its invariants are `checks`. Every rule is one
step; so is the end of each example, which heals everything and deploys once more.
"""

from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from rollout_model.checks import Checks
from rollout_model.deployer import Deployer, Stack
from rollout_model.direct import answer
from rollout_model.versions import IMAGES, STRATEGIES, Wanted, image_of, inputs_of, rollback_to
from rollout_model.world import ENDPOINT, World

FAULTS: list[dict[str, Any]] = [
    {"kind": "replica-crash", "count": 1},
    {"kind": "replica-crash", "count": 2},
    {"kind": "crash-loop"},
    {"kind": "slow", "delay_ms": 500},
    {"kind": "errors", "percent": 50},
    {"kind": "capacity"},
    {"kind": "image-missing"},
    {"kind": "artifact-missing"},
    {"kind": "metrics-missing"},
    {"kind": "metrics-delayed", "delay_seconds": 300},
]
REFUSALS: list[dict[str, Any]] = [
    {"kind": "throttling", "service": "sagemaker", "percent": 100},
    {"kind": "throttling", "service": "sagemaker", "percent": 40},
    {"kind": "throttling", "service": "cloudwatch", "percent": 100},
    {"kind": "expired-credentials"},
    {"kind": "expired-credentials", "service": "cloudwatch"},
]
SECONDS = (1, 15, 60, 120, 300, 900)
LONGEST_RUN_SECONDS = 4 * 3600
CALM_SECONDS = 600
"""After everything has healed, until late metrics are read and instances are back."""

AFTER = (0, 0, 150, 400)

two = st.integers(0, 1)
versions = st.builds(
    Wanted,
    image=st.sampled_from(IMAGES),
    strategy=st.sampled_from(STRATEGIES),
    count=st.sampled_from((2, 2, 3)),
    instance_type=st.sampled_from(("ml.m5.large", "ml.m5.large", "ml.m5.xlarge")),
    evidence=st.sampled_from((True, True, False)),
    repair=st.booleans(),
)


class RolloutMachine(RuleBasedStateMachine):
    """One endpoint of one stack; `world` is set before it runs."""

    world: ClassVar[World]
    steps: ClassVar[int] = 0
    runs: ClassVar[dict[str, int]] = {}

    @initialize(autoscaled=st.booleans(), image=st.sampled_from(IMAGES))
    def _a_first_version_serves(self, autoscaled: bool, image: str) -> None:
        world = self.world
        world.begin_anew()
        world.put_guard()
        world.guard(fires=False)
        world.traffic = True
        self.stack = Stack()
        self.checks = Checks(world, self.stack)
        self.deployers = [
            Deployer(world, self.stack, self.checks.at_any_moment, self._ended) for _ in range(2)
        ]
        self.wanted = Wanted(image, "plain", autoscaled=autoscaled)
        self.deployers[0].up(inputs_of(self.wanted))
        self._until_idle()
        assert self.stack.outputs is not None
        if autoscaled:
            self._register()

    @invariant()
    def _everything_holds(self) -> None:
        type(self).steps += 1
        if hasattr(self, "checks"):
            self.checks.at_any_moment()

    @rule(who=two, wanted=versions)
    def deploy(self, who, wanted) -> None:
        self._up(who, wanted)

    @rule(who=two, wanted=versions, seconds=st.sampled_from(SECONDS))
    def deploy_and_wait(self, who, wanted, seconds) -> None:
        self._up(who, wanted)
        self.world.clock.advance(seconds)

    @rule(wanted=versions, others=versions)
    def two_deploy_at_once(self, wanted, others) -> None:
        self._up(0, wanted)
        self._up(1, others)

    @rule(who=two, wanted=versions, calls=st.integers(0, 150))
    def deploy_until_the_engine_is_killed(self, who, wanted, calls) -> None:
        self._up(who, wanted)
        self.deployers[who].kill(calls)
        self.world.clock.advance(60)

    @rule(who=two, wanted=versions, fault=st.sampled_from(FAULTS), after=st.sampled_from(AFTER))
    def deploy_into_a_fault(self, who, wanted, fault, after) -> None:
        self.world.fault(**fault, fleet="new", after_seconds=after, for_seconds=1800)
        self._up(who, wanted)

    @rule(who=two, wanted=versions, late=st.booleans())
    def deploy_a_bad_version(self, who, wanted, late) -> None:
        self.a_version_is_bad(wanted.image, late)
        self._up(who, wanted)

    @rule(who=two)
    def deploy_the_same_again(self, who) -> None:
        self._up(who, self.wanted)

    @precondition(lambda self: self.stack.outputs and self.stack.outputs["history"])
    @rule(who=two, steps=st.integers(0, 1))
    def roll_back(self, who, steps) -> None:
        history = self.stack.outputs["history"] if self.stack.outputs else []
        if steps < len(history) and history[steps].get("content"):
            self._up(who, self.wanted, rollback_to(self.wanted, history[steps]))

    @precondition(lambda self: self._busy)
    @rule(who=two, calls=st.integers(0, 60))
    def kill(self, who, calls) -> None:
        deployer = self.deployers[who] if self.deployers[who].busy else self._other(who)
        deployer.kill(calls)

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds) -> None:
        self.world.clock.advance(seconds)

    @precondition(lambda self: self._busy)
    @rule()
    def all_runs_end(self) -> None:
        self._until_idle()

    @rule(on=st.booleans())
    def traffic(self, on) -> None:
        self.world.traffic = on

    @rule(image=st.sampled_from(IMAGES), late=st.booleans())
    def a_version_is_bad(self, image, late) -> None:
        images = self.world.images
        (images.late if late else images.failing).add(image_of(image))

    @rule(
        fault=st.sampled_from(FAULTS),
        fleet=st.sampled_from(("any", "new", "old")),
        after=st.sampled_from(AFTER),
        seconds=st.sampled_from((60, 300, 1800)),
    )
    def something_goes_wrong(self, fault, fleet, after, seconds) -> None:
        self.world.fault(**fault, fleet=fleet, after_seconds=after, for_seconds=seconds)

    @rule(
        fault=st.sampled_from(REFUSALS),
        after=st.sampled_from((0, 0, 60, 300)),
        seconds=st.sampled_from((10, 60, 600)),
    )
    def aws_refuses_calls(self, fault, after, seconds) -> None:
        self.world.fault(**fault, after_seconds=after, for_seconds=seconds)

    @precondition(lambda self: self.world.troubled)
    @rule()
    def everything_heals(self) -> None:
        self.world.heal()

    @rule(fires=st.sampled_from((True, False, False)))
    def guard_alarm(self, fires) -> None:
        self.world.guard(fires=fires)

    @precondition(lambda self: self._in_service)
    @rule(count=st.integers(2, 4))
    def counts_change_by_hand(self, count) -> None:
        self._by_hand()
        change = {"VariantName": "primary", "DesiredInstanceCount": count}
        answer(
            "sagemaker",
            "update_endpoint_weights_and_capacities",
            {"EndpointName": ENDPOINT, "DesiredWeightsAndCapacities": [change]},
        )

    @precondition(lambda self: self._in_service and not self._busy)
    @rule(which=st.integers(0, 3))
    def an_old_configuration_is_deleted_by_hand(self, which) -> None:
        names = sorted(self.world.sagemaker.endpoint_configs)
        old = [each for each in names if each != self.world.record.endpoint_config_name]
        if not old:
            return
        self._by_hand()
        name = old[which % len(old)]
        answer("sagemaker", "delete_endpoint_config", {"EndpointConfigName": name})
        self.checks.deleted_by_hand.add(name)
        self.checks.has_target = False

    @precondition(lambda self: not self._busy)
    @rule(who=two, sure=st.sampled_from((True, False, False)))
    def destroy(self, who, sure) -> None:
        if not sure:
            return
        # The lock of the stack's state keeps deployments away meanwhile.
        self.checks.has_target = False
        self.deployers[who].destroy()

    def teardown(self) -> None:
        """Once everything is well again, a deployment succeeds, says so, and all of it goes."""
        if not hasattr(self, "checks"):
            return
        self._until_idle()
        world = self.world
        world.heal()
        world.guard(fires=False)
        world.traffic = True
        world.clock.advance(CALM_SECONDS)
        self._up(0, Wanted("f", "canary", autoscaled=self.wanted.autoscaled))
        self._until_idle()
        run = self._last(0)
        assert run.outcome == "succeeded", f"a healthy deployment failed: {run.reason}"
        self.deployers[0].up(run.inputs)
        self._until_idle()
        assert self._last(0).changed == [], "a second run without a change changed something"
        if self.wanted.autoscaled:
            self._deregister()
        self.deployers[0].destroy()
        self._until_idle()
        assert self._last(0).outcome == "succeeded", self._last(0).reason
        assert not world.parts

    @property
    def _busy(self) -> bool:
        return any(deployer.busy for deployer in self.deployers)

    @property
    def _destroying(self) -> bool:
        return any(each.busy and each.run.kind == "destroy" for each in self.deployers)

    @property
    def _in_service(self) -> bool:
        record = self.world.record if hasattr(self, "checks") else None
        return record is not None and record.endpoint_status == "InService"

    def _up(self, who: int, wanted: Wanted, rollback: dict[str, Any] | None = None) -> None:
        if self.deployers[who].busy or self._destroying:
            return
        self.wanted = wanted = replace(wanted, autoscaled=self.wanted.autoscaled)
        self.deployers[who].up(inputs_of(wanted, rollback))
        other = self._other(who)
        if other.busy:
            self._last(who).alone = other.run.alone = False
            self.checks.raced = True

    def _by_hand(self) -> None:
        self.stack.stale = True
        for deployer in self.deployers:
            if deployer.busy:
                deployer.run.alone = False

    def _other(self, who: int) -> Deployer:
        return self.deployers[1 - who]

    def _last(self, who: int) -> Any:
        return self.deployers[who].run

    def _ended(self, run: Any) -> None:
        key = f"{run.kind} {run.outcome}"
        type(self).runs[key] = self.runs.get(key, 0) + 1
        self.checks.at_the_end(run)

    def _until_idle(self) -> None:
        end = self.world.clock.now() + LONGEST_RUN_SECONDS
        while self._busy:
            assert self.world.clock.now() < end, "a run does not end"
            self.world.clock.advance(60)

    def _register(self) -> None:
        at = self._scalable()
        limits = {"MinCapacity": 2, "MaxCapacity": 4}
        answer("application-autoscaling", "register_scalable_target", {**at, **limits})
        policy = {
            "PolicyName": "requests",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 1000.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        }
        answer("application-autoscaling", "put_scaling_policy", {**at, **policy})

    def _deregister(self) -> None:
        if self.world.scaling:
            at = self._scalable()
            answer("application-autoscaling", "deregister_scalable_target", at)

    def _scalable(self) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{ENDPOINT}/variant/primary",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

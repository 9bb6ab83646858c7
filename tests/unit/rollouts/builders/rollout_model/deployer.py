"""A deployer: the endpoint resource's own logic, run as `pulumi up` runs it, one call at a time.

Takes the emulator and the stack's state, runs an operation beside everything else. It can be killed
before any of its calls. Must not check what came of it (that is `checks`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelway.errors import DeploymentError
from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.calls import Calls
from modelway.sagemaker.endpoint import EndpointDeployment
from rollout_model.direct import READING, DirectClient, refusal
from rollout_model.world import World

POLL_SECONDS = 30.0
CALL_SECONDS = 0.2
"""Virtual time that one call takes, so that two deployers' calls come between each other."""


class Killed(BaseException):
    """The engine's process is gone: nothing that it would still do happens."""


@dataclass
class Stack:
    """The stack's state, as the engine's backend keeps it."""

    outputs: dict[str, Any] | None = None
    stale: bool = False
    """A run ended in a way that leaves the state behind reality: `pulumi refresh` is due."""


@dataclass
class Run:
    """One run of one deployer."""

    kind: str
    """`up` or `destroy`."""
    began: float
    inputs: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    """The state when it began."""
    scaling: list[Any] = field(default_factory=list)
    """Scalable targets when it began."""
    parts: frozenset[str] = frozenset()
    """Names of configurations and models when it began."""
    alarms: frozenset[str] = frozenset()
    """Names of alarms when it began."""
    refused: bool = False
    """Whether AWS refused one of its calls for want of credentials or because of throttling."""
    at_rest: bool = True
    """Whether nothing was under way when it began."""
    alone: bool = True
    """Whether no other deployer, and no hand, was at work meanwhile."""
    changed: list[str] = field(default_factory=list)
    """The calls that change something, in their order."""
    outcome: str = "running"
    """`running`, `succeeded`, `failed` (it ended by itself) or `killed`."""
    reason: str = ""


class Deployer:
    """One engine with the stack's state.

    Args:
        world: the emulator.
        stack: the state, which two deployers may share.
        seen: told after every call.
        ended: told of every run that has ended.
    """

    def __init__(
        self,
        world: World,
        stack: Stack,
        seen: Callable[[], None],
        ended: Callable[[Run], None],
    ) -> None:
        self._world, self._stack, self._seen, self._ended = world, stack, seen, ended
        self.run: Run | None = None
        self._fuse: int | None = None
        clients: dict[str, Any] = {}

        def calls(service: str) -> Calls:
            if service not in clients:
                clients[service] = DirectClient(service, self._before, self._after)
            clock = world.clock
            return Calls(clients[service], POLL_SECONDS, clock.sleep, clock.now)

        client = calls("sagemaker").client
        api = SageMakerApi(client, POLL_SECONDS, world.clock.sleep, world.clock.now)
        self._deployment = EndpointDeployment(api, calls)

    @property
    def busy(self) -> bool:
        return self.run is not None and self.run.outcome == "running"

    def up(self, inputs: Mapping[str, Any]) -> None:
        """Begin `pulumi up`; with a refresh where the state is behind."""
        self._begin("up", inputs, lambda run: self._up(run, inputs))

    def destroy(self) -> None:
        """Begin `pulumi destroy`."""
        self._begin("destroy", None, self._destroy)

    def kill(self, calls: int) -> None:
        """Kill the engine when it has made so many more calls."""
        self._fuse = calls

    def _begin(self, kind: str, inputs: Any, work: Callable[[Run], None]) -> None:
        assert not self.busy
        world = self._world
        before = (self._stack.outputs, world.scaling, world.parts, frozenset(world.alarms))
        run = Run(kind, world.clock.now(), inputs, *before)
        run.at_rest = world.record is None or world.record.operation is None
        self.run, self._fuse = run, None
        world.clock.spawn(lambda: self._work(run, work))

    def _work(self, run: Run, work: Callable[[Run], None]) -> None:
        try:
            work(run)
        except DeploymentError as error:
            run.outcome, run.reason = "failed", str(error)
        except Killed:
            run.outcome = "killed"
        except BaseException:
            run.outcome = "broken"
            raise
        else:
            run.outcome = "succeeded"
        doubtful = run.refused or not run.alone or not run.at_rest
        self._stack.stale |= run.outcome == "killed" or doubtful
        self._ended(run)

    def _up(self, run: Run, inputs: Mapping[str, Any]) -> None:
        stack = self._stack
        if stack.outputs is not None and stack.stale:
            stack.outputs = self._deployment.read(stack.outputs)
        stack.stale = False
        run.before = stack.outputs
        if stack.outputs is None:
            stack.outputs = self._deployment.create(inputs)
        else:
            stack.outputs = self._deployment.update(inputs, stack.outputs)

    def _destroy(self, run: Run) -> None:
        if self._stack.outputs is not None:
            self._deployment.delete(self._stack.outputs)
            self._stack.outputs = None

    def _before(self, service: str, operation: str, _parameters: Mapping[str, Any]) -> None:
        run = self.run
        assert run is not None
        self._world.clock.sleep(CALL_SECONDS)
        if self._fuse is not None:
            if self._fuse <= 0:
                raise Killed
            self._fuse -= 1
        refused = self._world.refused(service, operation)
        if refused is not None:
            run.refused = True
            raise refusal(*refused, operation)
        if service == "sagemaker" and not operation.startswith(READING):
            run.changed.append(operation)

    def _after(self, *_call: Any) -> None:
        self._seen()

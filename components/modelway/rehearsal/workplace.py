"""Where a rehearsal takes place: a folder, an emulator, a stack, and what is sent.

Takes a loaded scenario, gives all that its run needs, made side by side, and takes it down again
whatever happens. Must not deploy anything.
"""

import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from modelway.emulator import process
from modelway.emulator.process import RunningEmulator
from modelway.engine import repair
from modelway.errors import EngineError, ModelwayError
from modelway.package import model_file
from modelway.package.tensors import read_tensors
from modelway.rehearsal.labels import version_labels
from modelway.rehearsal.rows import Row, generated_rows, read_rows
from modelway.rehearsal.scenario_file import LoadedScenario
from modelway.rehearsal.stack import RehearsedStack
from modelway.rehearsal.versions import Versions

Progress = Callable[[str], None]


class Sent:
    """What is sent, and which version answers it so."""

    def __init__(self, loaded: LoadedScenario) -> None:
        scenario, specs = loaded.scenario, loaded.specs
        inputs, _ = read_tensors(model_file(Path(specs[0].model.path)))
        traffic = scenario.traffic
        self.rows: list[Row]
        if traffic is None:
            self.rows = []
        elif traffic.rows is None:
            self.rows = generated_rows(inputs, traffic.seed)
        else:
            self.rows = read_rows(loaded.folder / traffic.rows, inputs)
        self.versions = Versions(self.rows)
        for path, label in version_labels(specs).items():
            self.versions.add(label, model_file(Path(path)))


@contextmanager
def workplace(
    loaded: LoadedScenario, progress: Progress, keep: bool
) -> Generator[tuple[RunningEmulator, RehearsedStack, Sent]]:
    """Make everything that a rehearsal needs, side by side; take it down at the end."""
    with ExitStack() as down:
        if keep:
            folder = Path(tempfile.mkdtemp(prefix="modelway-rehearsal-"))
        else:
            made = tempfile.TemporaryDirectory(
                prefix="modelway-rehearsal-", ignore_cleanup_errors=True
            )
            folder = Path(down.enter_context(made))
        state = folder / "state"
        stack = RehearsedStack(loaded, folder, state)
        progress("starting an emulator")
        pool = down.enter_context(ThreadPoolExecutor(3))
        starting: Future[RunningEmulator] = pool.submit(
            process.start, port=0, time_scale=loaded.scenario.time_scale, state=state
        )
        if not keep:
            down.callback(_stop, starting)
        initializing = pool.submit(stack.initialize)
        preparing = pool.submit(Sent, loaded)
        emulator = starting.result()
        sent = preparing.result()
        initializing.result()
        stack.lead_to(emulator.url)
        down.callback(_end_engines, stack)
        try:
            yield emulator, stack, sent
        finally:
            if keep:
                progress(
                    f"kept: {emulator.url}, state in {state}; stop it with "
                    f"`modelway emulator stop --port {emulator.port}` and remove {folder}"
                )


def _stop(starting: Future[RunningEmulator]) -> None:
    try:
        emulator = starting.result()
    except ModelwayError:
        return
    emulator.stop()


def _end_engines(stack: RehearsedStack) -> None:
    """End the engine and what a killed one left, before their emulator goes."""
    stack.give_up()
    try:
        repair(stack.backend_url)
    except EngineError:
        return

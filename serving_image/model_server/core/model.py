"""One ONNX model in onnxruntime: load it, warm it, measure it, run it.

Takes a folder, gives a `Model` that turns arrays into arrays. Errors are `ModelUnusable` while
loading and `InferenceFailed` while running. Must not know where requests come from, and must not
execute anything but the graph: no pickle, no code from the artifact, no download.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from model_server.core import probe
from model_server.core.artifact import Artifact, inspect
from model_server.core.errors import InferenceFailed, ModelUnusable
from model_server.core.generation_file import FILE as GENERATION_FILE
from model_server.core.generation_file import Generation, load_generation
from model_server.core.providers import SILENT, open_session
from model_server.core.rule_file import RULES_FILE, load_rules
from model_server.core.rules import InputRules
from model_server.core.tensors import DATATYPES, Array, Contract, TensorSpec, Value
from model_server.settings.execution import ExecutionSettings

# onnxruntime 1.29 and later send usage data from Linux builds by default, and keep a session
# file in the working directory. The switch is read when the library is loaded, so it is set
# before the import; an exported value of 0 does not bring it back.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort  # after the switch above

QUICK_RUN_SECONDS = 0.001
"""A run expected to be shorter is done on the event loop; a hand-over to a thread costs about
0.1 ms and a longer run on the loop would hold up health checks."""

MAX_BATCH_ROWS = 64
"""Rows up to which runs are measured unless told otherwise: dense models gain little beyond."""

WARM_UP_RUNS = 5

MEASURE_SECONDS = 0.3
"""Time spent on measuring runs of several rows at most."""

SLOW_ROW_SECONDS = 0.2
"""A row that takes longer is not joined with others: it gains nothing, and the proof that it could
be would take seconds at every start."""

RECENT_RUN_WEIGHT = 0.1
"""Weight of the latest run in the average: one run of ten times the usual length moves a model
off the loop soon, some forty short ones bring it back."""


class Model:
    """A loaded model. Its `run` may be called from several threads at once."""

    def __init__(
        self,
        session: Any,
        contract: Contract,
        threads: int,
        *,
        file: str,
        digest: str,
        name: str,
        version: str = "1",
        loops: bool = False,
    ) -> None:
        self.name = name
        """What callers call it."""
        self.version = version
        self.file = file
        """Name of its file, without a folder."""
        self.digest = digest
        """``sha256:`` and the hash of its file."""
        self.contract = contract
        self.threads = threads
        self.rules: InputRules | None = None
        self.generation: Generation | None = None
        """How it emits a sequence; None: it does not."""
        self.size_bytes = 0
        """Size of its files."""
        self.memory_bytes = 0
        """Memory that it takes, as far as it could be measured; set by whoever measured."""
        self.load_seconds = 0.0
        """How long it took to load and warm; set by whoever measured."""
        self.batches = False
        """Whether requests may be joined along the first axis, as was proved at load."""
        self.batches_reason = "it was not warmed up"
        """Why not; empty where they may be."""
        self.kept: dict[str, Any] = {}
        """What others remember for it, such as its queue; goes when it goes, so nothing in it may
        hold the model."""
        self._session = session
        # Past the wrapper in Python, which checks again what `Contract.problems` has checked:
        # 1.5 us of the 6 that a run of the smallest model takes.
        self._run = getattr(session, "_sess", session).run
        # Never stopped, so one for all runs; a new one costs 0.7 us.
        self._run_options = self.run_options()
        self._output_names = tuple(spec.name for spec in contract.outputs)
        first = contract.inputs[0]
        self._rows_input = first.name if first.shape else None
        self._times_vary = loops or any(map(_has_free_inner_axis, contract.inputs))
        """Whether one request may take many times as long as another of as many rows."""
        self._seconds: list[float] = []
        """Expected time of a run by its rows, as measured at load; empty: not known."""
        self._slowness = 1.0
        """Time of recent runs divided by the expected one, since the cost of some models depends
        on the values."""

    @property
    def row_seconds(self) -> float | None:
        """Time of a run on one row; None when the warm-up could not run."""
        return self._seconds[1] * self._slowness if self._seconds else None

    def run_seconds(self, rows: int) -> float:
        """Give the expected time of a run on that many rows; 0 when nothing is known."""
        return self._expected(rows) * self._slowness if self._seconds else 0.0

    def is_quick(self, rows: int) -> bool:
        """Whether a run on that many rows is sure to take about `QUICK_RUN_SECONDS` at most.

        Such runs are done on the event loop, where nothing could stop one that takes longer: never
        those of a model with loops, or with axes of any length beside the rows.
        """
        if self._times_vary:
            return False
        seconds = self._seconds
        if rows < len(seconds):
            return seconds[rows] * self._slowness < QUICK_RUN_SECONDS
        return self._expected(rows) * self._slowness < QUICK_RUN_SECONDS

    def _expected(self, rows: int) -> float:
        seconds = self._seconds
        if rows < len(seconds):
            return seconds[rows]
        if not seconds:
            return math.inf
        return seconds[-1] * rows / (len(seconds) - 1)

    def problems(self, inputs: dict[str, Array]) -> list[str]:
        """List everything that keeps these arrays from being this model's input.

        Missing values that the rules replace are replaced in ``inputs``.
        """
        found = self.contract.problems(inputs)
        # Rules are about values; arrays of another shape or datatype have none to speak of.
        if not found and self.rules is not None:
            return self.rules.problems(inputs)
        return found

    def run_options(self) -> Any:
        """Give the options of one run; setting ``terminate`` on them to True stops that run."""
        options = ort.RunOptions()
        options.log_severity_level = SILENT
        return options

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        options: Any = None,
    ) -> dict[str, Value]:
        """Run the model once.

        Args:
            inputs: arrays that `problems` found nothing against.
            outputs: names of the outputs wanted; all when None.
            options: those of `run_options`, through which the run can be stopped; None: it
                cannot be.

        Raises:
            InferenceFailed: the model failed on this input.
        """
        names = self._output_names if outputs is None else outputs
        if type(inputs) is not dict:
            inputs = dict(inputs)
        start = perf_counter()
        try:
            values = self._run(names, inputs, self._run_options if options is None else options)
        except Exception as error:
            # onnxruntime raises its own exception types, which share no base but Exception.
            raise InferenceFailed(
                "the model failed while it ran on this input; the server's log has the reason",
                detail=f"{type(error).__name__}: {error}",
            ) from error
        seconds = self._seconds
        if seconds:
            took = perf_counter() - start
            rows = 1 if self._rows_input is None else inputs[self._rows_input].shape[0]
            expected = seconds[rows] if rows < len(seconds) else self._expected(rows)
            self._slowness += RECENT_RUN_WEIGHT * (took / expected - self._slowness)
        if len(values) == 1:
            return {names[0]: values[0]}
        return dict(zip(names, values, strict=True))

    def warm_up(self, max_rows: int = MAX_BATCH_ROWS) -> str | None:
        """Run until the time of a run is known, and prove whether requests may be joined.

        Args:
            max_rows: rows of the largest run that will be asked for; 1: requests are not joined.

        Returns:
            None, or why the warm-up could not run although the model may be fine: an axis that
            the model leaves free need not accept length 1.

        Raises:
            ModelUnusable: it cannot run, and only the number of rows was free.
        """
        try:
            seconds = self._time(self._example() or probe.zeros(self.contract), WARM_UP_RUNS)
        except InferenceFailed as error:
            self.batches_reason = "the warm-up could not run"
            if any(_has_free_inner_axis(spec) for spec in self.contract.inputs):
                return error.detail
            row = "the example of its rules" if self._example() else "one row of zeros"
            raise ModelUnusable(
                f"{self.file} was loaded but fails on {row}: {without_folders(error.detail)}"
            ) from error
        measured = {1: seconds}
        self.batches_reason = self._why_not_tried(seconds, max_rows)
        if not self.batches_reason:
            measured |= self._prove_and_measure(seconds, max_rows)
        self.batches = not self.batches_reason
        self._seconds = _interpolated(measured)
        self._slowness = 1.0
        return None

    def _example(self) -> dict[str, Array]:
        return probe.example_rows(self.contract, self.rules, 1)

    def _why_not_tried(self, row_seconds: float, max_rows: int) -> str:
        if max_rows < 2:
            return "runs of several requests are switched off"
        if row_seconds > SLOW_ROW_SECONDS:
            return f"one row takes over {SLOW_ROW_SECONDS} s"
        return probe.why_not_joinable(self.contract) or ""

    def _prove_and_measure(self, seconds: float, max_rows: int) -> dict[int, float]:
        """Set `batches_reason`, and give the time of runs by their rows."""
        rows = probe.rows_that_run(self.run, self.contract, self.rules)
        if rows is None:
            self.batches_reason = (
                "the model takes no made-up input; give it examples or ranges in its rules"
            )
            rows = probe.zeros(self.contract)
        else:
            try:
                self.batches_reason = probe.why_rows_differ(self.run, rows) or ""
            except InferenceFailed as error:
                self.batches_reason = f"it fails on some numbers of rows: {error.detail}"
        measured: dict[int, float] = {}
        left, count = MEASURE_SECONDS, 2
        # One run to get ready and up to three to measure, each up to twice as long as the last.
        while count <= max_rows and 8 * seconds < left:
            inputs = {
                name: np.resize(array, (count, *array.shape[1:])) for name, array in rows.items()
            }
            begun = perf_counter()
            try:
                self.run(inputs)
                seconds = self._time(inputs, 3)
            except InferenceFailed:
                break
            left -= perf_counter() - begun
            measured[count] = seconds
            count *= 2
        return measured

    def _time(self, inputs: dict[str, Array], runs: int) -> float:
        """Give the shortest time of a few runs; one suffices when it takes over a second."""
        times: list[float] = []
        for _ in range(runs):
            start = perf_counter()
            self.run(inputs)
            times.append(perf_counter() - start)
            if sum(times) > 1.0:
                break
        return min(times)


def load_model(
    source: Path | Artifact,
    threads: int,
    settings: ExecutionSettings | None = None,
    *,
    name: str | None = None,
    version: str = "1",
) -> Model:
    """Load the model of a folder, not yet warmed. Call it in a thread.

    Args:
        source: the folder with the model file and what belongs to it, or what `inspect` gave
            for it.
        threads: of one run.
        settings: how models are run; the defaults when None.
        name: what callers call it; its file's name when None.
        version: of the model, as callers name it.

    Raises:
        ModelUnusable: it cannot be found, read or served.
    """
    settings = ExecutionSettings() if settings is None else settings
    artifact = source if isinstance(source, Artifact) else inspect(source)
    file = artifact.path.name
    limit = settings.model_memory_mib
    if limit is not None and artifact.size_bytes > limit * 2**20:
        raise ModelUnusable(
            f"{file} takes {artifact.size_bytes / 2**20:.0f} MiB and more, over the limit of "
            f"{limit} MiB for models; raise MODEL_SERVER_MODEL_MEMORY_MIB"
        )
    artifact.verify_unchanged()
    try:
        session = open_session(artifact.path, threads, settings)
    except ModelUnusable:
        raise
    except Exception as error:
        # As in `run`: no common base.
        raise ModelUnusable(f"{file} could not be loaded: {without_folders(str(error))}") from error
    model = Model(
        session,
        _contract(file, session),
        threads,
        file=file,
        digest=artifact.digest,
        name=file if name is None else name,
        version=version,
        loops=artifact.loops,
    )
    model.size_bytes = artifact.size_bytes
    folder = artifact.path.parent
    if artifact.may_hold(RULES_FILE):
        model.rules = load_rules(folder, model.contract)
    if artifact.may_hold(GENERATION_FILE):
        model.generation = load_generation(folder, model.contract)
    artifact.verify_unchanged()
    return model


def without_folders(text: str) -> str:
    """Give a text with files named without their folders: callers read it in /ping."""
    return re.sub(r"(?<![\w.])/(?:[^\s/:'\"]+/)*(?=[^\s/])", "", text)


def _interpolated(measured: dict[int, float]) -> list[float]:
    """Give the time for each number of rows from 0 to the largest measured, never falling."""
    rows = sorted(measured)
    seconds = np.maximum.accumulate([measured[count] for count in rows])
    return [float(each) for each in np.interp(range(rows[-1] + 1), rows, seconds)]


def _contract(name: str, session: Any) -> Contract:
    inputs = tuple(_spec(node) for node in session.get_inputs())
    outputs = tuple(_spec(node) for node in session.get_outputs())
    unusable = [node.name for node in session.get_inputs() if node.type not in DATATYPES]
    if unusable:
        raise ModelUnusable(
            f"{name} has inputs that are no tensors of a type numpy can hold: {', '.join(unusable)}"
        )
    if not inputs or not outputs:
        raise ModelUnusable(f"{name} has no inputs or no outputs")
    return Contract(inputs=inputs, outputs=outputs)


def _spec(node: Any) -> TensorSpec:
    # A free axis is None, a name, or, from some converters, a number below 1.
    shape = tuple(
        None if axis is None or (isinstance(axis, int) and axis < 1) else axis
        for axis in (node.shape if isinstance(node.shape, list) else [])
    )
    return TensorSpec(name=node.name, dtype=DATATYPES.get(node.type), shape=shape)


def _has_free_inner_axis(spec: TensorSpec) -> bool:
    return any(not isinstance(axis, int) for axis in spec.shape[1:])

"""Load and convert a source in a separate process without network.

Takes what the worker is to do, gives what it found, or a `PackageError` with its reason. The
process has a memory limit, a time limit, an empty environment and an empty folder; how it is kept
from the network is `jail`'s. The answer is JSON and numpy arrays without pickles, so nothing of the
source ever runs here. Must not import what the worker imports.
"""

import contextlib
import os
import signal
import site
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from modelway.errors import PackageError
from modelway.package.manifest import SourceFormat
from modelway.spec.model_file import Tensor

REQUEST_NAME, ANSWER_NAME = "request.json", "answer.json"
MODEL_NAME, INPUTS_NAME, OUTPUTS_NAME = "model.onnx", "inputs.npz", "outputs.npz"
"""What the worker reads and writes in its folder."""

FILE_LIMIT_BYTES = 8 * 1024**3
"""Greatest file that the worker may write."""

_LOG_TAIL = 400


@dataclass(frozen=True)
class Limits:
    """What a worker may use."""

    memory_mib: int = 8192
    time_seconds: int = 600


class WorkerRequest(BaseModel):
    """What the worker is to load and convert."""

    model_config = ConfigDict(frozen=True)

    source: Path
    """A copy of its own, in its folder."""
    shown: str
    """The source as the user named it, for messages."""
    format: SourceFormat
    trusted_types: tuple[str, ...]
    input_name: str
    columns: tuple[str, ...] | None
    values: tuple[tuple[object, ...], ...]
    """Of the sample rows."""
    samples: str
    """The samples' file, for messages."""
    limits: Limits


class WorkerAnswer(BaseModel):
    """What the worker found and made."""

    model_config = ConfigDict(frozen=True)

    refused: str | None = None
    """Why there is no model; the rest is empty then."""
    class_name: str = ""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[str, ...] = ()
    """Names of the outputs, in the model's order."""
    labels: tuple[str, ...] = ()
    """Outputs that are labels: they agree or do not."""
    unused_columns: tuple[str, ...] = ()
    """Of the samples."""
    versions: dict[str, str] = {}
    network: str = ""
    """How the worker was kept from the network."""


def convert_apart(
    request: WorkerRequest, folder: Path, meanwhile: Callable[[], object] = lambda: None
) -> WorkerAnswer:
    """Convert a source in a process of its own.

    Args:
        request: what to do.
        folder: empty; the model, `inputs.npz` and `outputs.npz` are left in it.
        meanwhile: is called while the process works, which takes a second at least.

    Raises:
        PackageError: the source cannot be loaded or converted, or took too much.
    """
    (folder / REQUEST_NAME).write_text(request.model_dump_json())
    seconds, log = request.limits.time_seconds, folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "modelway.package.sources.worker", str(folder)],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            meanwhile()
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise PackageError(
                f"converting the source {request.shown} took longer than {seconds} s and was "
                "stopped; give it more with --time-limit-seconds"
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    answer = _answer(folder)
    if answer is None:
        raise PackageError(
            f"converting the source {request.shown} ended without an answer "
            f"({_end(process.returncode, log)}); perhaps it needs more than the "
            f"{request.limits.memory_mib} MiB of memory or {seconds} s of processor time that it "
            "may use (--memory-limit-mib, --time-limit-seconds)"
        )
    if answer.refused is not None:
        raise PackageError(answer.refused)
    return answer


def _answer(folder: Path) -> WorkerAnswer | None:
    with contextlib.suppress(OSError, ValueError):
        return WorkerAnswer.model_validate_json((folder / ANSWER_NAME).read_bytes())
    return None


def _end(returncode: int, log: Path) -> str:
    """Say how a process ended, with its last words."""
    how = f"exit status {returncode}"
    if returncode < 0:
        how = signal.Signals(-returncode).name
    tail = log.read_text(errors="replace").strip()[-_LOG_TAIL:]
    return f"{how}: {' '.join(tail.split())}" if tail else how


def _environment(folder: Path) -> dict[str, str]:
    """Give the worker's environment: no credentials, one thread, one order of hashes."""
    environment = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        # Where `pip install --user` puts packages follows from HOME otherwise.
        "PYTHONUSERBASE": site.getuserbase(),
        # Sums of floats depend on the number of threads, and libraries count processors by
        # starting programs.
        **dict.fromkeys(_THREADS, "1"),
    }
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


_THREADS: Sequence[str] = (
    "LOKY_MAX_CPU_COUNT",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)

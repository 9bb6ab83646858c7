"""Measure how long a package of 1 GB takes to sign, to verify and for the server to check.

Prints a table in the README's style, with the processor's time beside the clock's; asserts nothing.
Run by `make bench`. It needs 4 GB in the folder for temporary files, for as long as it runs.
"""

import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY / "serving_image"), str(REPOSITORY / "tests/serving/builders")]

from onnx_models import refers_to  # noqa: E402 - of the folders above
from packages import write_keys, write_package  # noqa: E402

SIZE_BYTES = 10**9
RUNS = 3

CHECK = (
    "import sys; from pathlib import Path; from model_server.core.artifact import inspect; "
    "inspect(Path(sys.argv[1]), sys.argv[2])"
)


def main() -> None:
    """Print the median and the range of every step."""
    commands = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        private, public = write_keys(folder / "keys")
        package = write_package(
            folder / "fraud-1", refers_to("w.bin"), **{"w.bin": os.urandom(SIZE_BYTES)}
        )
        modelway = str(commands / "modelway")
        steps = {
            "`modelway sign`": [modelway, "sign", package, "--key", private],
            "`modelway verify`": [modelway, "verify", package, "--key", public],
            "the server's check": [sys.executable, "-c", CHECK, package, public],
        }
        lines = ["| a package of 1 GB (seconds) | median | most | of the processor |"]
        lines.append("|---|---|---|---|")
        lines += [_row(what, command, folder) for what, command in steps.items()]
        archive = folder / "model.tar.gz"
        from modelway.package.packing import pack_package

        pack_package(package, archive)
        command = [modelway, "verify", archive, "--key", public]
        lines.append(_row("`modelway verify` of its model.tar.gz", command, folder))
        begun = time.perf_counter()
        with (package / "w.bin").open("rb") as file:
            hashlib.file_digest(file, "sha256")
        lines.append(f"| SHA-256 alone, once | {time.perf_counter() - begun:.1f} | | |")
    print("\n".join(lines))  # noqa: T201 - the result


def _row(what: str, command: list[object], folder: Path) -> str:
    seconds: list[float] = []
    worked: list[float] = []
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "serving_image"),
        "TMPDIR": str(folder),
    }
    for _ in range(RUNS):
        begun, before = time.perf_counter(), _processor_seconds()
        subprocess.run(
            [str(each) for each in command], check=True, capture_output=True, env=environment
        )
        seconds.append(time.perf_counter() - begun)
        worked.append(_processor_seconds() - before)
    figures = statistics.median(seconds), max(seconds), statistics.median(worked)
    return f"| {what} | {' | '.join(f'{each:.1f}' for each in figures)} |"


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

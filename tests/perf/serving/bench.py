"""`make bench`: the model server beside its peers, one core each.

Prints figures and asserts none. Every server is pinned to one core and the load to another; every
answer that is sampled must be onnxruntime's own. Peers run in environments of their own.

    python tests/perf/serving/bench.py [--cells NAME,...] [--servers NAME,...] [--quick] [--json]
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import memory
import models
import ours
from cells import CELLS
from environments import UnavailableError, python_description, wrk
from limits import Limited, measure
from report import Report
from rich.console import Console
from runs import Bench
from servers import SERVERS

HERE = Path(__file__).parent
DEFAULT_SERVERS = ("ours", "ours-bare", "fastapi", "fastapi-async", "kserve", "triton")
LIMITS = "limits"

talk = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Measure, then print tables (or JSON)."""
    options = _options()
    if options.show_source:
        for server in SERVERS.values():
            if server.source is not None and server.name in options.servers:
                print(f"# {server.title}: {server.versions()}\n{server.source.read_text()}")  # noqa: T201 - the result
        return
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("the benchmark needs two cores: one for the server, one for the load")
    try:
        wrk()
    except UnavailableError as error:
        sys.exit(str(error))
    # Ended by `kill`, it ends its servers as it does with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.sched_setaffinity(0, {cores[-1]})
    with tempfile.TemporaryDirectory(prefix="model-server-bench-") as folder:
        report = run(options, Path(folder), (cores[0], cores[-1]))
    if options.json:
        print(json.dumps(report.data(), indent=2))  # noqa: T201 - the result
    else:
        report.print(Console(highlight=False, width=None if sys.stdout.isatty() else 140))
    if any(verdict.aim == "an answer that counts" for verdict in report.verdicts()):
        sys.exit(1)


def run(options: argparse.Namespace, folder: Path, cores: tuple[int, int]) -> Report:
    """Measure everything that was chosen."""
    begun = time.strftime("%Y-%m-%d %H:%M")
    load_before = os.getloadavg()[0]
    built = models.build(folder / "models")
    cells = [cell for cell in CELLS if cell.name in options.cells]
    bench = Bench(folder, built, options.seconds, cores, talk.print)
    limited: list[Limited] = []
    with memory.kept() as free_memory:
        for repeat in range(options.repeats):
            talk.print(f"repeat {repeat + 1} of {options.repeats}")
            bench.measure([SERVERS[name] for name in options.servers], cells)
        if LIMITS in options.cells and "ours" in options.servers:
            talk.print("limits of CPU")
            limited = list(measure(bench, built["mlp"], options.seconds))
    conditions = {
        "machine": f"{_cpu()}, {os.cpu_count()} cores, server on {cores[0]}, load on {cores[1]}",
        "system": f"{platform.platform()}; all servers on {python_description()}",
        "measured": f"{begun}, load average before it {load_before:.1f}, {options.repeats} starts "
        f"a server, {options.seconds:g} s a cell, medians",
        "memory": free_memory,
        "columns": "CPUs that the server used; speed of the machine beside its best; CPUs of the "
        "server's core that others used",
        "everywhere": f"1 onnxruntime thread, {models.DISTINCT} different bodies, HTTP/1.1 "
        "keep-alive, no TLS, loopback; load by wrk, ghz and open_loop.py",
        "model server": f"onnxruntime {version('onnxruntime')}; " + _features(),
        "raw onnxruntime, us a run": ", ".join(
            f"{name} {bench.figures.raw_of(name).run_us:.1f}"
            for name in built
            if name in {cell.model for cell in cells}
        ),
    }
    conditions |= {
        SERVERS[name].title: SERVERS[name].versions()
        for name in options.servers
        if SERVERS[name].versions()
    }
    sizes = {name: model.mib for name, model in built.items()}
    return Report(conditions, cells, bench.figures, sizes, limited)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the model server beside its peers.")
    names = [cell.name for cell in CELLS] + [LIMITS]
    parser.add_argument(
        "--cells", type=_list(names), default=names, help=f"some of {', '.join(names)}"
    )
    parser.add_argument(
        "--servers",
        type=_list(SERVERS),
        default=list(DEFAULT_SERVERS),
        help=f"some of {', '.join(SERVERS)}; default {', '.join(DEFAULT_SERVERS)}",
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each cell")
    parser.add_argument("--repeats", type=int, default=3, help="starts of each server")
    parser.add_argument("--quick", action="store_true", help="one start, one second a cell")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--show-source", action="store_true", help="print the peers' programs")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.repeats = 1.0, 1
    return options


def _list(known: object) -> object:
    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        wrong = [name for name in names if name not in known]  # type: ignore[operator]
        if wrong:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: not known")
        return names

    return read


def _features() -> str:
    switched = ", ".join(f"{name}={value}" for name, value in ours.OURS_ENVIRONMENT.items())
    return f"input rules with ranges; {switched}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


if __name__ == "__main__":
    main()

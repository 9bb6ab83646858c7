"""One run of the benchmark: servers started and ended, cells loaded, figures kept.

Takes what was chosen, gives `Result`s and `Start`s. The server has the first core that this
process may use, the load the last one.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ours
from cells import Cell
from environments import UnavailableError, ghz, wrk
from figures import DISTURBED_SLOWNESS, Figures, Raw, Result, Start
from load import Load, Requests, closed_loop, constant_rate, grpc_load
from models import DISTINCT, Model
from processes import ServerFailedError, Tree
from samples import Sampler, WrongAnswerError
from servers import Launch, Place, Server
from speed import busy_seconds, probe
from wires import WIRES, grpc_message, http_request

WARM_UP_SECONDS = 1.0

TRIES = 3


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    server: Server
    tree: Tree
    place: Place
    launch: Launch
    ready_seconds: float
    log: ours.PredictionLog
    """Of our server with everything on; empty for others."""


class Bench:
    """Runs cells."""

    def __init__(
        self,
        folder: Path,
        models: dict[str, Model],
        seconds: float,
        cores: tuple[int, int],
        say: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            folder: for everything that is written.
            models: by name.
            seconds: of load for one cell.
            cores: the server's, and the load's.
            say: told what goes on.
        """
        self.folder = folder
        self._models = models
        self._seconds = seconds
        self.server_core, self.load_core = cores
        self._say = say
        self._requests: dict[tuple[str, ...], Requests] = {}
        self._quickest = min(probe(self.server_core) for _ in range(5))
        self.figures = Figures()

    def measure(self, servers: list[Server], cells: list[Cell]) -> None:
        """Start every server once a model, and run the cells.

        All are up at the same time, and a cell's servers are loaded one straight after the other:
        what the machine does from minute to minute is then in all of them.
        """
        for name, model in self._models.items():
            # Closed loops first: the prediction log has to lose nothing in those.
            mine = sorted((c for c in cells if c.model == name), key=lambda c: c.rate is not None)
            if not mine:
                continue
            kinds = {cell.kind for cell in mine}
            with ExitStack() as stack:
                up = self._started(stack, [s for s in servers if kinds & set(s.wires)], model, mine)
                self.figures.raw.append(self.raw(model))
                for cell in mine:
                    for running in up:
                        if cell.kind in running.server.wires:
                            self.figures.results.append(self._cell(running, model, cell))
                            if cell.rate is None:
                                self._count_log(running, cell)
                if name == "mlp":
                    self.figures.starts += [
                        Start(one.server.name, one.ready_seconds, one.tree.rss_mib()) for one in up
                    ]

    def _started(
        self, stack: ExitStack, servers: list[Server], model: Model, cells: list[Cell]
    ) -> list[Running]:
        up = []
        for server in servers:
            try:
                up.append(stack.enter_context(self._running(server, model)))
            except (ServerFailedError, UnavailableError) as error:
                self._failed(server, cells, str(error))
        return up

    @contextmanager
    def _running(self, server: Server, model: Model) -> Iterator[Running]:
        home = Path(tempfile.mkdtemp(prefix=f"{server.name}-", dir=self.folder))
        place = Place(home, *free_ports(3))
        launch = server.launch(model, place, self._say)
        tree = Tree(launch.command, launch.whole_environment(), home, self.server_core)
        try:
            ready = tree.wait_ready(place.port, server.ready)
            log = ours.PredictionLog(home, place.port)
            yield Running(server, tree, place, launch, ready, log)
        finally:
            tree.stop()
            shutil.rmtree(home)

    def _failed(self, server: Server, cells: list[Cell], problem: str) -> None:
        self._say(f"{server.title}: {problem}")
        self.figures.results += [
            Result(cell.name, server.name, problem=problem)
            for cell in cells
            if cell.kind in server.wires
        ]

    def raw(self, model: Model) -> Raw:
        """Measure onnxruntime without a server, on the server's core and in our environment."""
        command = ["taskset", "--cpu-list", str(self.server_core), str(ours.python(self._say))]
        command += [str(Path(__file__).with_name("raw.py")), str(model.path), model.input]
        command += [str(model.width), model.dtype, str(model.low), str(model.high)]
        tries: list[Raw] = []
        while len(tries) < TRIES and (not tries or tries[-1].slowness > DISTURBED_SLOWNESS):
            speed = probe(self.server_core)
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            tries.append(Raw(model.name, **found, slowness=self._slowness(speed)))
        return min(tries, key=lambda one: one.slowness)

    def load(self, cell: Cell, wire: str, place: Place, launch: Launch, seconds: float) -> Load:
        """Put a cell's load on a running server."""
        model = self._models[cell.model]
        requests = self._prepared(cell, wire, model, launch)
        if wire == "grpc":
            proto = ours.source() / "model_server/grpc_v2/open_inference.proto"
            metadata = {name.lower(): value for name, value in launch.headers.items()}
            return grpc_load(
                ghz(self._say),
                proto,
                requests.content,
                metadata,
                place.grpc_port,
                cell.connections,
                seconds,
                self.load_core,
            )
        if cell.rate is not None:
            return constant_rate(requests, place.port, cell.rate, seconds, self.load_core)
        return closed_loop(wrk(), requests, place.port, cell.connections, seconds, self.load_core)

    def _cell(self, running: Running, model: Model, cell: Cell) -> Result:
        """Measure, again where the machine was slow meanwhile, and keep the least disturbed."""
        try:
            self._warmed_and_sampled(running, model, cell)
            tries = [self._slice(running, cell)]
            while tries[-1].disturbance > 0 and len(tries) < TRIES:
                tries.append(self._slice(running, cell))
        except (WrongAnswerError, UnavailableError, OSError) as error:
            problem = f"{error}" or repr(error)
            result = Result(cell.name, running.server.name, problem=problem)
        else:
            result = min(tries, key=lambda one: one.disturbance)
        self._say(
            f"{cell.title}: {running.server.title} {result.cpu_us:.0f} us, "
            f"{result.per_second:.0f}/s, p50 {result.p50_ms:.2f} ms, p99 {result.p99_ms:.2f} ms, "
            f"machine at {1 / result.slowness:.0%} of its best, others used {result.others:.2f} "
            f"CPUs {result.problem}"
        )
        return result

    def _warmed_and_sampled(self, running: Running, model: Model, cell: Cell) -> None:
        server, place, launch = running.server, running.place, running.launch
        wire = server.wires[cell.kind]
        port = place.grpc_port if wire == "grpc" else place.port
        sampler = Sampler(model, model.rows(DISTINCT, cell.rows), wire, port, launch.headers)
        self._prepared(cell, wire, model, launch)
        with ThreadPoolExecutor(1) as pool:
            # Under load, so that rows are compared which were run in batches with others.
            warm = pool.submit(self.load, cell, wire, place, launch, WARM_UP_SECONDS)
            running.log.received += sampler.check()
            running.log.received += warm.result().answers

    def _slice(self, running: Running, cell: Cell) -> Result:
        server, tree = running.server, running.tree
        wire = server.wires[cell.kind]
        speed = probe(self.server_core)
        begun = time.perf_counter()
        core, before = busy_seconds(self.server_core), tree.cpu_seconds()
        load = self.load(cell, wire, running.place, running.launch, self._seconds)
        cpu = tree.cpu_seconds() - before
        core = busy_seconds(self.server_core) - core
        # Longer than the load: tools read their requests first.
        took = time.perf_counter() - begun
        running.log.received += load.answers
        slowness = self._slowness(speed)
        return Result(
            cell=cell.name,
            server=server.name,
            cpu_us=cpu / max(load.answers, 1) * 1e6,
            per_second=load.per_second,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            answers=load.answers,
            busy=cpu / load.seconds if load.seconds else 0.0,
            slowness=slowness,
            others=max(0.0, core - cpu) / took,
            problem=_problem(load, cell),
        )

    def _slowness(self, before: float) -> float:
        speed = (before + probe(self.server_core)) / 2
        self._quickest = min(self._quickest, speed)
        return speed / self._quickest

    def _count_log(self, running: Running, cell: Cell) -> None:
        count = running.log.count()
        if count is not None:
            self._say(f"{cell.title}: prediction log {count}")
            self.figures.log_counts.append(count)

    def _prepared(self, cell: Cell, wire: str, model: Model, launch: Launch) -> Requests:
        key = (wire, model.name, str(cell.rows), *launch.headers)
        if wire == "grpc":
            key = key[:3]
        if key not in self._requests:
            rows = model.rows(DISTINCT, cell.rows)
            self._requests[key] = self._written("-".join(key), wire, model, rows, launch)
        return self._requests[key]

    def _written(
        self, name: str, wire: str, model: Model, rows: np.ndarray, launch: Launch
    ) -> Requests:
        if wire == "grpc":
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps([grpc_message(model, one) for one in rows]))
            return Requests(path, path)
        form = WIRES[wire]
        requests = []
        for one in rows:
            headers, body = form.encode(model, one)
            requests.append(http_request(form.path, {**headers, **launch.headers}, body))
        return Requests.write(self.folder, name, requests)


def _problem(load: Load, cell: Cell) -> str:
    if load.refused:
        return f"{load.refused} answers were not 2xx"
    if load.errors and cell.rate is not None:
        return f"falls behind: {load.errors} requests without an answer"
    if load.errors:
        return f"{load.errors} requests failed"
    return ""


def free_ports(count: int) -> list[int]:
    """Give ports that are free now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports

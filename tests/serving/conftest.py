"""Real servers on small real models.

`serve("classifier")` gives a running server of that model; servers without settings are shared by
the tests of a session. `launcher` is how one is started: as a process here, as a container in the
folder `docker`, which runs the same contract suite.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
import urllib3
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from modelway.image.context import serving_image_directory
from modelway.image.runtime import server_python
from raw_http import Line, framed

WEIGHTS = np.array(
    [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9], [1.0, -1.1, 1.2]], dtype=np.float32
)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        def no_constant(name):
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.body, parse_constant=no_constant)


@dataclass
class Server:
    port: int
    process: subprocess.Popen | None = None
    log: Path | None = None
    _pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=8))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        got = self._pool.request(
            method, self.url + path, body=body, headers=named, retries=False, timeout=30.0
        )
        return Reply(got.status, {k.lower(): v for k, v in got.headers.items()}, got.data)

    def post(self, body, content_type="application/json", **headers):
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        return self.request("POST", "/invocations", body, content_type=content_type, **headers)

    def ping(self):
        return self.request("GET", "/ping")

    def wait(self, status=200, seconds=30.0):
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                reply = self.ping()
                if reply.status == status:
                    return reply
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, f"/ping never gave {status}: {self.events()}"
            time.sleep(0.02)

    def events(self, name=None):
        assert self.log is not None
        events = [json.loads(line) for line in self.log.read_text().splitlines()]
        return events if name is None else [event for event in events if event["event"] == name]

    def stop(self, seconds=30.0):
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def _ports():
    """Ports of this test process alone, below those that the system gives to callers.

    A port that the system chose may be given to somebody else before a server listens on it.
    """
    first = 10_000 + 5_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    # Another run of the tests at the same time begins elsewhere.
    start = os.getpid() % 5_000
    yield from (first + (start + number) % 5_000 for number in itertools.count())


_PORTS = _ports()


def free_port():
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable")


def graph(inputs, nodes, outputs, *initializers):
    """An ONNX model from (name, type, shape) and (operator, inputs, outputs, attributes)."""
    values = [
        [
            value
            if isinstance(value, onnx.ValueInfoProto)
            else helper.make_tensor_value_info(*value)
            for value in part
        ]
        for part in (inputs, outputs)
    ]
    made = [
        node
        if isinstance(node, onnx.NodeProto)
        else helper.make_node(node[0], node[1], node[2], **(node[3] if len(node) > 3 else {}))
        for node in nodes
    ]
    constants = [numpy_helper.from_array(array, name) for name, array in initializers]
    built = helper.make_graph(made, "tests", *values, constants)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(built, opset_imports=versions, ir_version=8)


def echo(kind, *shape):
    return graph([("x", kind, shape)], [("Identity", ["x"], ["y"])], [("y", kind, shape)])


def classifier():
    nodes = [
        ("MatMul", ["x", "weights"], ["scores"]),
        ("ArgMax", ["scores"], ["label"], {"axis": 1, "keepdims": 0}),
        ("Softmax", ["scores"], ["probabilities"], {"axis": 1}),
    ]
    outputs = [("label", T.INT64, ["batch"]), ("probabilities", T.FLOAT, ["batch", 3])]
    return graph([("x", T.FLOAT, ["batch", 4])], nodes, outputs, ("weights", WEIGHTS))


def regressor():
    nodes = [("MatMul", ["x", "weights"], ["y"])]
    inputs, outputs = [("x", T.FLOAT, ["batch", 4])], [("y", T.FLOAT, ["batch", 3])]
    return graph(inputs, nodes, outputs, ("weights", WEIGHTS))


def people():
    """Two inputs, as a table of columns gives; text goes through."""
    inputs = [("age", T.FLOAT, ["batch", 1]), ("job", T.STRING, ["batch", 1])]
    nodes = [("Add", ["age", "one"], ["older"]), ("Identity", ["job"], ["same"])]
    outputs = [("older", T.FLOAT, ["batch", 1]), ("same", T.STRING, ["batch", 1])]
    return graph(inputs, nodes, outputs, ("one", np.array([1.0], dtype=np.float32)))


def lookup():
    """Fails while it runs when an index is not 0, 1 or 2."""
    table = ("table", np.array([10.0, 20.0, 30.0], dtype=np.float32))
    nodes = [("Gather", ["table", "x"], ["y"])]
    return graph([("x", T.INT64, ["batch", 1])], nodes, [("y", T.FLOAT, ["batch", 1])], table)


def total():
    """One output without rows."""
    nodes = [("ReduceSum", ["x"], ["sum"], {"keepdims": 0}), ("Identity", ["x"], ["y"])]
    outputs = [("sum", T.FLOAT, []), ("y", T.FLOAT, ["batch", 2])]
    return graph([("x", T.FLOAT, ["batch", 2])], nodes, outputs)


def maps():
    """A list of maps, as scikit-learn's converter makes unless told otherwise."""
    one = helper.make_map_type_proto(T.INT64, helper.make_tensor_type_proto(T.FLOAT, None))
    found = helper.make_value_info("found", helper.make_sequence_type_proto(one))
    zipped = helper.make_node(
        "ZipMap", ["x"], ["found"], domain="ai.onnx.ml", classlabels_int64s=[7, 8]
    )
    return graph([("x", T.FLOAT, ["batch", 2])], [zipped], [found])


def slow():
    """Multiplies matrices as many times as its input says: about 1 ms each."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("MatMul", ["state_in", "matrix"], ["state_out"]),
        ],
        "once",
        [
            helper.make_tensor_value_info("number", T.INT64, []),
            helper.make_tensor_value_info("go_in", T.BOOL, []),
            helper.make_tensor_value_info("state_in", T.FLOAT, [256, 256]),
        ],
        [
            helper.make_tensor_value_info("go_out", T.BOOL, []),
            helper.make_tensor_value_info("state_out", T.FLOAT, [256, 256]),
        ],
    )
    nodes = [
        ("ReduceMax", ["times"], ["trips"], {"keepdims": 0}),
        ("Loop", ["trips", "", "matrix"], ["end"], {"body": body}),
        ("ReduceSum", ["end"], ["y"], {"keepdims": 0}),
    ]
    matrix = ("matrix", np.eye(256, dtype=np.float32))
    return graph([("times", T.INT64, ["batch", 1])], nodes, [("y", T.FLOAT, [])], matrix)


MODELS: dict[str, Callable[[], onnx.ModelProto]] = {
    "classifier": classifier,
    "regressor": regressor,
    "people": people,
    "lookup": lookup,
    "total": total,
    "maps": maps,
    "slow": slow,
    "echo": lambda: echo(T.FLOAT, "batch", "width"),
    "double": lambda: echo(T.DOUBLE, "batch", 2),
    "half": lambda: echo(T.FLOAT16, "batch", 2),
    "bytes": lambda: echo(T.INT8, "batch", 2),
    "flags": lambda: echo(T.BOOL, "batch", 2),
    "text": lambda: echo(T.STRING, "batch"),
    "pair": lambda: echo(T.FLOAT, 2, 3),
    "cube": lambda: echo(T.FLOAT, "batch", 2, 2),
}


def pytest_collection_finish(session):
    """Make the server's environment before the guard of the tests closes the network."""
    folder = Path(__file__).parent
    if any(folder in item.path.parents for item in session.items):
        server_python()


@pytest.fixture(autouse=True)
def _the_threads_event_loop():
    """Put back the loop that `asyncio.run` takes away: Pulumi's mocks in other tests ask for it."""
    policy = asyncio.get_event_loop_policy()
    try:
        loop = policy.get_event_loop()
    except RuntimeError:
        loop = None
    yield
    if loop is not None:
        policy.set_event_loop(loop)


@pytest.fixture(scope="session")
def models() -> Iterator[Path]:
    """One folder for each model, readable for every user, as a container's user is another."""
    with tempfile.TemporaryDirectory(prefix="modelway-models-") as made:
        root = Path(made)
        root.chmod(0o755)
        for name, build in MODELS.items():
            (root / name).mkdir()
            onnx.save(build(), root / name / "model.onnx")
        yield root


@pytest.fixture(scope="session")
def run_server(tmp_path_factory):
    """Start server processes; `run_server(folder, MODEL_SERVER_...=...)`."""
    python = server_python()
    started: list[Server] = []

    def run(folder, **settings):
        port = int(settings.pop("SAGEMAKER_BIND_TO_PORT", free_port()))
        log = tmp_path_factory.mktemp("server") / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(serving_image_directory()),
            "MODEL_SERVER_MODEL_DIR": str(folder),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            # One process is enough for what is not about processes, and half the memory.
            "MODEL_SERVER_WORKERS": "1",
            **{name: str(value) for name, value in settings.items()},
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(python), "-m", "model_server", "serve"],
                env=environment,
                cwd=log.parent,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        server = Server(port, process, log)
        started.append(server)
        return server

    yield run
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def launcher(run_server):
    """How the contract suite starts a server on a model folder."""
    return run_server


def ready_servers(launcher, models):
    """Give `serve`: a ready server of a model, one for all tests that ask for the same."""
    servers: dict[tuple, Server] = {}

    def get(name, **settings):
        key = (name, *sorted(settings.items()))
        if key not in servers:
            servers[key] = launcher(models / name, **settings)
            servers[key].wait()
        return servers[key]

    return get


@pytest.fixture(scope="session")
def line():
    """`line(server)`: a new connection to it."""
    return lambda server, seconds=30.0: Line(server.port, seconds)


@pytest.fixture(scope="session")
def frame():
    """`frame(body)`: a whole request as bytes."""
    return framed


@pytest.fixture(scope="session")
def serve(launcher, models):
    return ready_servers(launcher, models)


@pytest.fixture
def endless_load(tmp_path):
    """A PYTHONPATH with which the model loads until the file that comes with it exists."""
    # Stands before the real onnxruntime on the path, and gives way to it.
    go = tmp_path / "go"
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text(
        "import importlib, pathlib, sys, time\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n"
        "    time.sleep(0.01)\n"
        f"sys.path.remove({str(tmp_path)!r})\n"
        "del sys.modules['onnxruntime']\n"
        "importlib.import_module('onnxruntime')\n"
    )
    return f"{tmp_path}:{serving_image_directory()}", go

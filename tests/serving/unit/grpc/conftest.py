"""Real gRPC servers on small real models, in this process, and real channels to them.

Each server lives on an event loop in a thread of its own; tests are plain functions with a plain
client, which is how most callers look.
"""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from model_server.core.dataplane import Dataplane
from model_server.core.errors import NotReady, UnknownModel
from model_server.core.model import load_model
from model_server.core.readiness import Readiness
from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from model_server.grpc_v2.server import GrpcServer
from model_server.settings.grpc import GrpcSettings

KINDS = {
    "BOOL": T.BOOL,
    "UINT8": T.UINT8,
    "UINT16": T.UINT16,
    "UINT32": T.UINT32,
    "UINT64": T.UINT64,
    "INT8": T.INT8,
    "INT16": T.INT16,
    "INT32": T.INT32,
    "INT64": T.INT64,
    "FP16": T.FLOAT16,
    "FP32": T.FLOAT,
    "FP64": T.DOUBLE,
    "BYTES": T.STRING,
}


def graph(inputs, nodes, outputs, *initializers):
    values = [
        [helper.make_tensor_value_info(*value) for value in part] for part in (inputs, outputs)
    ]
    made = [
        node if isinstance(node, onnx.NodeProto) else helper.make_node(*node[:3], **dict(*node[3:]))
        for node in nodes
    ]
    constants = [numpy_helper.from_array(array, name) for name, array in initializers]
    built = helper.make_graph(made, "tests", *values, constants)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(built, opset_imports=versions, ir_version=8)


def echo(kind, *shape):
    return graph([("x", kind, shape)], [("Identity", ["x"], ["y"])], [("y", kind, shape)])


def pair():
    """Two inputs with a common first axis, three outputs of three datatypes."""
    inputs = [("age", T.FLOAT, ["batch", 1]), ("job", T.STRING, ["batch"])]
    nodes = [
        ("Add", ["age", "one"], ["older"]),
        ("Identity", ["job"], ["same"]),
        ("Cast", ["age"], ["whole"], {"to": T.INT64}),
    ]
    outputs = [
        ("older", T.FLOAT, ["batch", 1]),
        ("same", T.STRING, ["batch"]),
        ("whole", T.INT64, ["batch", 1]),
    ]
    return graph(inputs, nodes, outputs, ("one", np.array([1.0], dtype=np.float32)))


def halves():
    """A float32 input, one float32 and one float16 output."""
    nodes = [("Identity", ["x"], ["full"]), ("Cast", ["x"], ["half"], {"to": T.FLOAT16})]
    outputs = [("full", T.FLOAT, ["batch", 2]), ("half", T.FLOAT16, ["batch", 2])]
    return graph([("x", T.FLOAT, ["batch", 2])], nodes, outputs)


def scalar():
    nodes = [("ReduceSum", ["x"], ["y"], {"keepdims": 0})]
    return graph([("x", T.FLOAT, ["batch", 2])], nodes, [("y", T.FLOAT, [])])


def lookup():
    """Fails while it runs when an index is not 0, 1 or 2."""
    table = ("table", np.array([10.0, 20.0, 30.0], dtype=np.float32))
    nodes = [("Gather", ["table", "x"], ["y"])]
    return graph([("x", T.INT64, ["batch", 1])], nodes, [("y", T.FLOAT, ["batch", 1])], table)


def maps():
    """A label and a list of maps, as scikit-learn's converter makes unless told otherwise."""
    one = helper.make_map_type_proto(T.INT64, helper.make_tensor_type_proto(T.FLOAT, None))
    found = helper.make_value_info("found", helper.make_sequence_type_proto(one))
    nodes = [
        helper.make_node(
            "ZipMap", ["x"], ["found"], domain="ai.onnx.ml", classlabels_int64s=[7, 8]
        ),
        helper.make_node("ArgMax", ["x"], ["label"], axis=1, keepdims=0),
    ]
    built = graph([("x", T.FLOAT, ["batch", 2])], nodes, [("label", T.INT64, ["batch"])])
    built.graph.output.append(found)
    return built


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


BUILDERS = {
    **{name: lambda kind=kind: echo(kind, "batch", "width") for name, kind in KINDS.items()},
    "fixed": lambda: echo(T.FLOAT, 2, 3),
    "no axes": lambda: echo(T.FLOAT),
    "pair": pair,
    "halves": halves,
    "scalar": scalar,
    "lookup": lookup,
    "maps": maps,
    "slow": slow,
}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Give a loaded model by its name here; ``version`` and ``served`` are what callers use."""
    root = tmp_path_factory.mktemp("models")
    loaded = {}

    def get(name, version="1", served="model"):
        key = name, version, served
        if key not in loaded:
            folder = root / name
            if not folder.exists():
                folder.mkdir()
                onnx.save(BUILDERS[name](), folder / "model.onnx")
            loaded[key] = load_model(folder, 1, name=served, version=version)
            loaded[key].warm_up(1)
        return loaded[key]

    return get


class Shelf:
    """Models by name and version; the last one of a name is its newest."""

    def __init__(self, *models):
        self._models = list(models)
        self.loading = not models

    def put(self, *models):
        self._models.extend(models)
        self.loading = False

    def get(self, name=None, version=None):
        if self.loading:
            raise NotReady("the model is not ready: it is being loaded")
        for each in reversed(self._models):
            if name in (None, each.name) and version in (None, each.version):
                return each
        raise UnknownModel(f"there is no model {name!r} in version {version!r}")

    def models(self):
        return self._models


class Running:
    """A server on a loop in a thread, and a client."""

    def __init__(self, models, **options):
        for each in models:
            each.kept.clear()  # what another test's event loop has left
        self.shelf = Shelf(*models)
        self.readiness = Readiness()
        if models:
            self.readiness.loaded()
        self.faults = []
        self._options = options
        self._ready = threading.Event()
        self._failed = None
        self._thread = threading.Thread(target=asyncio.run, args=(self._live(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        if self._failed is not None:
            raise self._failed
        target = f"127.0.0.1:{self.port}"
        if self._options.get("tls") is None:
            self.channel = grpc.insecure_channel(target)
            self.stub = GRPCInferenceServiceStub(self.channel)

    async def _live(self):
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _loop, context: self.faults.append(context))
        self._stop = asyncio.Event()
        pool = ThreadPoolExecutor(2)
        settings = {
            "host": "127.0.0.1",
            "max_body_bytes": 6 * 2**20,
            "max_concurrency": 64,
            "invoke_seconds": 30.0,
            **self._options,
        }
        own = settings.pop("settings", GrpcSettings())
        try:
            self.server = GrpcServer(
                own,
                repository=self.shelf,
                dataplane=settings.pop("dataplane", None) or Dataplane(pool),
                readiness=self.readiness,
                executor=pool,
                **settings,
            )
            self.port = await self.server.start()
        except Exception as error:  # noqa: BLE001  # the test sees it
            self._failed = error
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        await self.server.drain(0.0)
        pool.shutdown()

    def run(self, coroutine):
        """Run something on the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def on_loop(self, function, *arguments):
        async def call():
            return function(*arguments)

        return self.run(call())

    def close(self):
        if hasattr(self, "channel"):
            self.channel.close()
        if self._failed is None:
            self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert not self.faults, self.faults

    def infer(self, request, **options):
        return self.stub.ModelInfer(request, timeout=options.pop("timeout", 30), **options)

    def refused(self, request, **options):
        """Send what is refused, and give the error."""
        with pytest.raises(grpc.RpcError) as raised:
            self.infer(request, **options)
        return raised.value


class Held:
    """A dataplane that answers when it is told to."""

    def __init__(self):
        self.requests = []
        self._waiting = []

    def submit(self, request, done):
        self.requests.append(request)
        self._waiting.append((request, done))

    def release(self):
        for request, done in self._waiting:
            if request.wanted:
                done(request.model.run(request.inputs, request.outputs))
        self._waiting.clear()


@pytest.fixture
def held():
    return Held()


@pytest.fixture(scope="session")
def wait_for():
    def wait(condition, seconds=10.0):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def metadata_of():
    """Give what comes after an answer, but for the id that every error has."""

    def trailing(call):
        found = dict(call.trailing_metadata())
        found.pop("x-request-id", None)
        return found

    return trailing


@pytest.fixture
def serve():
    """Start a server: `serve(model, ..., gate=...)`."""
    started = []

    def start(*models, **options):
        started.append(Running(models, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def request(*inputs, raw=(), outputs=(), **members):
    """Make a request of (name, datatype, shape, contents) and raw values."""
    made = pb.ModelInferRequest(raw_input_contents=raw, **members)
    for name, datatype, shape, *contents in inputs:
        made.inputs.add(name=name, datatype=datatype, shape=shape, **dict(*contents))
    for name in outputs:
        made.outputs.add(name=name)
    return made


@pytest.fixture(scope="session")
def ask():
    return request

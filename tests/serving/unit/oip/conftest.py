"""The protocol in process: contracts made of a few words, models that echo, no sockets."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_server.core.errors import InferenceFailed, ModelServerError, NotReady, UnknownModel
from model_server.core.readiness import Readiness
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.headers import Headers
from model_server.rest.http import Request, refusal
from model_server.rest.oip.routes import oip_routes
from model_server.rest.router import Router


def spec(text):
    """Make `x float32 batch,4` a tensor; `map` has no datatype."""
    name, datatype, *axes = text.split(" ")
    lengths = axes[0].split(",") if axes else []
    shape = tuple(int(axis) if axis.isdigit() else axis for axis in lengths)
    dtype = None if datatype == "map" else np.dtype("O" if datatype == "string" else datatype)
    return TensorSpec(name, dtype, shape)


@pytest.fixture(scope="session")
def contract():
    def make(*inputs, outputs=("y float32 batch,4",)):
        return Contract(tuple(map(spec, inputs)), tuple(map(spec, outputs)))

    return make


@pytest.fixture(scope="session")
def rows(contract):
    """One input of two axes, two outputs."""
    return contract("x float32 batch,4", outputs=("y float32 batch,4", "z int64 batch"))


class Echo:
    """A model whose outputs are its inputs, in their order."""

    rules = None

    def __init__(self, contract, name="echo", version="1"):
        self.contract, self.name, self.version = contract, name, version
        self.digest = "sha256:0"

    def problems(self, inputs):
        return self.contract.problems(inputs)

    def run(self, inputs, outputs):
        ordered = [inputs[own.name] for own in self.contract.inputs]
        by_name = dict(zip((own.name for own in self.contract.outputs), ordered, strict=True))
        return {name: by_name[name] for name in outputs}


@pytest.fixture(scope="session")
def echo():
    return Echo


class Plane:
    """Runs at once, on the loop."""

    def __init__(self):
        self.seen = []

    def submit(self, request, done):
        self.seen.append(request)
        try:
            done(request.model.run(request.inputs, request.outputs))
        except InferenceFailed as error:
            done(error)


class Shelf:
    """Models by name and version."""

    def __init__(self, *models, loading=()):
        self._models, self._loading = models, loading

    def get(self, name=None, version=None):
        if name in self._loading:
            raise NotReady("the model is not ready: it is being loaded")
        for model in reversed(self._models):
            if model.name == name and version in (None, model.version):
                return model
        raise UnknownModel(f"there is no model {name!r}")

    def models(self):
        return list(self._models)


class Reply:
    def __init__(self, answer):
        self.status, self.body = answer.status, answer.body
        self.media_type, self.error = answer.media_type.decode(), answer.error
        self.headers = {name.decode(): value.decode() for name, value in answer.headers}

    def json(self):
        return json.loads(self.body)


class _Line:
    """Stands where a connection would."""

    def __init__(self, future):
        self._future = future

    def send(self, request, answer):
        assert not self._future.done(), "answered twice"
        self._future.set_result(answer)


class Served:
    """The protocol's routes for some models."""

    def __init__(self, *models, loading=()):
        self.plane = Plane()
        self.readiness = Readiness()
        if not loading:
            self.readiness.loaded()
        self.pool = ThreadPoolExecutor(1)
        shelf = Shelf(*models, loading=loading)
        self.router = Router(oip_routes(shelf, self.plane, self.readiness, self.pool))

    def request(self, method, path, body=b"", **headers):
        """Ask, and wait for the answer."""
        return asyncio.run(self._request(method, path, body, headers))

    async def _request(self, method, path, body, headers):
        raw = [(key.replace("_", "-").encode(), text.encode()) for key, text in headers.items()]
        future = asyncio.get_running_loop().create_future()
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        now = time.monotonic()
        request = Request(method, path, b"", Headers(raw), body, _Line(future), now, now + 60)
        try:
            self.router.find(request).handler(request)
        except ModelServerError as error:
            return Reply(refusal(error, path))
        return Reply(await asyncio.wait_for(future, 10))

    def infer(self, body, path="/v2/models/echo/infer", **headers):
        return self.request("POST", path, body, **headers)


@pytest.fixture
def served():
    made = []

    def make(*models, loading=()):
        made.append(Served(*models, loading=loading))
        return made[-1]

    yield make
    for one in made:
        one.pool.shutdown()

"""The conformance suite against this server: in process, and as a process.

The package ``conformance`` beside this file is the suite itself. It knows nothing of this server,
so it is found by its folder and not as a part of these tests.
"""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


class Shelf:
    """Models by name."""

    def __init__(self, models):
        self._models = models

    def get(self, name=None, version=None):
        from model_server.core.errors import UnknownModel

        model = self._models.get(name)
        if model is None or version not in (None, model.version):
            raise UnknownModel(f"there is no model {name!r}")
        return model

    def models(self):
        return list(self._models.values())


class InProcess:
    """The protocol's two sides on real models and one real dataplane.

    REST's routes are called without sockets; gRPC has a port.
    """

    def __init__(self, models):
        from model_server.core.dataplane import Dataplane
        from model_server.core.readiness import Readiness
        from model_server.grpc_v2.server import GrpcServer
        from model_server.rest.oip.routes import oip_routes
        from model_server.rest.router import Router
        from model_server.settings.grpc import GrpcSettings

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._pool = ThreadPoolExecutor(2)
        readiness = Readiness()
        readiness.loaded()
        dataplane = Dataplane(self._pool)
        shelf = Shelf(models)
        self._router = Router(oip_routes(shelf, dataplane, readiness, self._pool))
        self._grpc = GrpcServer(
            GrpcSettings(),
            host="127.0.0.1",
            repository=shelf,
            dataplane=dataplane,
            readiness=readiness,
            executor=self._pool,
            max_body_bytes=6 * 2**20,
            max_concurrency=64,
            invoke_seconds=20.0,
        )
        self.grpc_port = self._run(self._grpc.start())

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def send(self, method, path, body, headers):
        return self._run(self._answer(method, path, body or b"", headers))

    async def _answer(self, method, path, body, headers):
        from urllib.parse import unquote

        from conformance.rest import Reply

        from model_server.core.errors import ModelServerError
        from model_server.rest.headers import Headers
        from model_server.rest.http import Request, refusal

        raw = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        future = asyncio.get_running_loop().create_future()

        class Line:
            def send(self, request, answer):
                future.set_result(answer)

        now = time.monotonic()
        request = Request(method, unquote(path), b"", Headers(raw), body, Line(), now, now + 20)
        try:
            self._router.find(request).handler(request)
        except ModelServerError as error:
            answer = refusal(error)
        else:
            answer = await future
        named = {name.decode(): value.decode() for name, value in answer.headers}
        return Reply(answer.status, named, answer.body)

    def close(self):
        self._run(self._grpc.drain(5))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pool.shutdown()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """The reference models, each in a folder of its own name."""
    from conformance import reference

    folder = tmp_path_factory.mktemp("reference")
    reference.write(folder)
    return folder


@pytest.fixture(scope="session")
def in_process(model_folder):
    from conformance import reference

    from model_server.core.model import load_model

    models = {}
    for name in reference.names():
        models[name] = load_model(model_folder / name, 1, name=name)
        models[name].warm_up()
    server = InProcess(models)
    yield server
    server.close()


@pytest.fixture(scope="session")
def target(in_process):
    """Give a model of the server in process, with both of its sides."""
    from conformance.case import Target
    from conformance.grpc_side import Grpc
    from conformance.rest import Rest

    made = {}

    def get(name):
        if name not in made:
            grpc = Grpc(f"127.0.0.1:{in_process.grpc_port}", name, ())
            made[name] = Target(name, Rest(in_process.send, name), grpc)
        return made[name]

    yield get
    for each in made.values():
        each.grpc.close()

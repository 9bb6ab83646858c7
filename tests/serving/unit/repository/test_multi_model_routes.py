"""SageMaker's multi-model contract, route by route, with its exact codes (S17)."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest
from onnx import TensorProto as T

from model_server.core.errors import ModelServerError
from model_server.core.multi_model import MultiModelRepository
from model_server.rest.headers import Headers
from model_server.rest.http import Answer, Request
from model_server.rest.multi_model import multi_model_routes
from model_server.rest.router import Router

MIB = 2**20


class Caller:
    """Sends requests to the routes, and waits for what they answer."""

    def __init__(self, repository):
        self.repository = repository
        self.invoked = []
        self.routes = multi_model_routes(repository, self.invoke)
        self._router = Router(self.routes)

    def invoke(self, request, model):
        self.invoked.append(model.name)
        request.answer(Answer(200, model.name.encode()))

    async def ask(self, method, path, body=b"", deadline_seconds=60.0, **headers):
        done = asyncio.get_running_loop().create_future()

        class Connection:
            address, certificate_subject = "", None

            def send(self, request, answer):
                done.set_result(answer)

        path, _, query = path.partition("?")
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        now = time.monotonic()
        request = Request(
            method, path, query.encode(), Headers([]), body, Connection(), now,
            now + deadline_seconds,
        )  # fmt: skip
        try:
            self._router.find(request).handler(request)
        except ModelServerError as error:
            request.refuse(error)
        answer = await done
        return answer.status, json.loads(answer.body) if answer.body[:1] == b"{" else answer.body

    async def load(self, name, url):
        return await self.ask("POST", "/models", {"model_name": name, "url": str(url)})


@pytest.fixture
def caller(tmp_path, loader):
    return lambda limit_mib=None: Caller(
        MultiModelRepository(tmp_path, loader(), limit_mib and limit_mib * MIB)
    )


@pytest.fixture
def heavy(graph):
    weights = ("w", np.ones((4, 2**16), np.float32))
    outputs = [("y", T.FLOAT, ["batch", 2**16])]
    return graph([("x", T.FLOAT, ["batch", 4])], [("MatMul", ["x", "w"], ["y"])], outputs, weights)


@pytest.fixture
def counted(monkeypatch):
    from model_server.core import loader

    monkeypatch.setattr(loader, "resident_bytes", lambda: 0)


def test_the_life_of_a_model_in_the_contracts_codes(caller, save, linear_model):
    folder = save(linear_model(), "a/model")
    ask = caller()

    async def life():
        assert await ask.load("a", folder) == (200, {"modelName": "a", "modelUrl": str(folder)})
        assert (await ask.load("a", folder))[0] == 409
        assert await ask.ask("GET", "/models/a") == (
            200,
            {"modelName": "a", "modelUrl": str(folder)},
        )
        assert await ask.ask("GET", "/models") == (
            200,
            {"models": [{"modelName": "a", "modelUrl": str(folder)}]},
        )
        assert await ask.ask("POST", "/models/a/invoke", b"{}") == (200, b"a")
        assert (await ask.ask("DELETE", "/models/a"))[0] == 200
        assert (await ask.ask("DELETE", "/models/a"))[0] == 404
        assert (await ask.ask("GET", "/models/a"))[0] == 404
        assert (await ask.ask("POST", "/models/a/invoke", b"{}"))[0] == 404
        assert await ask.ask("GET", "/models") == (200, {"models": []})

    asyncio.run(life())


def test_a_model_for_which_there_is_no_memory_is_507(caller, save, heavy, counted):
    ask = caller(5)

    status, body = asyncio.run(ask.load("a", save(heavy)))

    assert status == 507
    assert body["code"] == "RESOURCE_EXHAUSTED"
    assert "takes about 6 MiB while it is loaded" in body["error"]


def test_invoking_a_model_that_was_put_out_loads_it_again(caller, save, heavy, counted):
    ask = caller(7)

    async def life():
        await ask.load("a", save(heavy, "a/model"))
        await ask.load("b", save(heavy, "b/model"))
        assert (await ask.ask("GET", "/models/a"))[0] == 404
        got = await asyncio.gather(*(ask.ask("POST", "/models/a/invoke", b"{}") for _ in range(5)))
        assert got == [(200, b"a")] * 5
        assert (await ask.ask("GET", "/models/b"))[0] == 404
        assert (await ask.load("b", save(heavy, "b/model")))[0] == 200

    asyncio.run(life())


def test_invoking_without_memory_to_load_again_is_507_and_may_be_tried_later(
    caller, save, heavy, counted
):
    ask = caller(7)

    async def life():
        await ask.load("a", save(heavy, "a/model"))
        await ask.load("b", save(heavy, "b/model"))
        used = ask.repository.get("b")
        assert (await ask.ask("POST", "/models/a/invoke", b"{}"))[0] == 507
        del used
        assert (await ask.ask("POST", "/models/a/invoke", b"{}"))[0] == 200

    asyncio.run(life())


def test_invoking_waits_for_a_load_no_longer_than_the_deadline(caller, save, linear_model):
    folder = save(linear_model())
    ask = caller()
    go_on = threading.Event()

    async def life():
        before = asyncio.create_task(ask.repository._loader.call(go_on.wait))
        loading = asyncio.create_task(ask.load("a", folder))
        await asyncio.sleep(0.001)
        late = await ask.ask("POST", "/models/a/invoke", b"{}", deadline_seconds=0.0)
        go_on.set()
        in_time = await ask.ask("POST", "/models/a/invoke", b"{}")
        await before
        await loading
        return late[0], in_time

    assert asyncio.run(life()) == (504, (200, b"a"))


def test_pages_go_through_all_models_in_order(caller, save, linear_model):
    folder = str(save(linear_model()))
    ask = caller()

    async def life():
        for number in range(5):
            await ask.load(f"ü {number}", folder)
        names, query = [], "?limit=2"
        sizes = []
        while True:
            status, page = await ask.ask("GET", f"/models{query}")
            assert status == 200
            sizes.append(len(page["models"]))
            names += [each["modelName"] for each in page["models"]]
            if "nextPageToken" not in page:
                return names, sizes
            query = f"?limit=2&next_page_token={page['nextPageToken']}"

    assert asyncio.run(life()) == ([f"ü {number}" for number in range(5)], [2, 2, 1])


def test_a_page_holds_100_models(caller):
    ask = caller()
    ask.repository.urls = lambda: [(f"{number:03}", "/") for number in range(101)]

    _, page = asyncio.run(ask.ask("GET", "/models"))

    assert len(page["models"]) == 100
    assert page["nextPageToken"]


def test_a_last_page_that_is_full_has_no_token(caller):
    ask = caller()
    ask.repository.urls = lambda: [("a", "/a"), ("b", "/b")]

    _, page = asyncio.run(ask.ask("GET", "/models?limit=2"))

    assert list(page) == ["models"]


def test_a_page_goes_on_though_its_last_model_is_gone(caller, save, linear_model):
    folder = str(save(linear_model()))
    ask = caller()

    async def life():
        for name in "abc":
            await ask.load(name, folder)
        _, page = await ask.ask("GET", "/models?limit=2")
        await ask.ask("DELETE", "/models/b")
        return await ask.ask("GET", f"/models?limit=2&next_page_token={page['nextPageToken']}")

    assert [each["modelName"] for each in asyncio.run(life())[1]["models"]] == ["c"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=1001", "limit=x", "limit=1e3", "limit=99999999999999999999",
        "next_page_token=%FF", "next_page_token=a", "next_page_token=ü", "next_page_token=_____w==",
        "a=1&" * 21,
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_is_400(caller, query):
    assert asyncio.run(caller().ask("GET", f"/models?{query}"))[0] == 400


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        ([], "takes an object"),
        ({}, "model_name takes a text"),
        ({"model_name": "a"}, "url takes the path"),
        ({"model_name": 1, "url": 2}, "model_name takes a text of 1 to 1024"),
        ({"model_name": "", "url": "/x"}, "model_name takes a text"),
        ({"model_name": "a" * 1025, "url": "/x"}, "model_name takes a text"),
        ({"model_name": "a/b", "url": "/x"}, "a slash"),
        ({"model_name": "a\n", "url": "/x"}, "cannot be printed"),
        ({"model_name": "a", "url": ""}, "url takes the path"),
        ({"model_name": "a", "url": ["/x"]}, "url takes the path"),
        ({"model_name": "a", "url": "x" * 4097}, "url takes the path"),
        ({"model_name": "a", "url": "s3://bucket/key"}, "url takes the path"),
        ({"model_name": "a", "url": "http://169.254.169.254/"}, "url takes the path"),
        ({"model_name": "a", "url": "file:///opt/ml/models/a"}, "url takes the path"),
        ({"model_name": "a", "url": "/etc"}, "url takes the path"),
        ({"model_name": "a", "url": "/opt/ml/models/../../etc"}, "url takes the path"),
        (b" " * 20000, "16384 bytes at most"),
    ],
    ids=range(20),
)
def test_a_request_to_load_that_cannot_be_is_400(caller, tmp_path, body, problem):
    status, answer = asyncio.run(caller().ask("POST", "/models", body))

    assert status == 400
    assert problem in " ".join([answer["error"], *answer.get("problems", [])])
    assert str(tmp_path) not in json.dumps(answer)


def test_every_problem_of_a_request_to_load_is_told_at_once(caller):
    _, answer = asyncio.run(caller().ask("POST", "/models", {"model_name": 1}))

    assert len(answer["problems"]) == 2


def test_a_model_that_cannot_be_loaded_is_400_without_paths(caller, save, tmp_path):
    status, answer = asyncio.run(caller().load("a", save(b"\x80\x04pickle")))

    assert status == 400
    assert answer["error"] == (
        "the model cannot be loaded: model.onnx could not be loaded: it is a pickle, which is "
        "never read, not ONNX"
    )


def test_each_route_asks_for_its_scope(caller):
    assert {(route.method, route.path): route.scope for route in caller().routes} == {
        ("POST", "/models"): "manage",
        ("GET", "/models"): "metadata",
        ("GET", "/models/{name}"): "metadata",
        ("DELETE", "/models/{name}"): "manage",
        ("POST", "/models/{name}/invoke"): "infer",
    }


def test_an_invocation_that_fails_in_the_callback_is_answered(caller, save, heavy, counted):
    ask = caller(7)

    async def life():
        await ask.load("a", save(heavy, "a/model"))
        await ask.load("b", save(heavy, "b/model"))

        def broken(request, model):
            raise ValueError("secret detail")

        routes = multi_model_routes(ask.repository, broken)
        ask._router = Router(routes)
        return await ask.ask("POST", "/models/a/invoke", b"{}")

    status, answer = asyncio.run(life())

    assert status == 500
    assert "secret" not in answer["error"]

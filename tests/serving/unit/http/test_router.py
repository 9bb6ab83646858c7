"""Which route answers a path, also when many were asked for before."""

import pytest

from model_server.rest import router
from model_server.rest.errors import MethodNotAllowed, UnknownPath
from model_server.rest.headers import Headers
from model_server.rest.http import Request, Route


def ask(path, method="POST"):
    return Request(method, path, b"", Headers([]), b"", None, 0.0, 5.0)


@pytest.fixture
def infer():
    return Route("POST", "/v2/models/{name}/infer", None)


@pytest.fixture
def versioned():
    return Route("POST", "/v2/models/{name}/versions/{version}/infer", None)


@pytest.fixture
def routes(infer, versioned):
    return router.Router([infer, versioned, Route("GET", "/v2/models/{name}", None)])


def test_variable_parts_are_noted_each_time(routes, infer, versioned):
    for _ in range(3):
        fraud, old = ask("/v2/models/fraud/infer"), ask("/v2/models/fraud/versions/3/infer")

        assert routes.find(fraud) is infer
        assert fraud.parameters == {"name": "fraud"}
        assert routes.find(old) is versioned
        assert old.parameters == {"name": "fraud", "version": "3"}


def test_a_path_that_was_found_for_one_method_is_refused_for_another(routes):
    routes.find(ask("/v2/models/fraud", "GET"))

    with pytest.raises(MethodNotAllowed, match="/v2/models/fraud takes GET, not POST"):
        routes.find(ask("/v2/models/fraud"))


def test_more_paths_than_are_remembered_are_all_found(routes):
    found = []
    for number in [*range(router.KNOWN_PATHS + 10), 3]:
        request = ask(f"/v2/models/m{number}/infer")
        routes.find(request)
        found.append(request.parameters["name"])

    assert found == [f"m{number}" for number in range(router.KNOWN_PATHS + 10)] + ["m3"]
    assert len(routes._found) <= router.KNOWN_PATHS


def test_a_long_path_is_found_and_not_remembered(routes):
    name = "m" * router.KNOWN_PATH_LENGTH
    request = ask(f"/v2/models/{name}/infer")

    routes.find(request)

    assert request.parameters == {"name": name}
    assert routes._found == {}


def test_an_unknown_path_stays_unknown(routes):
    for _ in range(2):
        with pytest.raises(UnknownPath):
            routes.find(ask("/v2/models/fraud/nothing"))

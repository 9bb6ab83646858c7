"""FastAPI and Flask applications, mounted as the server mounts them."""

import asyncio

import fastapi
import flask
import pytest

from model_server.rest.application import Application, load_application
from model_server.rest.headers import Headers
from model_server.rest.http import Request
from model_server.settings.application import ApplicationSettings

fast = fastapi.FastAPI()
classic = flask.Flask(__name__)


@fast.get("/hello/{name}")
def hello(name: str, times: int = 1) -> dict[str, str]:
    return {"said": f"hello {name} " * times}


@fast.get("/async")
async def slowly() -> dict[str, bool]:
    await asyncio.sleep(0)
    return {"async": True}


@classic.get("/hello/<name>")
def hello_too(name):
    return {"said": name}


class Connection:
    address = "127.0.0.1"
    certificate_subject = None

    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    def send(self, request, answer):
        self.answer.set_result(answer)

    def stream(self, request, answer):
        return Parts(self, answer)


class Parts:
    """An answer in parts, put together."""

    def __init__(self, connection, answer):
        self.connection = connection
        self.whole = answer

    async def write(self, data):
        self.whole.body += data

    def end(self):
        self.connection.answer.set_result(self.whole)


def ask(name, path, query=b""):
    """Give what an application of this module answers."""
    settings = ApplicationSettings(app=f"{__name__}:{name}")
    faults = []

    async def main():
        application = Application(settings, faults.append)
        application._app = load_application(settings)
        connection = Connection()
        headers = Headers([(b"host", b"a")])
        request = Request("GET", path, query, headers, b"", connection, 0.0, 0.0)
        application.route(None).handler(request)
        return await asyncio.wait_for(connection.answer, 10)

    answer = asyncio.run(main())
    assert faults == []
    return answer


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Under pytest's import mode this module is only known by the name it has now."""
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


def test_fastapi_routes_answer_with_path_and_query():
    answer = ask("fast", "/hello/you", b"times=2")

    assert (answer.status, answer.media_type) == (200, b"application/json")
    assert answer.body == b'{"said":"hello you hello you "}'


def test_fastapi_coroutines_answer():
    assert ask("fast", "/async").body == b'{"async":true}'


def test_fastapi_says_itself_what_it_does_not_have():
    assert ask("fast", "/nowhere").status == 404


def test_flask_is_seen_to_be_wsgi():
    answer = ask("classic", "/hello/you")

    assert (answer.status, answer.body) == (200, b'{"said":"you"}\n')

"""Code of the user's own beside the model: an application, a handler, and what they may not do."""

import json
import textwrap
import time

import pytest

ASGI = """
    import json
    import numpy as np
    from model_server import local

    started = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    started.append("yes")
                    await send({"type": "lifespan.startup.complete"})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                    return
        message = await receive()
        if scope["path"] == "/broken":
            raise RuntimeError("secret reason")
        if scope["path"] == "/parts":
            head = {"type": "http.response.start", "status": 200, "headers": []}
            await send(head)
            for number in range(3):
                part = b"part %d;" % number
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"end"})
            return
        rows = np.array(json.loads(message["body"]), dtype=np.float32)
        outputs = await local.infer({"x": rows})
        body = json.dumps({"labels": outputs["label"].tolist(), "started": started}).encode()
        headers = [(b"content-type", b"application/json"), (b"x-own", b"yes")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body})
"""

WSGI = """
    import json
    import numpy as np
    from model_server import local

    def app(environ, start_response):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        rows = np.array(json.loads(environ["wsgi.input"].read(size)), dtype=np.float32)
        label = local.infer_now({"x": rows}, ["label"])["label"].tolist()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"path": environ["PATH_INFO"], "labels": label}).encode()]
"""

HANDLER = """
    import numpy as np

    def load(model_dir):
        return {"folder": model_dir.name, "words": ["zero", "one", "two"]}

    def preprocess(body, content_type, context):
        if content_type != "text/plain":
            raise ValueError(f"this service reads text/plain, not {content_type}")
        return {"x": np.array([[float(word) for word in body.split()]], dtype=np.float32)}

    def postprocess(outputs, accept, context):
        word = context["words"][int(outputs["label"][0])]
        return f"{context['folder']}: {word}".encode(), "text/plain"
"""


@pytest.fixture
def code(tmp_path):
    """Write a module into a folder of its own; `code(text)` gives the folder."""

    def write(text, name="service"):
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
        return folder

    return write


def test_an_asgi_application_answers_what_the_server_has_no_route_for(run_server, models, code):
    server = run_server(
        models / "classifier", MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=code(ASGI)
    )
    server.wait()

    reply = server.request("POST", "/score?x=1", json.dumps([[1, 2, 3, 4], [4, 3, 2, 1]]))

    assert (reply.status, reply.headers["x-own"]) == (201, "yes")
    assert reply.json() == {"labels": [2, 2], "started": ["yes"]}
    assert server.post({"instances": [[1, 2, 3, 4]]}).status == 200


def test_an_applications_failure_is_answered_and_told_only_to_the_log(run_server, models, code):
    server = run_server(
        models / "classifier", MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=code(ASGI)
    )
    server.wait()

    reply = server.request("GET", "/broken")

    assert reply.status == 500
    assert b"secret reason" not in reply.body
    (event,) = server.events("application_failed")
    assert event["detail"] == "RuntimeError: secret reason"
    assert server.ping().status == 200


def test_an_application_may_answer_in_parts(run_server, models, code):
    server = run_server(
        models / "classifier", MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=code(ASGI)
    )
    server.wait()

    reply = server.request("GET", "/parts")

    assert reply.body == b"part 0;part 1;part 2;end"
    assert reply.headers["transfer-encoding"] == "chunked"


def test_a_wsgi_application_reaches_the_model_too(run_server, models, code):
    server = run_server(
        models / "classifier", MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=code(WSGI)
    )
    server.wait()

    reply = server.request("POST", "/any/path", json.dumps([[1, 2, 3, 4]]))

    assert reply.json() == {"path": "/any/path", "labels": [2]}


def test_an_application_is_told_each_bodys_length_on_a_kept_connection(
    run_server, models, code, line, frame
):
    server = run_server(
        models / "classifier", MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=code(WSGI)
    )
    server.wait()
    several = [[[1, 2, 3, 4]], [[1, 2, 3, 4]] * 3, [[4.5, 3, 2, 1]]]

    with line(server) as kept:
        answers = [kept.ask(frame(rows, "/any/path")) for rows in several]

    labels = [json.loads(body)["labels"] for _, _, body in answers]

    assert labels == [[2], [2, 2, 2], [2]]


def test_a_handler_reads_and_writes_the_users_own_format(run_server, models, code):
    server = run_server(
        models / "classifier",
        MODEL_SERVER_HANDLER="service",
        MODEL_SERVER_CODE_DIR=code(HANDLER),
    )
    server.wait()

    good = server.post(b"1 2 3 4", "text/plain")
    wrong = server.post(b"{}", "application/json")
    narrow = server.post(b"1 2", "text/plain")

    assert (good.body, good.headers["content-type"]) == (b"classifier: two", "text/plain")
    assert (wrong.status, wrong.json()["error"]) == (
        400,
        "this service reads text/plain, not application/json",
    )
    assert narrow.status == 500
    assert "preprocess gave what does not fit" in server.events("invocation")[-1]["detail"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"MODEL_SERVER_APP": "nowhere:app"}, "'nowhere' could not be imported"),
        ({"MODEL_SERVER_APP": "service:other"}, "service has no such application"),
        ({"MODEL_SERVER_HANDLER": "empty"}, "has neither preprocess nor postprocess"),
    ],
)
def test_code_that_cannot_be_used_keeps_the_server_from_ready(
    run_server, models, code, settings, reason
):
    code("", "empty")
    server = run_server(
        models / "classifier",
        MODEL_SERVER_CODE_DIR=code(ASGI),
        MODEL_SERVER_FAILURE_SECONDS=1,
        **settings,
    )

    reply = server.wait(503)
    until = time.monotonic() + 20
    while reply.json()["status"] != "failed":
        assert time.monotonic() < until
        reply = server.ping()

    assert reason in reply.json()["error"]
    assert server.process.wait(20) == 3


def test_code_is_never_taken_from_the_model_folder(run_server, models):
    folder = models / "classifier"

    server = run_server(folder, MODEL_SERVER_APP="service:app", MODEL_SERVER_CODE_DIR=folder)

    assert server.process.wait(20) == 2
    (event,) = server.events("wrong_settings")
    assert "code is never taken from a model artifact" in event["problems"][0]

"""What a server can be asked to do at all (S20, S21)."""

import io
import json
import pickle
import socket
import subprocess
import sys

import numpy as np
import pytest

from modelway.image.context import serving_image_directory

DOCUMENTED = {
    "/docs",
    "/execution-parameters",
    "/invocations",
    "/metrics",
    "/openapi.json",
    "/ping",
    "/schema/{model}",
    "/v2",
    "/v2/",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/versions/{version}/infer",
    "/v2/models/{name}/versions/{version}/ready",
}

PAGE_FILES = {"/docs/page.css", "/docs/page.js"}
"""What the page of the documentation loads; no part of the API."""

ELSEWHERE = [
    # TorchServe's management, through which models were registered from any URL (CVE-2023-43654).
    ("POST", "/models?url=http://127.0.0.1:PORT/a.mar"),
    ("GET", "/models"),
    ("PUT", "/models/model?min_worker=9"),
    ("DELETE", "/models/model"),
    ("POST", "/workflows?url=http://127.0.0.1:PORT/a.war"),
    ("OPTIONS", "/"),
    ("GET", "/api-description"),
    ("POST", "/predictions/model"),
    ("POST", "/execution-parameters"),
    # Triton's and MLServer's.
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/model/load"),
    ("POST", "/v2/repository/models/model/unload"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/model/stats"),
    ("POST", "/v2/models/model/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("POST", "/v2/logging"),
    ("POST", "/v2/systemsharedmemory/region/a/register"),
    ("POST", "/v2/cudasharedmemory/region/a/register"),
    ("POST", "/v2/models/model/generate"),
    # What frameworks leave behind.
    ("GET", "/debug/pprof/"),
    ("GET", "/actuator/env"),
    ("GET", "/redoc"),
    ("GET", "/static/../../etc/passwd"),
    ("GET", "/..%2f..%2fetc%2fpasswd"),
    ("GET", "/.env"),
    ("CONNECT", "127.0.0.1:PORT"),
    ("GET", "http://127.0.0.1:PORT/"),
]


@pytest.fixture
def trap():
    """A port, and whether anyone has connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        def sprung():
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return False
            connection.close()
            return True

        yield listener.getsockname()[1], sprung


def test_the_routes_are_the_documented_ones(serve):
    document = serve("classifier").request("GET", "/openapi.json").json()

    # Where the one model's name is known, it stands in the path.
    found = {
        path.replace("/models/model", "/models/{name}").replace("/schema/model", "/schema/{model}")
        for path in document["paths"]
    }
    assert found == DOCUMENTED


def routes_of(settings):
    """Give the routes that an assembled server has, from a process that imports it."""
    program = (
        "import asyncio, json, sys\n"
        "from model_server.assembly import Assembly\n"
        "from model_server.core.readiness import Readiness\n"
        "from model_server.log import Log\n"
        "from model_server.settings import Settings\n"
        "async def routes():\n"
        "    settings = Settings.from_environment(json.loads(sys.argv[1]))\n"
        "    return Assembly(settings, Log('error'), Readiness(), 1)._routes()\n"
        "print(json.dumps([[each.method, each.path] for each in asyncio.run(routes())]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(settings)],
        env={"PYTHONPATH": str(serving_image_directory())},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {tuple(each) for each in json.loads(done.stdout.splitlines()[-1])}


def test_no_route_is_left_undocumented(models):
    routes = routes_of({"MODEL_SERVER_MODEL_DIR": str(models / "classifier")})

    assert {path for _, path in routes} == DOCUMENTED | PAGE_FILES
    assert {method for method, _ in routes} == {"GET", "POST"}


@pytest.mark.parametrize(("method", "target"), ELSEWHERE)
def test_other_servers_management_is_not_there(serve, line, unharmed, trap, method, target):
    port, sprung = trap
    server = serve("classifier")
    target = target.replace("PORT", str(port))

    with line(server) as caller:
        status, _, body = caller.ask(
            f"{method} {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n".encode()
        )

    assert status in {400, 404, 405}
    assert b"root:" not in body
    assert not sprung()
    unharmed(server)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/model",
        "https://127.0.0.1:PORT/model",
        "ftp://127.0.0.1:PORT/model",
        "file:///etc",
        "s3://bucket/model",
        "//127.0.0.1:PORT/share",
        "/etc",
        "../../../../etc",
        "/proc/self/root",
    ],
)
def test_a_model_is_never_loaded_from_an_address(run_server, models, tmp_path, trap, url):
    port, sprung = trap
    server = run_server(tmp_path, SAGEMAKER_MULTI_MODEL="true", MODEL_SERVER_MODELS_DIR=str(models))
    server.wait()
    url = url.replace("PORT", str(port))

    reply = server.request("POST", "/models", json.dumps({"model_name": "m", "url": url}).encode())

    assert reply.status == 400
    assert not sprung()
    assert server.stop() == 0


class Bait:
    """Unpickling this fails the test in a way that nothing catches."""

    def __reduce__(self):
        return (SystemExit, (99,))


def torch_file(data):
    """A file as torch.save makes it, which is an archive with a pickle in it."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.npy", data)
        archive.writestr("archive/data.pkl", data)
    return out.getvalue()


def objects_file():
    out = io.BytesIO()
    np.save(out, np.array([[Bait()]], dtype=object), allow_pickle=True)
    return out.getvalue()


def objects_archive():
    out = io.BytesIO()
    np.savez(out, x=np.array([[Bait()]], dtype=object), allow_pickle=True)
    return out.getvalue()


PICKLED = {
    "pickle": lambda: pickle.dumps(Bait()),
    "pickle of protocol 0": lambda: pickle.dumps(Bait(), protocol=0),
    "joblib": lambda: b"\x80\x04\x95" + pickle.dumps(Bait(), protocol=4)[3:],
    "torch": lambda: torch_file(pickle.dumps(Bait())),
    "npy of objects": objects_file,
    "npz of objects": objects_archive,
    "npy that is a pickle": lambda: b"\x93NUMPY\x01\x00" + pickle.dumps(Bait()),
}


@pytest.mark.parametrize("what", PICKLED)
def test_no_codec_unpickles(what):
    program = (
        "import os, sys\n"
        "import numpy as np\n"
        "from model_server.core.errors import InvalidInput\n"
        "from model_server.core.tensors import Contract, TensorSpec\n"
        "from model_server.rest.codecs import CODECS\n"
        "from model_server.rest.media import parse_content_type\n"
        "unpickled = []\n"
        "sys.addaudithook(\n"
        "    lambda event, _: unpickled.append(event) if event.startswith('pickle.') else None\n"
        ")\n"
        "spec = TensorSpec('x', np.dtype('f4'), ('batch', 4))\n"
        "contract = Contract((spec,), (spec,))\n"
        "body = sys.stdin.buffer.read()\n"
        "refused = 0\n"
        "for codec in CODECS:\n"
        "    media = parse_content_type(codec.media_type + ';json-header-size=9')\n"
        "    if codec.media_type == 'application/octet-stream':\n"
        "        media = parse_content_type(codec.media_type + ';datatype=FP64')\n"
        "    try:\n"
        "        codec.decode(body, contract, media, None)\n"
        "    except InvalidInput:\n"
        "        refused += 1\n"
        "print(len(CODECS), refused, len(unpickled))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=PICKLED[what](),
        env={"PYTHONPATH": str(serving_image_directory())},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout.split()) == (0, [b"9", b"9", b"0"]), done.stderr

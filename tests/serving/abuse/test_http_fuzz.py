"""HTTP that no client would speak, on every route (S05).

boofuzz's primitives make the mutations: requests are built of named parts, and each mutation puts
something known to do harm elsewhere into one of them.
"""

import contextlib
import random

import pytest
from boofuzz import Block, Bytes, Delim, Group, Request, Static, String
from boofuzz.mutation_context import MutationContext

KNOWN = {200, 400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 415, 422, 429, 431, 503, 504}
"""What the server says on purpose; 500 and 501 are not among it."""

LONGEST_BYTES = 300_000
"""A longer mutation only repeats itself."""

ROUTES = {
    "/ping": ("GET", ""),
    "/invocations": ("POST", '{"instances":[[1,2,3,4]]}'),
    "/v2": ("GET", ""),
    "/v2/health/live": ("GET", ""),
    "/v2/health/ready": ("GET", ""),
    "/v2/models/model": ("GET", ""),
    "/v2/models/model/ready": ("GET", ""),
    "/v2/models/model/versions/1/infer": ("POST", '{"inputs":[]}'),
    "/v2/models/model/infer": (
        "POST",
        '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}',
    ),
    "/metrics": ("GET", ""),
    "/docs": ("GET", ""),
    "/openapi.json": ("GET", ""),
    "/schema/model": ("GET", ""),
    "/nowhere": ("GET", ""),
}


def heads(method, path, body):
    """A request whose line and headers are mutated."""
    return Request(
        "heads",
        children=(
            Block(
                "line",
                children=(
                    Group("method", values=[method, "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]),
                    Delim("space", " "),
                    String("path", path),
                    Delim("gap", " "),
                    Delim("protocol", "HTTP"),
                    Delim("slash", "/"),
                    String("version", "1.1"),
                    Delim("end", "\r\n"),
                ),
            ),
            Block(
                "headers",
                children=(
                    Static("host", "host: a\r\n"),
                    Static("type", "content-type: "),
                    String("media", "application/json"),
                    Static("accept", "\r\naccept: "),
                    String("accepted", "*/*"),
                    Static("given", "\r\nx-amzn-sagemaker-inference-id: "),
                    String("id", "7"),
                    Static("attributes", "\r\nx-amzn-sagemaker-custom-attributes: "),
                    String("custom", "a"),
                    Static("json", "\r\ninference-header-content-length: "),
                    String("length", str(len(body))),
                    Static("more", "\r\n"),
                    String("name", "x-request-priority"),
                    Delim("colon", ":"),
                    String("value", "1"),
                    Static("size", "\r\ncontent-length: "),
                    String("bytes", str(len(body))),
                    Delim("last", "\r\n\r\n"),
                ),
            ),
            Static("body", body),
        ),
    )


def bodies(path, body):
    """A request whose body is mutated, of the length that it says."""
    return Request("bodies", children=(Bytes("before", b""), String("body", body)))


def mutations(request, wanted, chance):
    """Give what a request becomes; a part of it chosen by chance, or all of it."""
    every = list(request.get_mutations())
    chosen = every if wanted is None else chance.sample(every, min(wanted, len(every)))
    for each in chosen:
        context = MutationContext(mutations={one.qualified_name: one for one in each})
        data = request.render(context)
        if len(data) <= LONGEST_BYTES:
            yield data


def statuses(line, server, data):
    """Send something, say that it was all, and give the status that comes back, if any."""
    with line(server, 20.0) as caller:
        # A server that has said why it refuses may close before it has read everything.
        with contextlib.suppress(OSError):
            caller.send(data)
            caller.half_close()
        try:
            return [caller.read()[0]]
        except ConnectionError:
            return []  # what came was no whole request, or the refusal was overtaken by a reset


@pytest.mark.parametrize("path", ROUTES)
def test_mutated_heads_are_answered_or_refused(serve, line, size, unharmed, path):
    server = serve("classifier")
    method, body = ROUTES[path]
    chance = random.Random(path)  # the same mutations each time

    found = set()
    for data in mutations(heads(method, path, body), size(40, None), chance):
        found.update(statuses(line, server, data))

    assert found <= KNOWN
    assert found & {400, 404, 405, 431}
    unharmed(server)


@pytest.mark.parametrize("path", [path for path in ROUTES if ROUTES[path][0] == "POST"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/csv",
        "application/jsonlines",
        "application/x-npy",
        "application/x-npz",
        'application/octet-stream; shape="1,4"',
        "application/vnd.sagemaker-triton.binary+json;json-header-size=20",
    ],
)
def test_mutated_bodies_are_answered_or_refused(
    serve, line, frame, size, unharmed, path, content_type
):
    server = serve("classifier")
    chance = random.Random(path + content_type)

    found = set()
    for body in mutations(bodies(path, ROUTES[path][1]), size(10, None), chance):
        found.update(statuses(line, server, frame(body, path, content_type)))

    assert found <= KNOWN
    assert found & {400, 404, 413, 415}
    unharmed(server)


def test_bytes_that_are_no_http_are_refused_and_the_connection_closed(serve, line, size, unharmed):
    server = serve("classifier")
    chance = random.Random(5)
    whole = b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"

    found = set()
    for _ in range(size(200, 20_000)):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        found.update(statuses(line, server, bytes(data)))

    assert found <= KNOWN
    assert 400 in found
    unharmed(server)


@pytest.mark.parametrize("times", [1, 300])
def test_a_caller_that_sends_no_more_is_answered_and_closed(serve, line, frame, times):
    server = serve("slow")
    server.post({"inputs": [[500]]})  # learns that it is slow

    with line(server, 5.0) as caller:
        caller.send(frame({"inputs": [[times]]}))
        caller.half_close()

        assert caller.read()[0] == 200
        # Nothing can come on it any more, so keeping it open would only cost a descriptor.
        assert caller.read_all() == b""

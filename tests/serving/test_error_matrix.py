"""Every way a request can be wrong, and what it is answered.

One table: a request, the status, and words that the answer's problems (or its one sentence) must
hold. Afterwards the server must still be ready. The statuses follow what Triton and MLServer
answer, with one rule where they differ: what does not fit the model is 400.
"""

import io
import re

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("serving")  # its servers are shared

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def npy(array, **changes):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    data = out.getvalue()
    for old, new in changes.values():
        assert old in data
        data = data.replace(old, new)
    return data


ROW = np.zeros((1, 4), dtype=np.float32)
GOOD = b'{"instances":[[1,2,3,4]]}'

# name: (model, body, content type, accept, status, words)
CASES = {
    # JSON that is none
    "no JSON": ("regressor", b"hello", JSON, None, 400, "not JSON"),
    "cut off": ("regressor", b'{"instances":[[1,2', JSON, None, 400, "not JSON"),
    "bare NaN": ("regressor", b'{"instances":[[NaN,1,2,3]]}', JSON, None, 400, "not JSON"),
    "bare infinity": (
        "regressor", b'{"instances":[[Infinity,1,2,3]]}', JSON, None, 400, "not JSON",
    ),
    "number too long": ("regressor", b'{"instances":[[1e999,1,2,3]]}', JSON, None, 400, "not JSON"),
    "trailing comma": ("regressor", b'{"instances":[[1,2,3,4],]}', JSON, None, 400, "not JSON"),
    "broken text": ("regressor", b'{"instances":["\xff\xfe"]}', JSON, None, 400, "not JSON"),
    "lone surrogate": ("text", rb'{"instances":["\ud800"]}', JSON, None, 400, "not JSON"),
    "two documents": ("regressor", GOOD + GOOD, JSON, None, 400, "not JSON"),
    "empty body": ("regressor", b"", JSON, None, 400, "body is empty"),
    "only spaces": ("regressor", b"  \n ", JSON, None, 400, "not JSON"),
    # JSON of another form
    "a list": ("regressor", b"[[1,2,3,4]]", JSON, None, 400, "must be an object"),
    "null": ("regressor", b"null", JSON, None, 400, "body is null"),
    "no member": ("regressor", b"{}", JSON, None, 400, "neither"),
    "both members": (
        "regressor", b'{"instances":[[1,2,3,4]],"inputs":[[1,2,3,4]]}', JSON, None, 400, "both",
    ),
    "unknown member": (
        "regressor", b'{"instances":[[1,2,3,4]],"rows":1}', JSON, None, 400, "'rows'",
    ),
    "no rows": ("regressor", b'{"instances":[]}', JSON, None, 400, "empty list"),
    "rows are text": ("regressor", b'{"instances":"abc"}', JSON, None, 400, "instances is text"),
    "rows are null": ("regressor", b'{"instances":null}', JSON, None, 400, "instances is null"),
    "rows are an object": ("regressor", b'{"instances":{}}', JSON, None, 400, "an object"),
    # shapes
    "short row": ("regressor", b'{"instances":[[1,2,3]]}', JSON, None, 400, "takes 4 along axis 1"),
    "long row": ("regressor", b'{"instances":[[1,2,3,4,5]]}', JSON, None, 400, "not 5"),
    "uneven rows": (
        "regressor", b'{"instances":[[1,2,3,4],[1,2]]}', JSON, None, 400, "[1] has 2 values",
    ),
    "empty row": ("regressor", b'{"instances":[[]]}', JSON, None, 400, "instances[0] is an empty"),
    "flat row": ("regressor", b'{"instances":[1,2,3,4]}', JSON, None, 400, "a list is needed"),
    "row too deep": ("regressor", b'{"instances":[[[1],2,3,4]]}', JSON, None, 400, "is a list"),
    "wrong count": ("pair", b'{"inputs":[[1,2,3]]}', JSON, None, 400, "takes 2 along axis 0"),
    "inner shape": ("cube", b'{"instances":[[[1,2],[3]]]}', JSON, None, 400, "[0][1] has 1 values"),
    # datatypes
    "text for a number": (
        "regressor", b'{"instances":[["1",2,3,4]]}', JSON, None, 400, "[0][0] is text",
    ),
    "null for a number": ("regressor", b'{"instances":[[null,2,3,4]]}', JSON, None, 400, "is null"),
    "true for a number": ("regressor", b'{"instances":[[true,2,3,4]]}', JSON, None, 400, "is true"),
    "object for a number": (
        "regressor", b'{"instances":[[{},2,3,4]]}', JSON, None, 400, "an object",
    ),
    "beyond float32": ("regressor", b'{"instances":[[1e39,2,3,4]]}', JSON, None, 400, "too large"),
    "beyond float16": ("half", b'{"instances":[[65520,1]]}', JSON, None, 400, "too large"),
    "fraction for an integer": (
        "lookup", b'{"instances":[[1.5]]}', JSON, None, 400, "whole numbers",
    ),
    "beyond int8": ("bytes", b'{"instances":[[128,0]]}', JSON, None, 400, "-128 to 127"),
    "below int8": ("bytes", b'{"instances":[[-129,0]]}', JSON, None, 400, "-128 to 127"),
    "number for a flag": ("flags", b'{"instances":[[1,0]]}', JSON, None, 400, "true or false"),
    "number for text": ("text", b'{"instances":[1]}', JSON, None, 400, "takes text"),
    # names
    "missing input": ("people", b'{"instances":[{"age":1}]}', JSON, None, 400, "[0] lacks 'job'"),
    "unknown input": (
        "people", b'{"instances":[{"age":1,"job":"a","pay":2}]}', JSON, None, 400, "'pay'",
    ),
    "row without names": (
        "people", b'{"instances":[[1,"a"]]}', JSON, None, 400, "must be an object",
    ),
    "mixed rows": (
        "people", b'{"instances":[{"age":1,"job":"a"},3]}', JSON, None, 400, "[1] is the",
    ),
    "missing tensor": ("people", b'{"inputs":{"age":[[1]]}}', JSON, None, 400, "lacks 'job'"),
    "unknown tensor": ("regressor", b'{"inputs":{"z":[[1]]}}', JSON, None, 400, "'z', which is no"),
    "tensor without a name": ("people", b'{"inputs":[[1]]}', JSON, None, 400, "several inputs"),
    "unequal batches": (
        "people", b'{"inputs":{"age":[[1],[2]],"job":[["a"]]}}', JSON, None, 400, "must be equal",
    ),
    # CSV
    "header line": (
        "regressor", b"a,b,c,d\n1,2,3,4\n", CSV, None, 400, "header line is not allowed",
    ),
    "csv short line": ("regressor", b"1,2,3,4\n1,2,3\n", CSV, None, 400, "line 2 has 3 values"),
    "csv empty line": ("regressor", b"1,2,3,4\n\n1,2,3,4\n", CSV, None, 400, "line 2 is empty"),
    "csv empty field": ("regressor", b"1,,3,4\n", CSV, None, 400, "line 1, column 2"),
    "csv nan": ("regressor", b"1,nan,3,4\n", CSV, None, 400, "not a finite float32"),
    "csv too large": ("regressor", b"1,1e39,3,4\n", CSV, None, 400, "not a finite float32"),
    "csv quotes": ("regressor", b'"1",2,3,4\n', CSV, None, 400, "is no number"),
    "csv underscore": ("regressor", b"1_0,2,3,4\n", CSV, None, 400, "is no number"),
    "csv semicolons": ("regressor", b"1;2;3;4\n", CSV, None, 400, "line 1 has 1 values"),
    "csv fraction": ("lookup", b"1.5\n", CSV, None, 400, "no whole number"),
    "csv beyond int8": ("bytes", b"1,300\n", CSV, None, 400, "out of range"),
    "csv not ASCII": ("regressor", "\uff11,2,3,4".encode(), CSV, None, 400, "belong to no number"),
    "csv for several inputs": ("people", b"1,a\n", CSV, None, 415, "one input"),
    "csv for text": ("text", b"a\n", CSV, None, 415, "numeric input"),
    "csv for three axes": ("cube", b"1,2\n", CSV, None, 415, "two axes"),
    # npy
    "no array": ("regressor", b"hello", NPY, None, 400, "npy format"),
    "array cut off": ("regressor", npy(ROW)[:-1], NPY, None, 400, "15 follow"),
    "array with a tail": ("regressor", npy(ROW) + b"\0", NPY, None, 400, "17 follow"),
    "array of float64": ("regressor", npy(ROW.astype("f8")), NPY, None, 400, "not float64"),
    "array of one axis": ("regressor", npy(ROW[0]), NPY, None, 400, "takes 2 axes"),
    "array of no rows": ("regressor", npy(ROW[:0]), NPY, None, 400, "1 or longer"),
    "array too wide": ("regressor", npy(np.zeros((1, 5), "f4")), NPY, None, 400, "not 5"),
    "array of objects": ("regressor", npy(np.array([[None]])), NPY, None, 400, "never pickles"),
    "array of text": ("regressor", npy(np.array([["a"]])), NPY, None, 400, "only numbers"),
    "array of complex": ("regressor", npy(ROW.astype("c8")), NPY, None, 400, "only numbers"),
    "array of records": ("regressor", npy(np.zeros(1, "i4,f4")), NPY, None, 400, "only numbers"),
    "array claims terabytes": (
        "regressor", npy(ROW, shape=(b"(1, 4), ", b"(9**9,) ")), NPY, None, 400, "npy format",
    ),
    "array claims much": (
        "regressor", npy(ROW, shape=(b"(1, 4), }     ", b"(999999999, 4)}")), NPY, None, 400,
        "speaks of 15999999984 bytes",
    ),
    "array of negative length": (
        "regressor", npy(ROW, shape=(b"(1, 4), ", b"(-1, 4),")), NPY, None, 400, "1 or longer",
    ),
    "array of a later version": (
        "regressor", npy(ROW, version=(b"NUMPY\x01", b"NUMPY\x09")), NPY, None, 400, "npy format",
    ),
    "zip archive": ("regressor", b"PK\x03\x04" + bytes(60), NPY, None, 400, "npy format"),
    "npy for several inputs": ("people", npy(ROW), NPY, None, 415, "one array"),
    "npy for text": ("text", npy(ROW), NPY, None, 415, "numbers"),
    # formats
    "no content type": ("regressor", GOOD, None, None, 415, "no Content-Type"),
    "form": (
        "regressor", GOOD, "application/x-www-form-urlencoded", None, 415, "reads application/json",
    ),
    "pickle": (
        "regressor", b"\x80\x04.", "application/x-pickle", None, 415, "reads application/json",
    ),
    "octets": ("people", GOOD, "application/octet-stream", None, 415, "does not fit this model"),
    "no media type": ("regressor", GOOD, "json", None, 400, "no media type"),
    "latin-1": ("regressor", GOOD, "application/json; charset=latin-1", None, 415, "UTF-8"),
    "utf-16": ("regressor", GOOD, 'application/json; charset="UTF-16"', None, 415, "UTF-8"),
    "csv in latin-1": ("regressor", b"1,2,3,4", "text/csv;charset=iso-8859-1", None, 415, "UTF-8"),
    "accept an image": ("regressor", GOOD, JSON, "image/png", 406, "answers in application/json"),
    "accept nothing": ("regressor", GOOD, JSON, "*/*;q=0", 406, "answers in"),
    "accept with odd q": ("regressor", GOOD, JSON, "text/csv;q=2", 400, "from 0 to 1"),
    "accept no type": ("regressor", GOOD, JSON, "json", 400, "no media type"),
    "accept an unknown output": ("regressor", GOOD, JSON, f"{JSON};output=z", 406, "has 'y'"),
    "npy of two outputs": ("classifier", GOOD, JSON, NPY, 406, "output=probabilities"),
    "npy of text": ("text", b'{"instances":["a"]}', JSON, NPY, 406, "holds none"),
    "csv of three axes": (
        "cube", b'{"instances":[[[1,2],[3,4]]]}', JSON, CSV, 406, "one or two axes",
    ),
    "csv of maps": ("maps", b'{"instances":[[1,0]]}', JSON, CSV, 406, "one or two axes"),
    # the model
    "fails while it runs": (
        "lookup", b'{"instances":[[3]]}', JSON, None, 500, "failed while it ran",
    ),
}  # fmt: skip


def assert_clean(reply):
    """No path of the machine, no stack, and the form that every error has (RFC 9457)."""
    assert reply.headers["content-type"] == "application/problem+json"
    answer = reply.json()
    details = {"type", "title", "status", "detail"}
    assert details < set(answer) <= details | {"error", "code", "problems", "instance"}
    assert answer["status"] == reply.status
    assert isinstance(answer["error"], str)
    assert all(isinstance(problem, str) for problem in answer.get("problems", []))
    text = reply.body.decode()
    assert not re.search(r"Traceback|\.py\b|site-packages|/(opt|tmp|usr|root|home|work)/", text), (
        text
    )


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_request_is_answered_with_its_status_and_reason(serve, name):
    model, body, content_type, accept, status, words = CASES[name]
    headers = {"content_type": content_type} if content_type is not None else {}
    if accept is not None:
        headers["accept"] = accept

    reply = serve(model).request("POST", "/invocations", body, **headers)

    assert reply.status == status, reply.body
    assert_clean(reply)
    assert words in " ".join([reply.json()["error"], *reply.json().get("problems", [])])
    assert serve(model).ping().status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("POST", "/ping", 405, "GET"),
        ("HEAD", "/invocations", 405, "POST"),
        ("GET", "/invocations", 405, "POST"),
        ("PUT", "/invocations", 405, "POST"),
        ("DELETE", "/invocations", 405, "POST"),
        ("OPTIONS", "/invocations", 405, "POST"),
        ("GET", "/", 404, None),
        ("GET", "/models", 404, None),
        ("POST", "/models", 404, None),
        ("GET", "/ping/", 404, None),
        ("GET", "/PING", 404, None),
        ("GET", "/docs/", 404, None),
        ("POST", "/openapi.json", 405, "GET"),
        ("GET", "/v2/repository/index", 404, None),
        ("GET", "/..%2f..%2fetc/passwd", 404, None),
    ],
)
def test_other_routes_than_the_documented_ones_do_not_exist(serve, method, path, status, allow):
    reply = serve("regressor").request(method, path)

    assert reply.status == status
    assert reply.headers.get("allow") == allow
    if path.startswith(("/v2", "/models")):
        assert set(reply.json()) == {"error", "code"}
    elif method != "HEAD":
        assert_clean(reply)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_refused(serve, encoding):
    reply = serve("regressor").post(GOOD, content_encoding=encoding)

    assert reply.status == 415
    assert "not compressed" in reply.json()["error"]
    assert_clean(reply)


def test_all_problems_of_a_request_are_in_one_answer(serve):
    rows = '[1,2,3],["a",2,null,4],7,[1,2,3,1e300]'

    reply = serve("regressor").post(f'{{"instances":[{rows}],"other":1}}'.encode())

    problems = " | ".join(reply.json()["problems"])
    assert reply.status == 400
    for place in (
        "'other'",
        "instances[0] has 3 values",
        "instances[1][0] is text",
        "instances[1][2] is null",
        "instances[2] is the number 7",
        "instances[3][3] is 1e+300",
    ):
        assert place in problems


def test_very_many_problems_are_cut_short_with_their_number(serve):
    reply = serve("regressor").post({"instances": [["x", "x", "x", "x"]] * 20})

    problems = reply.json()["problems"]
    assert len(problems) == 51
    assert problems[-1] == "and 30 more"


def test_what_is_no_http_is_answered_as_json(serve):
    import socket

    with socket.create_connection(("127.0.0.1", serve("regressor").port), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        answer = raw.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"INVALID_ARGUMENT"' in answer


@pytest.mark.parametrize("given", ["a\tb", "ü", "x" * 65])
def test_an_odd_inference_id_is_replaced(serve, given):
    reply = serve("echo").post({"instances": [[1]]}, X_Amzn_SageMaker_Inference_Id=given)

    assert reply.status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["x-request-id"])


def test_overlong_custom_attributes_are_not_sent_back(serve):
    reply = serve("echo").post({"instances": [[1]]}, X_Amzn_SageMaker_Custom_Attributes="x" * 1025)

    assert reply.status == 200
    assert "x-amzn-sagemaker-custom-attributes" not in reply.headers

"""The suite itself: a server that breaks a rule is found out by the case of that rule."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conformance import __main__ as program
from conformance.case import Target
from conformance.grpc_side import messages
from conformance.rest import LENGTH, Reply, Rest


def changed(reply, change):
    """Give the same reply with its JSON changed."""
    end = int(reply.headers.get(LENGTH, len(reply.body)))
    document = json.loads(reply.body[:end])
    text = change(document)
    head = json.dumps(document).encode() if text is None else text
    headers = dict(reply.headers)
    if LENGTH in headers:
        headers[LENGTH] = str(len(head))
    return Reply(reply.status, headers, head + reply.body[end:])


def no_id(document):
    document.pop("id", None)


def other_order(document):
    if len(document.get("outputs", [])) > 1 and "data" in document["outputs"][-1]:
        document["outputs"].reverse()


def bare_nan(document):
    return json.dumps(document).replace("null", "NaN").encode()


def no_minus_zero(document):
    for output in document.get("outputs", []):
        if "data" in output:
            output["data"] = [0.0 if value == 0 else value for value in output["data"]]


def path_in_error(document):
    if "error" in document:
        document["error"] += ' File "/opt/server/model.py", line 7'


def error_as_object(document):
    if "error" in document:
        document["error"] = {"message": document["error"]}


def other_name(document):
    if "model_name" in document:
        document["model_name"] = "other"


def flat_shape(document):
    for output in document.get("outputs", []):
        if "data" in output:
            output["shape"] = [len(output["data"])]


FAULTS = {
    no_id: {"an id comes back", "an id of odd characters comes back"},
    other_order: {"chosen outputs are given, in the order asked"},
    bare_nan: {"NaN and infinity in an answer of JSON are still JSON"},
    no_minus_zero: {"the largest, smallest and oddest values come back"},
    path_in_error: {"too few axes are refused", "what is no JSON is refused"},
    error_as_object: {"too few axes are refused", "another model is not found"},
    other_name: {"the answer names the model"},
    flat_shape: {"values of shape [2, 3] come back"},
}


def failures(send, models):
    found = set()
    for name in models:
        results = program.run(Target(name, rest=Rest(send, name)))
        found |= {case.name for case, forms in results.items() if any(forms.values())}
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_out(in_process, fault):
    def send(*arguments):
        return changed(in_process.send(*arguments), fault)

    assert failures(send, ["echo_fp32", "several"]) >= FAULTS[fault]


def test_a_server_that_takes_everything_fails_everything_that_must_be_refused(in_process):
    good = {
        "model_name": "echo_fp32",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": [1.0]}],
    }

    def send(method, path, body, headers):
        if path.endswith("/infer"):
            return Reply(200, {}, json.dumps(good).encode())
        return in_process.send(method, path, body, headers)

    target = Target("echo_fp32", rest=Rest(send, "echo_fp32"))
    results = program.run(target)
    passed = {
        case.name
        for case, forms in results.items()
        if case.area in ("errors", "abuse", "round trip") and not all(forms.values())
    }

    assert passed == set()


def test_a_server_that_hangs_up_fails(in_process):
    def send(*arguments):
        raise ConnectionResetError

    assert len(failures(send, ["several"])) > 10


def test_the_table_says_what_failed_and_why(in_process):
    def send(*arguments):
        return changed(in_process.send(*arguments), no_id)

    results = program.run(Target("echo_int8", rest=Rest(send, "echo_int8")))
    text = program.table("echo_int8", results)

    assert "an id comes back" in text
    assert "must | JSON flat | an id comes back: the id was '42', and '' came back" in text
    assert ", 6 failed; *" in text


@pytest.mark.parametrize("arguments", [[], ["--rest", "http://127.0.0.1:9"], ["--model", "x"]])
def test_wrong_arguments_end_with_status_2(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2


def test_a_server_that_is_not_there_ends_with_status_1():
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "--rest", "http://127.0.0.1:9", "--model", "several"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "0 passed" in done.stdout


def test_the_messages_are_those_of_the_protocols_file():
    made = messages()
    request = made["ModelInferRequest"](model_name="m", id="1")
    request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    request.inputs[0].contents.fp32_contents.extend([1, 2])
    request.inputs[0].parameters["a"].int64_param = 5
    request.raw_input_contents.append(b"ab")

    # Field numbers and wire types of open_inference_grpc.proto.
    assert request.SerializeToString(deterministic=True) == bytes.fromhex(
        "0a016d 1a0131 2a22 0a0178 1204 46503332 1a02 0102 2207 0a0161 1202 1005"
        " 2a0a 3208 0000803f00000040 3a026162"
    )

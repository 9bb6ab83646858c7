"""What a request asks for beside its values, and what the answer says beside its own."""

import time

import numpy as np
import pytest

from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.open_inference_pb2_grpc import GRPCInferenceServiceStub

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()

AGE = ("age", "FP32", [2, 1], {"contents": {"fp32_contents": [1.0, 2.0]}})
JOB = ("job", "BYTES", [2], {"contents": {"bytes_contents": [b"a", b"b"]}})


def test_the_id_comes_back(serve, model, ask):
    server = serve(model("FP32"))

    answer = server.infer(ask(("x", "FP32", [1, 2]), raw=[ROW], id="request 7 é"))

    assert answer.id == "request 7 é"
    assert answer.model_name == "model"
    assert answer.model_version == "1"


def test_all_outputs_come_in_the_models_order(serve, model, ask):
    server = serve(model("pair"))

    answer = server.infer(ask(JOB, AGE))

    assert [output.name for output in answer.outputs] == ["older", "same", "whole"]
    assert answer.outputs[0].contents.fp32_contents == [2.0, 3.0]
    assert answer.outputs[1].contents.bytes_contents == [b"a", b"b"]
    assert answer.outputs[2].contents.int64_contents == [1, 2]


def test_outputs_that_were_asked_for_come_alone_and_in_that_order(serve, model, ask):
    server = serve(model("pair"))

    answer = server.infer(ask(AGE, JOB, outputs=["whole", "older"]))

    assert [output.name for output in answer.outputs] == ["whole", "older"]
    assert answer.outputs[0].contents.int64_contents == [1, 2]


def test_an_output_that_is_no_tensor_is_left_out(serve, model, ask):
    server = serve(model("maps"))

    answer = server.infer(ask(("x", "FP32", [1, 2]), raw=[ROW]))

    assert [output.name for output in answer.outputs] == ["label"]
    assert answer.raw_output_contents == [b"\x01\0\0\0\0\0\0\0"]


def test_without_a_version_the_newest_answers(serve, model, ask):
    server = serve(model("FP32", "1"), model("FP32", "2"))

    answer = server.infer(ask(("x", "FP32", [1, 2]), raw=[ROW], model_name="model"))

    assert answer.model_version == "2"


def test_a_version_that_is_named_answers(serve, model, ask):
    server = serve(model("FP32", "1"), model("FP32", "2"))

    answer = server.infer(
        ask(("x", "FP32", [1, 2]), raw=[ROW], model_name="model", model_version="1")
    )

    assert answer.model_version == "1"


def test_parameters_of_every_kind_are_let_pass(serve, model, ask):
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW], outputs=["y"])
    sent.parameters["binary_data_output"].bool_param = True
    sent.parameters["timeout"].int64_param = -5
    sent.parameters["sequence"].string_param = "a"
    sent.inputs[0].parameters["weight"].double_param = 0.5
    sent.outputs[0].parameters["classification"].uint64_param = 3
    server = serve(model("FP32"))

    answer = server.infer(sent)

    assert answer.raw_output_contents == [ROW]


def test_many_calls_at_once_get_their_own_answers(serve, model, ask):
    rows = [np.array([[number, -number]], dtype="<f4").tobytes() for number in range(64)]
    server = serve(model("FP32"))

    calls = [
        server.stub.ModelInfer.future(
            ask(("x", "FP32", [1, 2]), raw=[row], id=str(number)), timeout=30
        )
        for number, row in enumerate(rows)
    ]
    answers = [call.result() for call in calls]

    assert [answer.id for answer in answers] == [str(number) for number in range(64)]
    assert [answer.raw_output_contents[0] for answer in answers] == rows


def test_a_priority_in_the_metadata_reaches_the_dataplane(serve, model, ask):
    seen = []

    class Plane:
        def submit(self, inference, done):
            seen.append(inference)
            done(inference.model.run(inference.inputs, inference.outputs))

    server = serve(model("FP32"), dataplane=Plane())
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW])

    server.infer(sent, metadata=(("x-request-priority", "3"),))
    server.infer(sent, metadata=(("x-request-priority", "99"),))
    server.infer(sent, metadata=(("x-request-priority", "high"),))
    server.infer(sent)

    assert [inference.priority for inference in seen] == [3, 10, 0, 0]


def test_the_callers_deadline_is_the_inferences_own_where_it_is_first(serve, model, ask):
    seen = []

    class Plane:
        def submit(self, inference, done):
            seen.append(inference.deadline - time.monotonic())
            done(inference.model.run(inference.inputs, inference.outputs))

    server = serve(model("FP32"), dataplane=Plane(), invoke_seconds=200.0)
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW])

    server.infer(sent, timeout=100)
    server.infer(sent, timeout=900)
    server.stub.ModelInfer(sent)

    assert 70.0 < seen[0] <= 101.0
    assert 170.0 < seen[1] <= 200.0
    assert 170.0 < seen[2] <= 200.0


def test_each_call_is_told_of_once_with_what_came_of_it(serve, model, ask, wait_for):
    told = []

    class Observer:
        def answered(self, exchange):
            told.append(exchange)

    server = serve(model("FP32"), observer=Observer())
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW], id="a")

    server.infer(sent)
    server.infer(sent, metadata=(("x-request-id", "b"),))
    server.refused(ask(("x", "FP32", [1, 3]), raw=[ROW], id="c"))
    server.stub.ModelReady(pb.ModelReadyRequest())

    wait_for(lambda: len(told) == 4)
    assert [exchange.rpc for exchange in told] == [
        "ModelInfer",
        "ModelInfer",
        "ModelInfer",
        "ModelReady",
    ]
    assert [exchange.code for exchange in told] == ["OK", "OK", "INVALID_ARGUMENT", "OK"]
    assert [exchange.id for exchange in told[:3]] == ["a", "b", "c"]
    assert len(told[3].id) == 32
    assert told[0].model is model("FP32")
    assert told[0].call.message == sent.SerializeToString()
    assert pb.ModelInferResponse.FromString(told[0].response).raw_output_contents == [ROW]
    assert told[0].outputs["y"].tobytes() == ROW
    assert told[0].inference.inputs["x"].tobytes() == ROW
    assert 0.0 < told[0].seconds < 30.0
    assert told[0].error is None
    assert told[2].error.problems == ["raw_input_contents[0] has 8 bytes; [1, 3] FP32 is 12"]
    assert told[2].response == b""


def test_the_generated_client_and_a_channel_of_its_own_agree_with_the_server(serve, model):
    server = serve(model("FP32"))

    answer = GRPCInferenceServiceStub(server.channel).ServerLive(pb.ServerLiveRequest())

    assert answer.live


@pytest.mark.parametrize("identity", ["", "é", "a\nb", "x" * 65])
def test_a_call_without_a_plain_id_gets_one_for_the_log(serve, model, ask, identity):
    server = serve(model("FP32"))

    answer = server.infer(ask(("x", "FP32", [1, 2]), raw=[ROW], id=identity))
    errors = [server.refused(ask(id=identity)) for _ in range(2)]

    given = [dict(error.trailing_metadata())["x-request-id"] for error in errors]
    assert answer.id == identity
    assert [len(each) for each in given] == [32, 32]
    assert given[0] != given[1]


def test_an_error_carries_the_callers_own_id(serve, model, ask):
    server = serve(model("FP32"))

    error = server.refused(ask(id="request-7"))

    assert dict(error.trailing_metadata()) == {"x-request-id": "request-7"}

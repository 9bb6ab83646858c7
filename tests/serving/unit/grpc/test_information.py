import grpc
import pytest

from model_server import __version__
from model_server.grpc_v2 import open_inference_pb2 as pb


def tensors(items):
    return [(item.name, item.datatype, list(item.shape)) for item in items]


def test_the_server_lives_while_the_model_loads(serve):
    server = serve()

    assert server.stub.ServerLive(pb.ServerLiveRequest()).live
    assert not server.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert not server.stub.ModelReady(pb.ModelReadyRequest(name="model")).ready


def test_the_server_is_ready_when_the_model_is(serve, model):
    server = serve()

    server.on_loop(server.shelf.put, model("FP32"))
    server.on_loop(server.readiness.loaded)

    assert server.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert server.stub.ModelReady(pb.ModelReadyRequest(name="model")).ready
    assert server.stub.ModelReady(pb.ModelReadyRequest()).ready
    assert server.stub.ModelReady(pb.ModelReadyRequest(name="model", version="1")).ready


def test_nothing_is_ready_once_the_server_stops(serve, model):
    server = serve(model("FP32"))

    server.on_loop(server.readiness.drain)

    assert server.stub.ServerLive(pb.ServerLiveRequest()).live
    assert not server.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert not server.stub.ModelReady(pb.ModelReadyRequest(name="model")).ready


def test_the_server_is_not_ready_when_the_model_cannot_be_loaded(serve):
    server = serve()

    server.on_loop(server.readiness.failed, "it is broken")

    assert not server.stub.ServerReady(pb.ServerReadyRequest()).ready


@pytest.mark.parametrize("request_of", [pb.ModelReadyRequest, pb.ModelMetadataRequest])
@pytest.mark.parametrize(("name", "version"), [("other", ""), ("model", "9")])
def test_what_there_is_not_is_not_found(serve, model, request_of, name, version):
    server = serve(model("FP32"))
    method = request_of.DESCRIPTOR.name.removesuffix("Request")

    with pytest.raises(grpc.RpcError) as raised:
        getattr(server.stub, method)(request_of(name=name, version=version))

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_the_metadata_of_a_model_that_loads_is_unavailable(serve):
    server = serve()

    with pytest.raises(grpc.RpcError) as raised:
        server.stub.ModelMetadata(pb.ModelMetadataRequest(name="model"))

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_server_says_what_it_is(serve, model):
    server = serve(model("FP32"))

    answer = server.stub.ServerMetadata(pb.ServerMetadataRequest())

    assert (answer.name, answer.version) == ("model-server", __version__)
    assert list(answer.extensions) == ["binary_tensor_data"]


def test_a_model_says_what_it_takes_and_gives(serve, model):
    server = serve(model("pair", "1"), model("pair", "2"))

    answer = server.stub.ModelMetadata(pb.ModelMetadataRequest(name="model"))

    assert answer.name == "model"
    assert list(answer.versions) == ["1", "2"]
    assert answer.platform == "onnx_onnxv1"
    assert tensors(answer.inputs) == [("age", "FP32", [-1, 1]), ("job", "BYTES", [-1])]
    assert tensors(answer.outputs) == [
        ("older", "FP32", [-1, 1]), ("same", "BYTES", [-1]), ("whole", "INT64", [-1, 1])
    ]  # fmt: skip


def test_an_output_that_is_no_tensor_is_not_listed(serve, model):
    server = serve(model("maps"))

    answer = server.stub.ModelMetadata(pb.ModelMetadataRequest(name="model"))

    assert tensors(answer.outputs) == [("label", "INT64", [-1])]

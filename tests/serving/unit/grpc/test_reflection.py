import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

SERVICES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
]


def ask(server, *requests):
    call = ServerReflectionStub(server.channel).ServerReflectionInfo(iter(requests), timeout=30)
    return list(call)


def services(answer):
    return [service.name for service in answer.list_services_response.service]


def test_services_are_listed(serve, model):
    server = serve(model("FP32"))

    (answer,) = ask(server, pb.ServerReflectionRequest(host="here", list_services=""))

    assert services(answer) == SERVICES
    assert answer.valid_host == "here"
    assert answer.original_request.HasField("list_services")


def test_the_newer_name_of_the_protocol_answers_the_same(serve, model):
    server = serve(model("FP32"))
    call = server.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )

    (answer,) = call(iter([pb.ServerReflectionRequest(list_services="")]), timeout=30)

    assert services(answer) == SERVICES


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("inference.GRPCInferenceService", "model_server/grpc_v2/open_inference.proto"),
        ("inference.GRPCInferenceService.ModelInfer", "model_server/grpc_v2/open_inference.proto"),
        ("inference.ModelInferRequest", "model_server/grpc_v2/open_inference.proto"),
        (
            "inference.ModelInferRequest.InferInputTensor",
            "model_server/grpc_v2/open_inference.proto",
        ),
        ("grpc.health.v1.Health", "grpc_health/v1/health.proto"),
        ("grpc.reflection.v1alpha.ServerReflection", "grpc_reflection/v1alpha/reflection.proto"),
    ],
)
def test_a_symbols_file_is_described(serve, model, symbol, file):
    server = serve(model("FP32"))

    (answer,) = ask(server, pb.ServerReflectionRequest(file_containing_symbol=symbol))

    (encoded,) = answer.file_descriptor_response.file_descriptor_proto
    assert FileDescriptorProto.FromString(encoded).name == file


def test_the_description_holds_the_methods_and_the_field_numbers(serve, model):
    server = serve(model("FP32"))

    (answer,) = ask(
        server,
        pb.ServerReflectionRequest(file_by_filename="model_server/grpc_v2/open_inference.proto"),
    )

    (encoded,) = answer.file_descriptor_response.file_descriptor_proto
    described = FileDescriptorProto.FromString(encoded)
    assert [method.name for method in described.service[0].method] == [
        "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer"
    ]  # fmt: skip
    (request,) = [each for each in described.message_type if each.name == "ModelInferRequest"]
    assert [(field.name, field.number) for field in request.field] == [
        ("model_name", 1), ("model_version", 2), ("id", 3), ("parameters", 4), ("inputs", 5),
        ("outputs", 6), ("raw_input_contents", 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        pb.ServerReflectionRequest(file_by_filename="google/protobuf/descriptor.proto"),
        pb.ServerReflectionRequest(file_containing_symbol="google.protobuf.FileDescriptorProto"),
        pb.ServerReflectionRequest(file_containing_symbol="inference.Nothing.at.all"),
        pb.ServerReflectionRequest(file_containing_symbol=""),
        pb.ServerReflectionRequest(all_extension_numbers_of_type="inference.ModelInferRequest"),
    ],
)
def test_what_is_not_the_servers_own_is_not_found(serve, model, request_):
    server = serve(model("FP32"))

    (answer,) = ask(server, request_)

    assert answer.error_response.error_code == 5


def test_several_questions_on_one_stream_are_answered_in_order(serve, model):
    server = serve(model("FP32"))

    answers = ask(
        server,
        pb.ServerReflectionRequest(),
        pb.ServerReflectionRequest(list_services=""),
        pb.ServerReflectionRequest(file_by_filename="none"),
    )

    assert [answer.error_response.error_code for answer in answers] == [12, 0, 5]
    assert services(answers[1]) == SERVICES


def test_bytes_that_are_no_message_get_an_error_and_the_stream_goes_on(serve, model):
    server = serve(model("FP32"))
    call = server.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )

    first, second = call(iter([b"\xff", b"\x3a\x00"]), timeout=30)

    assert first.error_response.error_code == 3
    assert services(second) == SERVICES


def test_a_refused_caller_learns_nothing(serve, model):
    from model_server.core.errors import Unauthenticated

    class Gate:
        def admit(self, credentials, scope, model=None):
            raise Unauthenticated(f"no {scope}")

    server = serve(model("FP32"), gate=Gate())

    with pytest.raises(grpc.RpcError) as raised:
        ask(server, pb.ServerReflectionRequest(list_services=""))

    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert raised.value.details() == "no metadata"

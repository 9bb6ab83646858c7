"""The protocol over gRPC: requests in each form, answers into the same outcome.

The messages are made here at run time, from what the protocol's file
``open_inference_grpc.proto`` says, so that nothing has to be generated; they live in a pool of
their own and meet no others.
"""

from typing import Any

from conformance.outcome import OK, Ask, Outcome, ProtocolError
from conformance.tensors import DATATYPES, Tensor, from_raw

SERVICE = "inference.GRPCInferenceService"

# Messages as name, then fields as (name, number, type); * is repeated, % a map to InferParameter.
MESSAGES: dict[str, list[tuple[str, int, str]]] = {
    "ServerLiveRequest": [],
    "ServerLiveResponse": [("live", 1, "bool")],
    "ServerReadyRequest": [],
    "ServerReadyResponse": [("ready", 1, "bool")],
    "ModelReadyRequest": [("name", 1, "string"), ("version", 2, "string")],
    "ModelReadyResponse": [("ready", 1, "bool")],
    "ServerMetadataRequest": [],
    "ServerMetadataResponse": [
        ("name", 1, "string"),
        ("version", 2, "string"),
        ("extensions", 3, "*string"),
    ],
    "ModelMetadataRequest": [("name", 1, "string"), ("version", 2, "string")],
    "ModelMetadataResponse": [
        ("name", 1, "string"),
        ("versions", 2, "*string"),
        ("platform", 3, "string"),
        ("inputs", 4, "*ModelMetadataResponse.TensorMetadata"),
        ("outputs", 5, "*ModelMetadataResponse.TensorMetadata"),
    ],
    "ModelMetadataResponse.TensorMetadata": [
        ("name", 1, "string"),
        ("datatype", 2, "string"),
        ("shape", 3, "*int64"),
    ],
    "ModelInferRequest": [
        ("model_name", 1, "string"),
        ("model_version", 2, "string"),
        ("id", 3, "string"),
        ("parameters", 4, "%"),
        ("inputs", 5, "*ModelInferRequest.InferInputTensor"),
        ("outputs", 6, "*ModelInferRequest.InferRequestedOutputTensor"),
        ("raw_input_contents", 7, "*bytes"),
    ],
    "ModelInferRequest.InferInputTensor": [
        ("name", 1, "string"),
        ("datatype", 2, "string"),
        ("shape", 3, "*int64"),
        ("parameters", 4, "%"),
        ("contents", 5, "InferTensorContents"),
    ],
    "ModelInferRequest.InferRequestedOutputTensor": [("name", 1, "string"), ("parameters", 2, "%")],
    "ModelInferResponse": [
        ("model_name", 1, "string"),
        ("model_version", 2, "string"),
        ("id", 3, "string"),
        ("parameters", 4, "%"),
        ("outputs", 5, "*ModelInferResponse.InferOutputTensor"),
        ("raw_output_contents", 6, "*bytes"),
    ],
    "ModelInferResponse.InferOutputTensor": [
        ("name", 1, "string"),
        ("datatype", 2, "string"),
        ("shape", 3, "*int64"),
        ("parameters", 4, "%"),
        ("contents", 5, "InferTensorContents"),
    ],
    # In the protocol these are one `oneof`, which looks the same on the wire.
    "InferParameter": [
        ("bool_param", 1, "bool"),
        ("int64_param", 2, "int64"),
        ("string_param", 3, "string"),
        ("double_param", 4, "double"),
        ("uint64_param", 5, "uint64"),
    ],
    "InferTensorContents": [
        ("bool_contents", 1, "*bool"),
        ("int_contents", 2, "*int32"),
        ("int64_contents", 3, "*int64"),
        ("uint_contents", 4, "*uint32"),
        ("uint64_contents", 5, "*uint64"),
        ("fp32_contents", 6, "*float"),
        ("fp64_contents", 7, "*double"),
        ("bytes_contents", 8, "*bytes"),
    ],
}

CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where each datatype stands among typed contents. FP16 has no place: it is always raw."""


def messages() -> dict[str, Any]:
    """Make the protocol's messages."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="conformance_open_inference.proto", package="inference", syntax="proto3"
    )
    made: dict[str, Any] = {}
    for path, fields in MESSAGES.items():
        outer, _, inner = path.rpartition(".")
        message = made[outer].nested_type.add() if outer else file.message_type.add()
        message.name = inner
        made[path] = message
        for name, number, kind in fields:
            _add_field(message, path, name, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        path: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{path}"))
        for path in MESSAGES
    }


def _add_field(message: Any, path: str, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if kind[0] in "*%" else field.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    if kind == "%":
        entry = message.nested_type.add(name="ParametersEntry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=9, label=1)
        entry.field.add(
            name="value", number=2, type=11, label=1, type_name=".inference.InferParameter"
        )
        field.type, field.type_name = 11, f".inference.{path}.ParametersEntry"
    elif kind[0].isupper():
        field.type, field.type_name = 11, f".inference.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")


class Grpc:
    """A server's gRPC side, and the model that is tested."""

    def __init__(self, address: str, model: str, metadata: tuple[tuple[str, str], ...]) -> None:
        import grpc

        self.model = model
        self.messages = messages()
        self._metadata = metadata
        self._grpc = grpc
        self._channel = grpc.insecure_channel(address)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def call(self, method: str, request: Any) -> Any:
        """Call a method; gives its answer, or an `Outcome` with the error."""
        answer = self.messages[f"{method}Response"]
        stub = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        try:
            return stub(request, timeout=30, metadata=self._metadata)
        except self._grpc.RpcError as error:
            return Outcome(error.code().name, error=error.details() or "", detail=error)

    def request(self, ask: Ask) -> Any:
        """Make an inference without its values."""
        request = self.messages["ModelInferRequest"](
            model_name=ask.model or self.model, model_version=ask.version, id=ask.id
        )
        for tensor in ask.inputs:
            request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        for name in ask.outputs:
            request.outputs.add(name=name)
        return request

    def typed(self, ask: Ask) -> Outcome:
        """Send an inference with typed contents."""
        request = self.request(ask)
        for tensor, item in zip(ask.inputs, request.inputs, strict=True):
            kind = next(name for name, dtype in DATATYPES.items() if dtype == tensor.array.dtype)
            # FP16 has no place of its own; what comes nearest must be refused.
            contents = CONTENTS.get(kind, "fp32_contents")
            getattr(item.contents, contents).extend(tensor.array.reshape(-1).tolist())
        return self.infer(request)

    def raw(self, ask: Ask) -> Outcome:
        """Send an inference with raw contents."""
        request = self.request(ask)
        request.raw_input_contents.extend(tensor.raw() for tensor in ask.inputs)
        return self.infer(request)

    def infer(self, request: Any) -> Outcome:
        """Send an inference as it is.

        Raises:
            ProtocolError: the answer breaks a rule of the protocol.
        """
        answer = self.call("ModelInfer", request)
        if isinstance(answer, Outcome):
            return answer
        raw = list(answer.raw_output_contents)
        if raw and len(raw) != len(answer.outputs):
            raise ProtocolError("there are not as many raw contents as outputs")
        outputs = [
            from_raw(item.name, item.datatype, list(item.shape), raw[number])
            if raw
            else _typed(item)
            for number, item in enumerate(answer.outputs)
        ]
        if raw and any(item.HasField("contents") for item in answer.outputs):
            raise ProtocolError("an output has both raw and typed contents")
        return Outcome(OK, tuple(outputs), answer.id, answer.model_name, detail=answer)


def _typed(item: Any) -> Tensor:
    if item.datatype not in CONTENTS:
        raise ProtocolError(f"output {item.name!r} is {item.datatype} and not raw")
    values = list(getattr(item.contents, CONTENTS[item.datatype]))
    return Tensor.of(item.name, item.datatype, values, list(item.shape))

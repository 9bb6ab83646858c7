"""Hands libFuzzer's bytes to one decoder of the server, in a process of its own.

Usage: ``python decoder_targets.py TARGET,TARGET FOLDER [libFuzzer's options]``. One target after
the other, each with a corpus of its own in the folder. A decoder may give something or refuse in
its own words; every other exception ends the process with a status other than 0, as does memory
over libFuzzer's limit.
"""

import io
import json
import os
import sys
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["model_server"]):
    from model_server.core.errors import InvalidInput, ModelUnusable
    from model_server.core.onnx_file import Malformed, read_contents
    from model_server.core.rule_file import read_rules
    from model_server.core.tensors import Contract, TensorSpec
    from model_server.grpc_v2 import open_inference_pb2 as pb
    from model_server.grpc_v2.reading import read_infer as read_grpc
    from model_server.rest.codecs import (
        CsvCodec,
        JsonCodec,
        JsonLinesCodec,
        NpyCodec,
        NpzCodec,
        RawCodec,
    )
    from model_server.rest.codecs.json_fast import decode_quickly
    from model_server.rest.errors import NotAcceptable, UnsupportedMediaType
    from model_server.rest.exchange import negotiate
    from model_server.rest.media import parse_accept, parse_content_type
    from model_server.rest.oip.reader import read_infer

OUTPUTS = (TensorSpec("y", np.dtype(np.float32), ("batch", 3)),)
FLOATS = Contract((TensorSpec("x", np.dtype(np.float32), ("batch", 4)),), OUTPUTS)
WHOLE = Contract((TensorSpec("x", np.dtype(np.int8), ("batch", 2)),), OUTPUTS)
FREE = Contract((TensorSpec("x", np.dtype(np.float16), ("batch", "width")),), OUTPUTS)
BOOLEANS = Contract((TensorSpec("x", np.dtype(np.bool_), ("batch", 2)),), OUTPUTS)
PEOPLE = Contract(
    (
        TensorSpec("age", np.dtype(np.float32), ("batch", 1)),
        TensorSpec("job", np.dtype(np.object_), ("batch", 1)),
    ),
    OUTPUTS,
)

REFUSALS = (InvalidInput, UnsupportedMediaType, NotAcceptable)


def refused(call, *arguments):
    """Give what a decoder gives, or None where it refuses."""
    try:
        return call(*arguments)
    except REFUSALS:
        return None


def decode(codec, contract, body, media=None):
    if codec.refuses_inputs(contract) is not None:
        return None
    media = parse_content_type(codec.media_type) if media is None else media
    decoded = refused(codec.decode, body, contract, media, None)
    if decoded is not None:
        contract.problems(decoded.inputs)  # takes whatever a decoder lets through
    return decoded


def on_json(data):
    codec = JsonCodec()
    for contract in (FLOATS, WHOLE, FREE):
        quick = decode_quickly(data, contract)
        slow = decode(codec, contract, data)
        if quick is not None:
            assert slow is not None, "the quick way takes what the codec refuses"
            (expected,) = slow.inputs.values()
            assert quick.dtype == expected.dtype, "the two ways give different datatypes"
            assert quick.shape == expected.shape, "the two ways give different shapes"
            assert quick.tobytes() == expected.tobytes(), "the two ways give different numbers"
    decode(codec, PEOPLE, data)


def on_csv(data):
    for contract in (FLOATS, WHOLE, FREE):
        decode(CsvCodec(), contract, data)


def on_json_lines(data):
    for contract in (FLOATS, PEOPLE):
        decode(JsonLinesCodec(), contract, data)


def on_npy(data):
    for contract in (FLOATS, BOOLEANS):
        decode(NpyCodec(), contract, data)


def on_npz(data):
    for contract in (FLOATS, Contract((*FLOATS.inputs, *PEOPLE.inputs[:1]), OUTPUTS)):
        decode(NpzCodec(), contract, data)


def on_raw(data):
    # The first line is the Content-Type's parameters.
    parameters, _, body = data.partition(b"\n")
    media = refused(parse_content_type, f"application/octet-stream;{parameters.decode('latin-1')}")
    for contract in (FLOATS, FREE, BOOLEANS):
        decode(RawCodec(), contract, body)
        if media is not None:
            decode(RawCodec(), contract, body, media)


def on_oip(data):
    for contract in (FLOATS, WHOLE, FREE, PEOPLE, BOOLEANS):
        call = refused(read_infer, data, None, contract)
        if call is not None:
            contract.problems(call.inputs)


def on_oip_binary(data):
    # The first two bytes are the length that the caller announces.
    length, body = int.from_bytes(data[:2], "little"), data[2:]
    for contract in (FLOATS, FREE, PEOPLE, BOOLEANS):
        for _ in range(2):  # the second reading may come from what the first has remembered
            call = refused(read_infer, body, length, contract)
            if call is not None:
                contract.problems(call.inputs)


def on_media(data):
    text = data.decode("latin-1")
    refused(parse_content_type, text)
    refused(parse_accept, text)
    kind, _, accept = text.partition("\n")
    refused(negotiate, FLOATS, kind, None, accept)
    refused(negotiate, PEOPLE, "application/json", None, text)


def on_rules(data):
    for contract in (FLOATS, PEOPLE):
        try:
            read_rules(data, contract)
        except ModelUnusable:
            continue


def on_onnx(data):
    descriptor = os.memfd_create("model")
    try:
        os.write(descriptor, data)
        read_contents(descriptor, len(data))
    except Malformed:
        pass
    finally:
        os.close(descriptor)


def on_grpc(data):
    try:
        request = pb.ModelInferRequest.FromString(data)
    except Exception as error:
        # gRPC's own layer parses, and refuses what is no message.
        if type(error).__name__ != "DecodeError":
            raise
        return
    for contract in (FLOATS, WHOLE, FREE, PEOPLE, BOOLEANS):
        asked = refused(read_grpc, request, contract)
        if asked is not None:
            contract.problems(asked.inputs)


def array_file(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def archive(save, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def oip_document(**extra):
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", **extra}
    return json.dumps({"id": "1", "inputs": [tensor], "outputs": [{"name": "y"}]}).encode()


def onnx_model():
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    weights.external_data.add(key="location", value="weights.bin")
    node = helper.make_node("Identity", ["x"], ["x"])
    return helper.make_model(
        helper.make_graph([node], "g", [value], [value], [weights])
    ).SerializeToString()


def grpc_requests():
    typed = pb.ModelInferRequest(model_name="m")
    tensor = typed.inputs.add(name="x", datatype="FP32", shape=[1, 4])
    tensor.contents.fp32_contents.extend([1.0, 2.0, 3.0, 4.0])
    raw = pb.ModelInferRequest(model_name="m", raw_input_contents=[bytes(16)])
    raw.inputs.add(name="x", datatype="FP32", shape=[1, 4])
    people = pb.ModelInferRequest()
    people.inputs.add(name="job", datatype="BYTES", shape=[1, 1]).contents.bytes_contents.append(
        b"cook"
    )
    people.inputs.add(name="age", datatype="FP32", shape=[1, 1]).contents.fp32_contents.append(41.0)
    return [each.SerializeToString() for each in (typed, raw, people)]


def seeds(target):
    row = np.arange(4, dtype=np.float32).reshape(1, 4)
    binary = oip_document(parameters={"binary_data_size": 16})
    rules = {"version": 1, "max_rows": 9, "inputs": {"x": {"min": 0, "max": 1, "missing": "allow"}}}
    columns = [{"name": name, "categories": [1, 2]} for name in "abcd"]
    pattern = {"job": {"max_length": 40, "pattern": "[a-z]+( [a-z-]+)?"}}
    return {
        "json": [
            b'{"instances":[[1,2,3,4]]}',
            b'{"inputs":[[1.5,-2e3,0.1,1e-45],[1,2,3,4]]}',
            b'{"instances":[[1,2],[-128,127]]}',
            b'{"inputs":{"age":[[41.0]],"job":[["cook"]]}}',
            b'{"instances":[{"age":41.0,"job":"cook"},{"age":[null],"job":["\\u0000\\ud83d"]}]}',
        ],
        "csv": [b"1,2,3,4\n5,6,7,8\n", b"1,2\r\n-128,127", b"1e5,.5,-0,nan\n", b'"1",2,3,4'],
        "json_lines": [b"[1,2,3,4]\n[5,6,7,8]\n", b'{"age":[41.0],"job":["cook"]}\r\n'],
        "npy": [
            array_file(row),
            array_file(row.astype(">f8")),
            array_file(np.asfortranarray(row)),
            array_file(np.array([[True, False]])),
        ],
        "npz": [
            archive(np.savez, x=row),
            archive(np.savez_compressed, x=row, age=row[:, :1]),
        ],
        "raw": [
            b'datatype=FP32;shape="1,4"\n' + row.tobytes(),
            b'shape="1,2"\n' + bytes([0, 1]),
            b"\n" + row.tobytes(),
        ],
        "oip": [
            oip_document(data=[1, 2, 3, 4]),
            oip_document(data=[[1, 2, 3, 4]]),
            json.dumps(
                {
                    "inputs": [
                        {"name": "age", "shape": [1, 1], "datatype": "FP32", "data": [41.0]},
                        {"name": "job", "shape": [1, 1], "datatype": "BYTES", "data": ["cook"]},
                    ],
                    "parameters": {"binary_data_output": True},
                }
            ).encode(),
        ],
        "oip_binary": [len(binary).to_bytes(2, "little") + binary + row.tobytes()],
        "media": [
            b"application/json; charset=utf-8\ntext/csv;q=0.5, */*;q=0.1",
            b'application/octet-stream; datatype=FP32; shape="1,4"\napplication/x-npy; output=y',
            b"application/vnd.sagemaker-triton.binary+json;json-header-size=162\n",
        ],
        "rules": [
            json.dumps(rules).encode(),
            json.dumps({"version": 1, "inputs": {"x": {"columns": columns}}}).encode(),
            json.dumps({"version": 1, "inputs": pattern, "example": {"job": ["cook"]}}).encode(),
        ],
        "onnx": [onnx_model()],
        "grpc": grpc_requests(),
    }[target]


TARGETS = {
    "json": on_json,
    "csv": on_csv,
    "json_lines": on_json_lines,
    "npy": on_npy,
    "npz": on_npz,
    "raw": on_raw,
    "oip": on_oip,
    "oip_binary": on_oip_binary,
    "media": on_media,
    "rules": on_rules,
    "onnx": on_onnx,
    "grpc": on_grpc,
}


def fuzz(target, folder, options):
    corpus = folder / target
    corpus.mkdir()
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


def main():
    names, folder, *options = sys.argv[1:]
    for target in names.split(","):
        # A child each: the fuzzer ends its process, and importing takes longer than a short run.
        child = os.fork()
        if child == 0:
            fuzz(target, Path(folder), options)
            os._exit(70)  # the fuzzer does not come back
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 0:
            sys.exit(f"{target} ended with {status}")


if __name__ == "__main__":
    main()

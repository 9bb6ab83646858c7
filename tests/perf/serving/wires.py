"""The forms in which a request travels, and how an answer is read from each.

Takes rows and a model, gives headers and bytes; takes an answer's bytes, gives an array to compare
with onnxruntime's own. Must not open connections.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from models import Model

DATATYPES = {"float32": "FP32", "int64": "INT64"}
DTYPES = {name: dtype for dtype, name in DATATYPES.items()}
HEADER_LENGTH = "Inference-Header-Content-Length"

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Wire:
    """One form."""

    title: str
    path: str
    encode: Callable[[Model, np.ndarray], tuple[Headers, bytes]]
    """Rows of one request, (rows, width), to headers and body."""

    decode: Callable[[Headers, bytes], np.ndarray]
    """Headers (lower-case names) and body of an answer to the first output."""


def _json(document: Any) -> bytes:
    # orjson reads numpy arrays as they are: a cell of 32 rows has 25 million numbers.
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _instances(_: Model, rows: np.ndarray) -> tuple[Headers, bytes]:
    return {"Content-Type": "application/json"}, _json({"instances": rows})


def _predictions(_: Headers, body: bytes) -> np.ndarray:
    return np.array(json.loads(body)["predictions"], np.float32)


def _tensor(model: Model, rows: np.ndarray) -> dict[str, Any]:
    return {
        "name": model.input,
        "shape": list(rows.shape),
        "datatype": DATATYPES[model.dtype],
    }


def _v2(model: Model, rows: np.ndarray) -> tuple[Headers, bytes]:
    tensor = {**_tensor(model, rows), "data": rows.reshape(-1)}
    return {"Content-Type": "application/json"}, _json({"inputs": [tensor]})


def _v2_binary(model: Model, rows: np.ndarray) -> tuple[Headers, bytes]:
    raw = rows.astype(model.dtype).tobytes()
    head = _json(
        {
            "id": "1",
            "inputs": [{**_tensor(model, rows), "parameters": {"binary_data_size": len(raw)}}],
            "parameters": {"binary_data_output": True},
        }
    )
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return headers, head + raw


def _v2_answer(headers: Headers, body: bytes) -> np.ndarray:
    length = headers.get(HEADER_LENGTH.lower())
    head = json.loads(body if length is None else body[: int(length)])
    output = head["outputs"][0]
    dtype = DTYPES[output["datatype"]]
    if length is None:
        return np.array(output["data"], dtype).reshape(output["shape"])
    return np.frombuffer(body[int(length) :], dtype).reshape(output["shape"])


def _raw(model: Model, rows: np.ndarray) -> tuple[Headers, bytes]:
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/octet-stream"}
    return headers, rows.astype(model.dtype).tobytes()


def _raw_answer(_: Headers, body: bytes) -> np.ndarray:
    return np.frombuffer(body, np.float32)


V2 = "/v2/models/model/infer"
INVOCATIONS = "/invocations"

WIRES = {
    "instances": Wire("JSON rows", INVOCATIONS, _instances, _predictions),
    "v2-json": Wire("v2 JSON", V2, _v2, _v2_answer),
    "v2-binary": Wire("v2 binary tensors", V2, _v2_binary, _v2_answer),
    "raw": Wire("raw bytes", INVOCATIONS, _raw, _raw_answer),
}


def http_request(path: str, headers: Headers, body: bytes) -> bytes:
    """Give the bytes of one keep-alive request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def grpc_message(model: Model, rows: np.ndarray) -> dict[str, Any]:
    """Give a ModelInferRequest with raw contents, as JSON has it."""
    return {
        "model_name": "model",
        "inputs": [_tensor(model, rows)],
        "raw_input_contents": [b64encode(rows.astype(model.dtype).tobytes()).decode()],
    }

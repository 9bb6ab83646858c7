"""A model's outputs into the body of an inference answer.

Takes the call that was asked and its outputs, gives the body and, where it holds tensors as bytes,
the length of its JSON part. JSON tensors are flat, as Triton's, KServe's and MLServer's are.

JSON has no NaN and no infinity: such values are null, and the answer's parameter ``warnings`` says
where they were, in one text, for the protocol knows no lists in parameters. Bytes hold every bit.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from model_server.core.tensors import Array, Value
from model_server.rest.nested import brackets
from model_server.rest.oip.call import InferCall
from model_server.rest.oip.datatypes import NAMES, text_bytes

if TYPE_CHECKING:
    from model_server.core.model import Model

OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def write_infer(
    call: InferCall, outputs: Mapping[str, Value], model: "Model"
) -> tuple[bytes, int | None]:
    """Write an answer.

    Returns:
        The body, and the length of its JSON part in bytes; None: it is all JSON.
    """
    answer: dict[str, Any] = {"model_name": model.name}
    if model.version:
        answer["model_version"] = model.version
    if call.id is not None:
        answer["id"] = call.id
    items: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name in call.outputs:
        value = np.asarray(outputs[name])
        item: dict[str, Any] = {
            "name": name,
            "datatype": NAMES[value.dtype],
            "shape": value.shape,
        }
        if name in call.binary:
            data = text_bytes(value.flat) if value.dtype.kind == "O" else value.tobytes()
            item["parameters"] = {"binary_data_size": len(data)}
            parts.append(data)
        else:
            # Flat, in one piece, which is all that orjson takes; texts are no numpy to it.
            item["data"] = value.ravel().tolist() if value.dtype.kind == "O" else value.ravel()
        items.append(item)
    answer["outputs"] = items
    body = orjson.dumps(answer, option=OPTIONS)
    if b"null" in body:
        # Either a value that is not finite, or a text that looks like it.
        warnings = _warnings(call, outputs)
        if warnings:
            answer["parameters"] = {"warnings": warnings}
            body = orjson.dumps(answer, option=OPTIONS)
    if not parts:
        return body, None
    return b"".join((body, *parts)), len(body)


def _warnings(call: InferCall, outputs: Mapping[str, Value]) -> str:
    found = [
        _non_finite(name, np.asarray(outputs[name]))
        for name in call.outputs
        if name not in call.binary
    ]
    return "; ".join(text for text in found if text)


def _non_finite(name: str, value: Array) -> str:
    if value.dtype.kind != "f":
        return ""
    finite = np.isfinite(value)
    count = int(value.size - np.count_nonzero(finite))
    if not count:
        return ""
    first = tuple(int(number) for number in np.argwhere(~finite)[0])
    return (
        f"output {name!r} has {count} values that are NaN or infinite, the first at "
        f"{brackets(first) or '[]'}; they are null here and whole as binary data"
    )

"""A model's outputs into a ModelInfer response.

Takes what was asked and the outputs, gives the encoded message. Every bit of a value is kept, NaN
and infinity too.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.inference import Outputs
from model_server.core.tensors import Array
from model_server.grpc_v2.layout import varint
from model_server.grpc_v2.open_inference_pb2 import ModelInferResponse
from model_server.grpc_v2.reading import AS_BYTES, LISTS, Asked
from model_server.rest.oip.datatypes import NAMES, text_bytes

if TYPE_CHECKING:
    from model_server.core.model import Model


def write_infer(asked: Asked, outputs: Outputs, model: "Model", request_id: str) -> bytes:
    """Write an answer.

    Args:
        asked: what the request asked for.
        outputs: the model's values.
        model: that gave them.
        request_id: the request's own id; empty where it has none.
    """
    response = ModelInferResponse(model_name=model.name, model_version=model.version, id=request_id)
    for name in asked.outputs:
        value = np.asarray(outputs[name])
        datatype = NAMES[value.dtype]
        item = response.outputs.add(name=name, datatype=datatype, shape=value.shape)
        if not asked.raw:
            _list(item.contents, datatype, value)
        elif datatype == "BYTES":
            response.raw_output_contents.append(text_bytes(value.flat))
        else:
            response.raw_output_contents.append(value.tobytes())
    return response.SerializeToString()


def _list(contents: Any, datatype: str, value: Array) -> None:
    """Fill the typed list of a datatype."""
    field, tag = LISTS[datatype]
    if datatype in AS_BYTES:
        # As they are encoded anyway; numbers need not become Python objects for it.
        data = value.tobytes()
        contents.MergeFromString(b"".join((bytes((tag,)), varint(len(data)), data)))
    elif datatype == "BYTES":
        contents.bytes_contents.extend([text.encode() for text in value.flat])
    else:
        getattr(contents, field).extend(value.ravel().tolist())

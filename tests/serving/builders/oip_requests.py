"""Requests of the inference protocol, made of few words, and how the reader takes them.

Used by tests of several modules: their tables need these while they are imported.
"""

import json

import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.oip.reader import read_infer


def tensor(name="x", shape=(1, 4), datatype="FP32", **rest):
    return {"name": name, "shape": list(shape), "datatype": datatype} | rest


def binary(shape, datatype, size, name="x"):
    return tensor(name, shape, datatype, parameters={"binary_data_size": size})


GOOD = tensor(data=[1, 2, 3, 4])


def ask(*inputs, **rest):
    return {"inputs": list(inputs)} | rest


def read(document, contract, data=None):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    if data is None:
        return read_infer(text, None, contract)
    return read_infer(text + data, len(text), contract)


def problems(document, contract, data=None):
    with pytest.raises(InvalidInput) as caught:
        read(document, contract, data)
    return caught.value.problems

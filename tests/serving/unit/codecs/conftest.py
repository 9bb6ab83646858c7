"""Formats in process: contracts made of a few words, and no model."""

from types import SimpleNamespace

import numpy as np
import pytest

from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.media import parse_content_type


def spec(text):
    """Make `x float32 batch,4` a tensor; `map` has no datatype."""
    name, datatype, *axes = text.split(" ")
    lengths = axes[0].split(",") if axes else []
    shape = tuple(int(axis) if axis.isdigit() else axis for axis in lengths)
    dtype = None if datatype == "map" else np.dtype("O" if datatype == "string" else datatype)
    return TensorSpec(name, dtype, shape)


@pytest.fixture
def contract():
    def make(*inputs, outputs=("y float32 batch,3",)):
        return Contract(tuple(map(spec, inputs)), tuple(map(spec, outputs)))

    return make


@pytest.fixture
def decode():
    def run(codec, body, contract, content_type=None):
        media = parse_content_type(content_type or codec.media_type)
        return codec.decode(body, contract, media, None).inputs

    return run


@pytest.fixture
def model():
    return SimpleNamespace(name="m", version="1", rules=None)

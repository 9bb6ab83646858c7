"""One module for each format: how a body becomes tensors and tensors become a body.

JSON carries everything. The others carry what they can hold, and say so before a model runs.
"""

from model_server.rest.codecs.binary_tensors import BinaryTensorsCodec
from model_server.rest.codecs.codec import Codec, Decoded, DescribingCodec, Format
from model_server.rest.codecs.csv_rows import CsvCodec
from model_server.rest.codecs.json_lines import JsonLinesCodec
from model_server.rest.codecs.json_tensors import JsonCodec
from model_server.rest.codecs.npy import NpyCodec
from model_server.rest.codecs.npz import NpzCodec
from model_server.rest.codecs.raw import RawCodec

CODECS: tuple[Format, ...] = (
    JsonCodec(),
    CsvCodec(),
    JsonLinesCodec("application/jsonlines"),
    JsonLinesCodec("application/x-ndjson"),
    JsonLinesCodec("application/x-jsonlines"),
    NpyCodec(),
    NpzCodec(),
    RawCodec(),
    BinaryTensorsCodec(),
)
"""Every format, the one that carries everything first."""

__all__ = [
    "CODECS",
    "BinaryTensorsCodec",
    "Codec",
    "CsvCodec",
    "Decoded",
    "DescribingCodec",
    "Format",
    "JsonCodec",
    "JsonLinesCodec",
    "NpyCodec",
    "NpzCodec",
    "RawCodec",
]

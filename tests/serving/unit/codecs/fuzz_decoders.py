"""Coverage-guided fuzzing of one decoder with atheris, for as long as wanted.

::

    python tests/serving/unit/codecs/fuzz_decoders.py oip_binary -max_total_time=600

Anything but an answer or one of the server's own errors is a finding, and so is a resident size
over 1 GB. `TARGETS` has the names; everything behind them goes to libFuzzer. `test_fuzz` runs the
same targets on damaged good bodies for a moment.
"""

import contextlib
import io
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[4] / "serving_image"))

# Only this server's own modules are instrumented: all of numpy would take a minute.
if __name__ == "__main__":
    import atheris

    _instrumented = atheris.instrument_imports(include=["model_server"])
else:
    _instrumented = contextlib.nullcontext()

with _instrumented:
    from model_server.core.errors import ModelServerError
    from model_server.core.tensors import Contract, TensorSpec
    from model_server.rest.codecs import (
        CsvCodec,
        JsonCodec,
        JsonLinesCodec,
        NpyCodec,
        NpzCodec,
        RawCodec,
    )
    from model_server.rest.codecs.json_fast import decode_quickly
    from model_server.rest.media import MediaType, parse_accept, parse_content_type
    from model_server.rest.oip.reader import json_length, read_infer

ONE = Contract((TensorSpec("x", np.dtype("f4"), ("batch", 2)),), ())
MANY = Contract(
    (
        TensorSpec("x", np.dtype("f4"), ("batch", 2)),
        TensorSpec("k", np.dtype("i8"), ("batch",)),
        TensorSpec("s", np.dtype("O"), ("batch",)),
        TensorSpec("b", np.dtype("?"), ("batch",)),
    ),
    (TensorSpec("y", np.dtype("f4"), ("batch",)),),
)
PAIR = Contract(MANY.inputs[:2], MANY.outputs)


def saved(save, *arrays, **named):
    out = io.BytesIO()
    save(out, *arrays, **named)
    return out.getvalue()


def _codec(codec, contract):
    media = MediaType(codec.media_type)
    return lambda data: codec.decode(data, contract, media, None)


def _oip(contract):
    return lambda data: read_infer(data, None, contract)


def _oip_binary(data):
    """The first two bytes are the length of the JSON part."""
    return read_infer(data[2:], int.from_bytes(data[:2], "little"), MANY)


def _raw(data):
    """What stands before a NUL is the shape that the Content-Type says."""
    said, _, body = data.partition(b"\0")
    media = parse_content_type(f'application/octet-stream; shape="{said.decode("latin-1")}"')
    return RawCodec().decode(body, ONE, media, None)


def _headers(data):
    text = data.decode("latin-1")
    parse_accept(text)
    parse_content_type(text)
    return json_length(text if text.isdigit() else None, "header")


def _quick(data):
    """The quick way, where it takes a body, and the slow way agree."""
    array = decode_quickly(data, ONE)
    slow = JsonCodec().decode(data, ONE, MediaType("application/json"), None).inputs["x"]
    assert array is None or array.tobytes() == slow.tobytes()


OIP = (
    b'{"id":"1","inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2.5,3,4]},'
    b'{"name":"k","shape":[2],"datatype":"INT64","data":[7,8]}],"outputs":[{"name":"y",'
    b'"parameters":{"binary_data":true}}],"parameters":{"a":1}}'
)
HEAD = (
    b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},'
    b'{"name":"s","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}},'
    b'{"name":"b","shape":[1],"datatype":"BOOL","parameters":{"binary_data_size":1}},'
    b'{"name":"k","shape":[1],"datatype":"INT64","data":[5]}]}'
)
BEHIND = bytes(8) + b"\x02\0\0\0ab" + b"\x01"
ROWS = np.ones((2, 2), np.float32)

TARGETS = {
    "oip_json": (_oip(PAIR), OIP),
    "oip_json_all": (_oip(MANY), OIP),
    "oip_binary": (_oip_binary, len(HEAD).to_bytes(2, "little") + HEAD + BEHIND),
    "json": (_codec(JsonCodec(), MANY), b'{"instances":[{"x":[1,2],"k":3,"s":"a","b":true}]}'),
    "json_quick": (_quick, b'{"instances":[[1,2],[3.5,4]]}'),
    "json_lines": (_codec(JsonLinesCodec(), ONE), b"[1,2]\n[3,4]\n"),
    "csv": (_codec(CsvCodec(), ONE), b"1,2\n3,4.5\n"),
    "npy": (_codec(NpyCodec(), ONE), saved(np.save, ROWS)),
    "npz": (_codec(NpzCodec(), PAIR), saved(np.savez_compressed, x=ROWS, k=np.array([1, 2]))),
    "raw": (_raw, b"2,2\0" + bytes(16)),
    "headers": (_headers, b'application/x-npy; output="y"; q=0.5'),
}
"""What takes bytes, and bytes that it takes."""


def run(target, data):
    """Decode; gives whether the bytes were taken."""
    try:
        target(data)
    except ModelServerError:
        return False
    return True


if __name__ == "__main__":
    import tempfile

    chosen, good = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus:
        (Path(corpus) / "good").write_bytes(good)
        options = [sys.argv[0], corpus, "-rss_limit_mb=1024", "-max_len=4096", *sys.argv[2:]]
        atheris.Setup(options, lambda data: run(chosen, data))
        atheris.Fuzz()

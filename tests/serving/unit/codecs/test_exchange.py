import numpy as np
import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.codecs import Decoded
from model_server.rest.errors import NotAcceptable, UnsupportedMediaType
from model_server.rest.exchange import MAX_EXCHANGES, _exchanges, negotiate

BINARY = "application/vnd.sagemaker-triton.binary+json"
FORMATS = [
    "application/json",
    "text/csv",
    "application/jsonlines",
    "application/x-ndjson",
    "application/x-jsonlines",
    "application/x-npy",
    "application/x-npz",
    "application/octet-stream",
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("accept", [None, "*/*", "image/png, */*;q=0.5"])
def test_an_answer_is_in_the_requests_own_format(contract, name, accept):
    exchange = negotiate(contract("x float32 batch,4"), name, None, accept)

    assert exchange.reader.media_type == exchange.writer.media_type == name


@pytest.mark.parametrize("asked", FORMATS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_answered_in_every_other(contract, name, asked):
    exchange = negotiate(contract("x float32 batch,4"), name, None, asked)

    assert exchange.writer.media_type == asked


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("application/octet-stream", "application/json"),
        ("application/x-npy", "application/json"),
        ("application/x-npz", "application/x-npz"),
        ("application/jsonlines", "application/jsonlines"),
    ],
)
def test_what_cannot_carry_several_outputs_is_answered_in_json(contract, name, answered):
    two = contract("x float32 batch,4", outputs=("a int64 batch", "b float32 batch,3"))

    assert negotiate(two, name, None, None).writer.media_type == answered


def test_accept_chooses_one_output_for_raw_bytes(contract, model):
    two = contract("x float32 batch,4", outputs=("a int64 batch", "b float32 batch,3"))

    exchange = negotiate(two, "application/json", None, "application/octet-stream; output=b")
    decoded = Decoded({"x": np.zeros((1, 4), np.float32)})
    body, content_type = exchange.encode({"b": np.zeros((1, 3), np.float32)}, decoded, model)

    assert exchange.wanted(decoded) == ("b",)
    assert body == bytes(12)
    assert content_type == b'application/octet-stream; datatype=FP32; shape="1,3"'


def test_a_plain_format_has_its_name_as_content_type(contract, model):
    exchange = negotiate(contract("x float32 batch,4"), "application/x-ndjson", None, None)
    decoded = exchange.decode(b"[1,2,3,4]\n", model)

    answer = exchange.encode({"y": np.array([[1, 2, 3]])}, decoded, model)

    assert answer == (b"[1,2,3]\n", b"application/x-ndjson")


def test_an_unknown_format_is_refused_with_those_there_are(contract):
    with pytest.raises(UnsupportedMediaType) as caught:
        negotiate(contract("x float32 batch,4"), "application/x-pickle", None, None)

    assert caught.value.status == 415
    assert all(name in caught.value.message for name in FORMATS)


def test_the_binary_extension_answers_nobody_else(contract):
    with pytest.raises(NotAcceptable):
        negotiate(contract("x float32 batch,4"), "application/json", None, BINARY)


def test_a_format_that_cannot_carry_the_inputs_is_refused_with_the_reason(contract):
    with pytest.raises(UnsupportedMediaType, match="this model takes 'x'"):
        negotiate(contract("x string batch"), "application/octet-stream", None, None)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_compressed_bodies_are_refused(contract, encoding):
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding"):
        negotiate(contract("x float32 batch,4"), "application/json", encoding, None)


def test_an_exchange_is_remembered_for_the_contract_it_was_made_for(contract):
    one, other = contract("x float32 batch,4"), contract("x float32 batch,4")

    first = negotiate(one, "text/csv", None, None)

    assert negotiate(one, "text/csv", None, None) is first
    assert negotiate(other, "text/csv", None, None) is not first


def test_what_is_remembered_is_bounded(contract):
    one = contract("x float32 batch,4")

    for number in range(3 * MAX_EXCHANGES):
        negotiate(one, "text/csv", None, f"text/csv; note={number}")

    assert len(_exchanges) <= MAX_EXCHANGES


@pytest.mark.parametrize(
    "content_type",
    [
        f"additional-string-{BINARY};json-header-size=10",
        f"{BINARY}-more;json-header-size=10",
        "application/json;json-header-size=10",
        "application/octet-stream2;json-header-size=10",
    ],
)
def test_a_misspelt_binary_content_type_is_a_bad_request(contract, content_type):
    one = contract("x float32 batch,4")
    if content_type.startswith("application/json"):
        # A parameter that a known format does not have means nothing (RFC 9110 8.3.1).
        assert negotiate(one, content_type, None, None).reader.media_type == "application/json"
        return

    with pytest.raises(InvalidInput) as caught:
        negotiate(one, content_type, None, None)

    assert not isinstance(caught.value, UnsupportedMediaType)

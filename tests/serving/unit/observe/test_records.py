"""How a prediction is written: every line is JSON by itself, and says what was asked."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_server.observe.records import Bodies, Lines, kind_of
from model_server.observe.redaction import Redactor


def line_of(record, max_record_bytes=1_000_000, redactor=None, lines=None):
    line = (lines or Lines(Bodies(max_record_bytes, redactor))).line(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    return json.loads(line)


def test_a_line_holds_who_asked_what_and_what_was_answered(record):
    seen = line_of(record(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"))

    assert seen == {
        "time": "2026-11-25T03:00:00.123456Z",
        "id": "r-1",
        "latency_ms": 1.234,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "model": "fraud",
        "version": "3",
        "digest": "sha256:ab",
        "protocol": "rest",
        "status": 200,
        "caller": "scoring",
        "request_type": "application/json",
        "request_encoding": "json",
        "response_type": "application/json",
        "response_encoding": "json",
        "request": {"instances": [[1]]},
        "response": {"predictions": [0.5]},
    }


def test_the_second_line_of_a_kind_is_made_like_the_first(record):
    lines = Lines(Bodies(1_000_000))

    first = line_of(record(), lines=lines)
    second = line_of(record(id="r-2"), lines=lines)

    assert second == first | {"id": "r-2"}


def test_the_time_of_the_next_second_is_not_that_of_the_last(record):
    lines = Lines(Bodies(1_000_000))

    line_of(record(), lines=lines)
    seen = line_of(record(time=1_795_575_601.5), lines=lines)

    assert seen["time"] == "2026-11-25T03:00:01.500000Z"


def test_a_slow_request_keeps_its_seconds(record):
    assert line_of(record(seconds=58.0007))["latency_ms"] == 58000.7


@pytest.mark.parametrize("again", [False, True])
def test_json_over_several_lines_becomes_one(record, again):
    lines = Lines(Bodies(1_000_000))
    body = b'{\r\n "instances": [\n  [1, 2]\n ]\n}\n'
    if again:
        lines.line(record())

    seen = line_of(record(body), lines=lines)

    assert seen["request"] == {"instances": [[1, 2]]}
    assert seen["request_encoding"] == "json"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from([None, 1, 4, "\t"]),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is a function
def test_any_json_comes_back_as_it_was(record, value, indent, ascii_only):
    body = json.dumps({"instances": value}, indent=indent, ensure_ascii=ascii_only).encode()
    lines = Lines(Bodies(1_000_000))
    lines.line(record())

    line = lines.line(record(body, body))

    assert line.count(b"\n") == 1
    seen = json.loads(line)
    assert seen["request_encoding"] == "json"
    assert seen["request"] == seen["response"] == {"instances": value}


def test_an_id_with_quotes_does_not_break_its_line(record):
    assert line_of(record(id='a"b\\c'))["id"] == 'a"b\\c'


def test_bytes_are_written_as_base64(record):
    seen = line_of(record(b"\x93NUMPY\n", request_type="application/x-npy"))

    assert seen["request_encoding"] == "base64"
    assert base64.b64decode(seen["request"]) == b"\x93NUMPY\n"
    assert seen["response"] == {"predictions": [0.5]}


@given(first=st.binary(min_size=1, max_size=40), second=st.binary(min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_second_line_of_bytes_is_made_like_the_first(record, first, second):
    lines = Lines(Bodies(4096))
    types = {"request_type": "application/x-npy", "response_type": "application/x-npy"}

    line_of(record(b"another", b"one", **types), lines=lines)
    seen = line_of(record(first, second, **types), lines=lines)

    assert seen == line_of(record(first, second, **types))
    assert base64.b64decode(seen["request"]) == first
    assert base64.b64decode(seen["response"]) == second


@pytest.mark.parametrize("size", range(1128, 1160))
def test_a_second_line_of_bytes_is_cut_where_a_first_one_would_be(record, size):
    lines = Lines(Bodies(4096))
    types = {"request_type": "x/y", "response_type": "x/y"}
    line_of(record(b"another", b"one", **types), lines=lines)
    long = record(b"\x00" * size, b"\x01" * 1152, **types)

    seen = lines.line(long)

    assert seen == Lines(Bodies(4096)).line(long)
    assert len(seen) <= 4096


def test_bytes_without_an_answer_are_written_after_some_with_one(record):
    lines = Lines(Bodies(4096))
    types = {"request_type": "x/y", "response_type": "x/y"}
    line_of(record(b"one", b"two", **types), lines=lines)

    seen = line_of(record(b"one", None, **types), lines=lines)

    assert (seen["request"], seen["response"], seen["response_encoding"]) == ("b25l", None, "none")


def test_csv_is_written_as_text(record):
    seen = line_of(record(b'1,"a\n"\n', request_type="text/csv; charset=utf-8"))

    assert seen["request_encoding"] == "text"
    assert seen["request"] == '1,"a\n"\n'


def test_csv_in_another_charset_is_written_as_base64(record):
    seen = line_of(record(b"\xff", request_type="text/csv"))

    assert seen["request_encoding"] == "base64"
    assert base64.b64decode(seen["request"]) == b"\xff"


@pytest.mark.parametrize("body", [b'{"instances": [}', b"{]", b"[1,2}", b'{"a":1}{"b":2}'])
def test_a_refused_body_that_is_no_json_is_not_taken_for_json(record, body):
    lines = Lines(Bodies(1_000_000))
    lines.line(record())

    seen = line_of(record(body, b'{"error":"no"}', status=400), lines=lines)

    assert seen["request_encoding"] == "text"
    assert seen["request"] == body.decode()
    assert seen["response"] == {"error": "no"}


def test_a_refused_body_is_looked_at_also_when_others_of_its_kind_were_json(record):
    lines = Lines(Bodies(1_000_000))
    refused = {"response": b'{"error":"no"}', "status": 400}
    for _ in range(2):
        line_of(record(b'{"a": 1}', **refused), lines=lines)

    seen = line_of(record(b"{a: 1}", **refused), lines=lines)

    assert (seen["request_encoding"], seen["request"]) == ("text", "{a: 1}")


def test_an_accepted_body_that_does_not_look_like_json_is_looked_at(record):
    lines = Lines(Bodies(1_000_000))
    lines.line(record())

    assert line_of(record(b"nonsense"), lines=lines)["request"] == "nonsense"
    assert line_of(record(b' {"a":1}'), lines=lines)["request"] == {"a": 1}


def test_no_body_is_null(record):
    seen = line_of(record(None, b""))

    assert (seen["request"], seen["request_encoding"]) == (None, "none")
    assert (seen["response"], seen["response_encoding"]) == (None, "none")


def test_a_long_body_is_cut_and_marked(record):
    body = json.dumps({"instances": [[1.5] * 5000]}).encode()

    line = Lines(Bodies(4096)).line(record(body))

    assert 3000 < len(line) <= 4096
    seen = json.loads(line)
    assert seen["request_encoding"] == "text"
    assert body.startswith(seen["request"].encode())
    assert seen["request_bytes"] == len(body)
    assert seen["response"] == {"predictions": [0.5]}
    assert "response_bytes" not in seen


def test_a_long_body_is_cut_also_when_shorter_ones_went_before(record):
    lines = Lines(Bodies(4096))
    lines.line(record())

    line = lines.line(record(json.dumps([1.5] * 5000).encode()))

    assert len(line) <= 4096
    assert json.loads(line)["request_bytes"] == 25000


def test_two_long_bodies_share_the_room(record):
    line = Lines(Bodies(4096)).line(
        record(b"\x00" * 50_000, b"\x01" * 60_000, request_type="x/y", response_type="x/y")
    )

    assert len(line) <= 4096
    seen = json.loads(line)
    assert len(seen["request"]) == len(seen["response"]) == 1532
    assert base64.b64decode(seen["request"]) == b"\x00" * 1149
    assert (seen["request_bytes"], seen["response_bytes"]) == (50_000, 60_000)


@pytest.mark.parametrize("text", ['"' * 9000, "\x01" * 9000, "\u00e9" * 9000, "\U0001f600" * 9000])
def test_a_cut_never_breaks_a_character_nor_the_limit(record, text):
    line = Lines(Bodies(4096)).line(record(text.encode(), request_type="text/plain"))

    assert len(line) <= 4096
    seen = json.loads(line)
    assert text.startswith(seen["request"])
    assert len(seen["request"]) > 300


def test_with_redaction_a_body_that_would_be_cut_is_left_out(record):
    body = json.dumps({"instances": [[1.5] * 5000]}).encode()

    seen = line_of(record(body), 4096, Redactor(["secret"]))

    assert seen["request"] is None
    assert seen["request_encoding"] == "withheld"
    assert seen["request_bytes"] == len(body)


def test_with_redaction_nothing_is_spliced_in(record):
    lines = Lines(Bodies(1_000_000, Redactor(["age"])))
    lines.line(record(b'{"instances":[{"age":40}]}'))

    seen = line_of(record(b'{"instances":[{"age":41}]}'), lines=lines)

    assert seen["request"] == {"instances": [{"age": "[redacted]"}]}


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/json", "json"),
        ("Application/JSON; charset=utf-8", "json"),
        ("application/problem+json", "json"),
        ("application/jsonlines", "text"),
        ("text/csv", "text"),
        ("application/octet-stream", "base64"),
        (
            "application/vnd.sagemaker-triton.binary+json;json-header-size=9",
            "base64",
        ),
        ("", "base64"),
    ],
)
def test_a_media_type_says_how_a_body_is_written(media_type, kind):
    assert kind_of(media_type) == kind

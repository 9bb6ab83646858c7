"""What is to be redacted is nowhere in a record, whatever form it came in."""

import json

import pytest

from model_server.observe.redaction import Redactor

TABLE = {"x": ("age", "income", "city")}
TWO = {"age": (), "income": ()}


def redacted(names, value, columns, kind="json"):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = Redactor(names).redact(body, kind, columns)
    return None if found is None else json.loads(found)


R = "[redacted]"


@pytest.mark.parametrize(
    ("names", "value", "columns", "expected"),
    [
        # Rows by name.
        (["age"], {"instances": [{"age": 41, "b": 1}]}, TWO, {"instances": [{"age": R, "b": 1}]}),
        (["age"], [{"age": [41]}], TWO, [{"age": R}]),
        # A member at any depth.
        (["ssn"], {"a": {"b": [{"ssn": {"c": 1}}]}}, {}, {"a": {"b": [{"ssn": R}]}}),
        (["id"], {"id": "r-1", "inputs": []}, TWO, {"id": R, "inputs": R}),
        # Tensors by name.
        (
            ["age"],
            {"inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": [41]}]},
            TWO,
            {"inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": R}]},
        ),
        (["age"], {"inputs": {"age": [4], "income": [1]}}, TWO,
         {"inputs": {"age": R, "income": [1]}}),
        # The only input, without names.
        (["x"], {"instances": [[41, 3, 4]]}, TABLE, {"instances": R}),
        (["x"], {"inputs": [[41, 3, 4]]}, TABLE, {"inputs": R}),
        (["x"], [[41, 3, 4]], TABLE, R),
        # Columns of it.
        (["income"], {"instances": [[41, 3, 4], [5, 6, 7]]}, TABLE,
         {"instances": [[41, R, 4], [5, R, 7]]}),
        (["x.city"], {"instances": [[41, 3, 4]]}, TABLE, {"instances": [[41, 3, R]]}),
        (["x.city"], {"instances": [{"city": 1, "age": 2}]}, TABLE,
         {"instances": [{"city": R, "age": 2}]}),
        (["x.city"], {"instances": [{"x": [1, 2, 3]}]}, TABLE, {"instances": [{"x": [1, 2, R]}]}),
        (["age"], {"x": [1, 2, 3]}, TABLE, {"x": [R, 2, 3]}),
        (["y.city"], {"instances": [[41, 3, 4]]}, TABLE, {"instances": [[41, 3, 4]]}),
        (
            ["age"],
            {"inputs": [{"name": "x", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}]},
            TABLE,
            {"inputs": [{"name": "x", "shape": [2, 3], "data": [R, 2, 3, R, 5, 6]}]},
        ),
        (
            ["age"],
            {"inputs": [{"name": "x", "shape": [2, 3], "data": [[1, 2, 3], [4, 5, 6]]}]},
            TABLE,
            {"inputs": [{"name": "x", "shape": [2, 3], "data": [[R, 2, 3], [R, 5, 6]]}]},
        ),
        # Where columns cannot be told apart, all of it.
        (["age"], {"instances": [[41, 3]]}, TABLE, {"instances": [R]}),
        (["age"], {"instances": [41, [1, 2, 3]]}, TABLE, {"instances": [R, [R, 2, 3]]}),
        (["age"], {"instances": [{"x": 41}]}, TABLE, {"instances": [{"x": R}]}),
        (["age"], {"inputs": [{"name": "x", "shape": [2, 2], "data": [1, 2, 3, 4]}]}, TABLE,
         {"inputs": [{"name": "x", "shape": [2, 2], "data": R}]}),
        (["age"], {"instances": [[41, 3]]}, TWO, {"instances": R}),
        (["age"], {"instances": [{"a": 1}, [41]]}, TWO, {"instances": [{"a": 1}, R]}),
        # What is not named stays.
        (["zip"], {"instances": [[1, 2, 3]]}, TABLE, {"instances": [[1, 2, 3]]}),
        (["zip"], {"predictions": [0.5]}, {"y": ()}, {"predictions": [0.5]}),
        (["y"], {"predictions": [0.5]}, {"y": ()}, {"predictions": R}),
        (["y"], {"outputs": [{"name": "y", "data": [0.5]}]}, {"y": ()},
         {"outputs": [{"name": "y", "data": R}]}),
    ],
)  # fmt: skip
def test_a_field_is_found_in_every_form_of_body(names, value, columns, expected):
    assert redacted(names, value, columns) == expected


def test_json_lines_are_redacted_line_by_line():
    found = Redactor(["age"]).redact(b'{"age": 1, "b": 2}\r\n\n{"age": 3}\n', "text", TWO)

    assert found == b'{"age":"[redacted]","b":2}\n{"age":"[redacted]"}'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\x93NUMPY", "base64"),
        (b"{broken", "json"),
        (b"41,Paris\n", "text"),
        (b"41\n42\n", "text"),
        (b"[" * 100_000 + b"]" * 100_000, "json"),
    ],
)
def test_what_cannot_be_redacted_for_sure_is_withheld(body, kind):
    assert Redactor(["age"]).redact(body, kind, TWO) is None


def test_names_that_fit_nothing_are_told():
    redactor = Redactor(["age", "x.city", "x", "incme", "z.age"])

    assert redactor.unmatched(TABLE) == ["incme", "z.age"]

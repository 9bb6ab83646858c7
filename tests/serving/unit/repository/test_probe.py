"""Made-up rows for the proof that requests may be joined: they keep to the model's rules."""

import numpy as np
import pytest
from onnx import TensorProto as T

from model_server.core import probe
from model_server.core.model import load_model


@pytest.fixture
def rules():
    from model_server.core.field_rule import FieldRule, Limit
    from model_server.core.rules import InputRules, TensorRules

    def make(contract, name, *limits, example=None, **more):
        spec = contract.input(name)
        fields = [
            FieldRule(
                name,
                spec.dtype,
                minimum=None if low is None else Limit(low),
                maximum=None if high is None else Limit(high),
                **more,
            )
            for low, high in limits
        ]
        columns = [str(number) for number in range(len(fields))] if len(fields) > 1 else []
        return InputRules([TensorRules(spec, fields, columns)], example=example)

    return make


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        (T.FLOAT, (0.5, 0.75)),
        (T.FLOAT, (1000, None)),
        (T.FLOAT, (None, -1000)),
        (T.DOUBLE, (-1.7e308, 1.7e308)),
        (T.INT64, (5, 7)),
        (T.INT64, (None, -(2**63) + 5)),
        (T.UINT8, (250, None)),
        (T.UINT64, (2**63, 2**64 - 1)),
        (T.UINT64, (None, 3)),
    ],
)
def test_made_up_rows_keep_to_the_ranges_of_the_rules(save, graph, rules, kind, limits):
    shape = ["batch", 3]
    model = load_model(
        save(graph([("x", kind, shape)], [("Identity", ["x"], ["y"])], [("y", kind, shape)])), 1
    )
    made = rules(model.contract, "x", limits)

    rows = probe.random_rows(model.contract, made, 100, 1)

    assert made.problems(rows) == []
    assert len({row.tobytes() for row in rows["x"]}) > 1


def test_each_column_has_a_range_of_its_own(save, linear_model, rules):
    model = load_model(save(linear_model()), 1)
    made = rules(model.contract, "x", (0, 1), (10, 11), (None, None), (-5, -4))

    rows = probe.random_rows(model.contract, made, 100, 1)

    assert made.problems(rows) == []


def test_texts_are_chosen_from_the_categories(save, graph, rules):
    shape = ["batch", 1]
    nodes = [("LabelEncoder", ["x"], ["y"], ENCODER)]
    model = load_model(save(graph([("x", T.STRING, shape)], nodes, [("y", T.INT64, shape)])), 1)
    colours = ("red", "green", "blue")
    model.rules = rules(model.contract, "x", (None, None), categories=colours)

    model.warm_up()

    assert model.batches


ENCODER = {
    "domain": "ai.onnx.ml",
    "keys_strings": ["red", "green", "blue"],
    "values_int64s": [1, 2, 3],
}


def test_a_model_that_fails_on_zeros_is_warmed_with_the_example_of_its_rules(save, graph, rules):
    table = ("table", np.arange(10, dtype=np.float32))
    nodes = [("Sub", ["x", "offset"], ["i"]), ("Gather", ["table", "i"], ["y"])]
    shape = ["batch", 1]
    offset = ("offset", np.array(500))
    made = graph([("x", T.INT64, shape)], nodes, [("y", T.FLOAT, shape)], table, offset)
    model = load_model(save(made), 1)
    model.rules = rules(model.contract, "x", (500, 509), example={"x": [505]})

    model.warm_up()

    assert model.batches

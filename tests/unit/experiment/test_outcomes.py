"""Outcomes by inference id."""

import pytest

from modelway.errors import ExperimentError
from modelway.experiment.outcomes import read_outcomes


def test_json_lines_are_read_by_any_of_the_names_of_an_id(lines):
    outcomes = read_outcomes(
        lines(
            '{"inferenceId": "a", "outcome": 1}',
            '{"inference_id": "b", "value": 2.5}',
            '{"eventId": "c", "outcome": true}',
            '{"id": 7, "outcome": "0"}',
        )
    )

    assert outcomes.values == {"a": 1.0, "b": 2.5, "c": 1.0, "7": 0.0}


def test_model_monitors_ground_truth_is_read(lines):
    outcomes = read_outcomes(
        lines(
            '{"groundTruthData": {"data": "1", "encoding": "CSV"}, '
            '"eventMetadata": {"eventId": "aaaa-bbbb-cccc"}, "eventVersion": "0"}'
        )
    )

    assert outcomes.values == {"aaaa-bbbb-cccc": 1.0}


def test_csv_is_read_by_its_header(lines):
    outcomes = read_outcomes(
        lines("\ufeffinference_id, outcome,note", 'a,1,"two', 'lines"', "b,false,", path="o.csv")
    )

    assert outcomes.values == {"a": 1.0, "b": 0.0}


def test_the_field_with_the_value_can_be_named(lines):
    outcomes = read_outcomes(lines("id,outcome,revenue", "a,1,9.5", path="o.csv"), "revenue")

    assert outcomes.values == {"a": 9.5}


def test_a_column_that_is_missing_is_named_with_those_that_are_there(lines):
    with pytest.raises(ExperimentError) as refused:
        read_outcomes(lines("id,revenue", "a,9.5", path="o.csv"))

    assert "o.csv: no column holds the outcome; the columns are id, revenue" in str(refused.value)
    assert "--outcome-field" in str(refused.value)


def test_the_same_outcome_twice_is_one_and_two_different_ones_are_none(lines):
    outcomes = read_outcomes(
        lines(
            '{"id": "a", "outcome": 1}',
            '{"id": "a", "outcome": 1}',
            '{"id": "b", "outcome": 1}',
            '{"id": "b", "outcome": 0}',
            '{"id": "b", "outcome": 0}',
        )
    )

    assert outcomes.values == {"a": 1.0}
    assert outcomes.contradicting == {"b"}


def test_what_is_no_outcome_is_counted(lines):
    outcomes = read_outcomes(
        lines(
            '{"id": "a", "outcome": NaN}',
            '{"id": "b"}',
            '{"outcome": 1}',
            "torn",
            '{"id": "c", "outcome": "maybe"}',
        )
    )

    assert outcomes.values == {}
    assert outcomes.not_finite == 1
    assert (outcomes.unreadable.count, outcomes.unreadable.first) == (4, "captured.jsonl:2")


def test_a_quote_that_never_ends_is_counted_and_ends_the_file(lines):
    endless = "x" * 200_000

    outcomes = read_outcomes(lines("id,outcome", "a,1", f'"{endless}', path="o.csv"))

    assert outcomes.values == {"a": 1.0}
    assert outcomes.unreadable.count == 1

"""A shadow's answers against production's."""

import base64
import json
import math

import pytest

from modelway.experiment.answers import values_of
from modelway.experiment.line import Line
from modelway.experiment.shadow import compare, plain, read_captures, sentence

FOLDER = "data-capture/fraud-prod/{}/2026/11/28/10/00-00-000-x.jsonl"


def line(variant, key, answer, number=1, encoding="JSON", content_type="application/json"):
    data = answer if isinstance(answer, str) else json.dumps(answer)
    output = {"observedContentType": content_type, "data": data, "encoding": encoding}
    metadata = {"eventId": f"{variant}-{key}", "inferenceTime": "2026-11-28T10:00:00Z"}
    if key is not None:
        metadata["inferenceId"] = key
    text = json.dumps({"captureData": {"endpointOutput": output}, "eventMetadata": metadata})
    return Line(FOLDER.format(variant), number, text)


@pytest.fixture
def agreement():
    """Compare answers given by inference id."""

    def run(production, shadow, tolerance=1e-6, **how):
        lines = [line("primary", key, answer, **how) for key, answer in production.items()]
        lines += [line("shadow", key, answer, **how) for key, answer in shadow.items()]
        return compare(read_captures(lines, "primary", "shadow"), tolerance)

    return run


def rows(*found):
    return {"predictions": [{"label": label, "score": score} for label, score in found]}


def test_answers_that_are_the_same_agree(agreement):
    found = agreement({"1": rows((3, 0.5))}, {"1": rows((3, 0.5))})

    assert (found.compared, found.differing) == (1, 0)
    assert sentence(found) == "All 1 answers that were compared agree."


def test_labels_and_numbers_are_told_apart_and_differences_measured(agreement):
    found = agreement(
        {"1": rows((3, 0.5), (4, 0.25)), "2": rows((5, 1.0))},
        {"1": rows((3, 0.5), (9, 0.5)), "2": rows((5, 0.5))},
    )

    label, score = found.fields
    assert (label.path, label.kind, label.values, label.differing) == (
        "predictions.label",
        "labels",
        3,
        1,
    )
    assert (label.max_difference, label.mean_difference) == (None, None)
    assert (score.path, score.kind, score.values, score.differing) == (
        "predictions.score",
        "numbers",
        3,
        2,
    )
    assert (score.max_difference, score.mean_difference) == (0.5, 0.25)
    assert (found.compared, found.differing, found.examples) == (2, 2, ("1", "2"))
    assert sentence(found) == (
        "0 of 2 answers agree (0 %); most differences are in `predictions.score`, by 0.5 at most."
    )


def test_numbers_within_the_tolerance_agree(agreement):
    close = {"1": rows((3, 0.5))}, {"1": rows((3, 0.501))}

    assert agreement(*close, tolerance=0.002).differing == 0
    assert agreement(*close, tolerance=0.0005).differing == 1


def test_the_order_in_which_answers_were_captured_does_not_matter(agreement):
    found = agreement(
        {"1": rows((1, 0.1)), "2": rows((2, 0.2))}, {"2": rows((2, 0.2)), "1": rows((1, 0.1))}
    )

    assert (found.compared, found.differing) == (2, 0)


def test_what_has_no_counterpart_is_counted_and_not_called_a_difference(agreement):
    found = agreement({"1": rows((1, 0.1)), "2": rows((1, 0.1))}, {"1": rows((1, 0.1)), "3": {}})

    assert (found.compared, found.differing) == (1, 0)
    assert (found.only_production, found.only_shadow) == (1, 1)


def test_an_answer_of_another_length_differs(agreement):
    found = agreement({"1": rows((1, 0.1), (2, 0.2))}, {"1": rows((1, 0.1))})

    assert found.differing == 1
    assert {each.path: each.differing for each in found.fields} == {
        "predictions.label": 1,
        "predictions.score": 1,
    }


def test_csv_is_compared_by_column(agreement):
    found = agreement(
        {"1": "cat,0.5\ndog,0.25\n"},
        {"1": "cat,0.5\ncow,0.25\n"},
        encoding="CSV",
        content_type="text/csv",
    )

    assert [(each.path, each.kind, each.differing) for each in found.fields] == [
        ("column 0", "labels", 1),
        ("column 1", "numbers", 0),
    ]


def test_bytes_are_equal_or_not(agreement):
    found = agreement(
        {"1": "iVBO", "2": "iVBO"},
        {"1": "iVBO", "2": "iVBP"},
        encoding="BASE64",
        content_type="image/png",
    )

    assert [(each.path, each.values, each.differing) for each in found.fields] == [("answer", 2, 1)]


def test_json_that_was_captured_as_base64_is_read(agreement):
    first, second = (base64.b64encode(json.dumps({"a": each}).encode()).decode() for each in (1, 2))

    found = agreement({"1": first}, {"1": second}, encoding="BASE64")

    assert [(each.path, each.differing) for each in found.fields] == [("a", 1)]


@pytest.mark.parametrize(
    ("ours", "theirs", "differing"),
    [
        ("[NaN, 0.5]", "[NaN, 0.5]", 0),
        ("[NaN, 0.5]", "[1.0, 0.5]", 1),
        ("[Infinity, 0.5]", "[Infinity, 0.5]", 0),
        ("[null, 0.5]", "[1.0, 0.5]", 1),
        ("[true]", "[1]", 1),
        ('["1"]', "[1]", 1),
    ],
)
def test_odd_values_are_equal_only_to_themselves(agreement, ours, theirs, differing):
    found = agreement({"1": ours}, {"1": theirs})

    assert found.fields[0].differing == differing
    json.dumps(plain(found), allow_nan=False)


def test_an_infinite_difference_is_null_in_json(agreement):
    found = agreement({"1": "[NaN, 0.5]"}, {"1": "[1.0, 0.5]"})

    assert found.fields[0].max_difference == math.inf
    assert plain(found)["fields"][0]["max_difference"] is None


def test_answers_without_an_inference_id_say_what_to_do(agreement):
    found = agreement({None: rows((1, 0.1))}, {None: rows((1, 0.1))})

    assert (found.compared, found.without_id) == (0, 2)
    assert sentence(found) == (
        "Nothing can be said: no inference id is in the data of both variants; 2 captured answers "
        "carry none, so let callers send InferenceId."
    )


def test_an_inference_id_that_comes_twice_joins_nothing():
    lines = [
        line("primary", "1", rows((1, 0.1))),
        line("primary", "1", rows((2, 0.1))),
        line("shadow", "1", rows((2, 0.1))),
    ]

    found = compare(read_captures(lines, "primary", "shadow"))

    assert (found.compared, found.repeated) == (0, 1)


def test_lines_of_other_variants_and_torn_lines_are_left_out():
    lines = [
        line("other", "1", rows((1, 0.1))),
        Line("primary/x.jsonl", 4, '{"captureData": '),
        Line("primary/x.jsonl", 5, ""),
    ]

    found = read_captures(lines, "primary", "shadow")

    assert (found.production, found.shadow, found.unreadable.count) == ({}, {}, 1)
    assert found.unreadable.first == "primary/x.jsonl:4"


def test_a_captured_line_without_an_answer_is_counted():
    text = json.dumps({"captureData": {}, "eventMetadata": {"inferenceId": "1"}})

    found = read_captures([Line(FOLDER.format("shadow"), 1, text)], "primary", "shadow")

    assert found.without_answer == 1


def test_nested_lists_keep_their_values_apart():
    assert values_of({"data": "[[1, 2], [3]]", "encoding": "JSON"}) == {
        ("answer", (0, 0)): 1,
        ("answer", (0, 1)): 2,
        ("answer", (1, 0)): 3,
    }

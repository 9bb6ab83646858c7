"""Names and hashes: what they are, that they fit, and that they never change by themselves."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.naming import content_hash, content_name, endpoint_name, own_tags

BASES = st.from_regex(r"[a-zA-Z0-9](-{0,3}[a-zA-Z0-9]){0,80}", fullmatch=True)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda children: st.lists(children, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="utf-8")), children, max_size=4),
    max_leaves=12,
)  # fmt: skip
SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def test_the_hash_of_a_known_value_never_changes():
    model = {
        "image": "repository@sha256:00",
        "environment": {"B": "2", "A": "1"},
        "counts": [1, 2.5, True],
        "vpc_config": None,
    }

    assert content_hash(model) == "49c4ea0558e40b3d3b3b01950e190001aa1010d201eb532a516fbe84f8079884"


def test_the_hash_of_an_empty_mapping_is_that_of_its_json():
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_name_is_the_base_and_twelve_digits_of_the_hash():
    assert content_name("fraud-prod", {}) == "fraud-prod-44136fa355b3"


def test_a_base_that_is_too_long_is_cut_and_its_hash_covers_the_whole_base():
    long = "a" * 49 + "-bcdefgh"

    first = content_name(long + "1", {})
    second = content_name(long + "2", {})

    assert first.startswith("a" * 49 + "-")
    assert len(first) == 62
    assert first != second


def test_a_key_that_is_none_changes_no_hash_at_any_depth():
    before = {"a": 1, "b": [{"c": 2}]}
    after = {"a": 1, "new": None, "b": [{"c": 2, "new": None}]}

    assert content_hash(after) == content_hash(before)


def test_none_in_a_list_counts():
    assert content_hash([None]) != content_hash([])


def test_a_whole_float_counts_as_its_integer():
    assert content_hash({"count": 2.0}) == content_hash({"count": 2})


def test_true_is_not_one():
    assert content_hash({"x": True}) != content_hash({"x": 1})


def test_the_order_of_keys_makes_no_difference():
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_a_number_that_json_has_not_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_hash(value)


@pytest.mark.parametrize("value", [b"x", {1: "x"}, {"a": {1, 2}}, object()])
def test_a_value_that_is_not_json_is_refused(value):
    with pytest.raises(TypeError, match="hash"):
        content_hash(value)


@pytest.mark.parametrize("base", ["", "-a", "a-", "a_b", "ä", "a.b", "a\n"])
def test_a_base_with_other_characters_is_refused(base):
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        content_name(base, {})


def test_a_limit_with_no_room_is_refused():
    with pytest.raises(ValueError, match="at most 13 characters"):
        content_name("a", {}, limit=13)


@given(BASES, JSON_VALUES, st.integers(14, 63))
def test_a_name_always_fits_and_always_has_sagemakers_form(base, content, limit):
    name = content_name(base, content, limit)

    assert len(name) <= limit
    assert SAGEMAKER_NAME.fullmatch(name)
    assert content_name(base, content, limit) == name


@given(JSON_VALUES)
def test_a_value_that_went_through_json_has_the_same_hash(value):
    assert content_hash(json.loads(json.dumps(value))) == content_hash(value)


def test_an_endpoint_is_named_after_model_and_environment():
    assert endpoint_name("fraud", "prod") == "fraud-prod"


def test_modelways_own_tags_say_model_environment_and_version():
    assert own_tags("fraud", "prod", "7") == {
        "modelway:model": "fraud",
        "modelway:environment": "prod",
        "modelway:model-version": "7",
    }

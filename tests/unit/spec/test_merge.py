"""Overrides over a base."""

from modelway.spec.merge import merge


def test_mappings_merge_and_everything_else_replaces():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    overrides = {"a": {"y": [3]}, "b": {"z": 2}, "c": None}

    assert merge(base, overrides) == {"a": {"x": 1, "y": [3]}, "b": {"z": 2}, "c": None}


def test_null_replaces_a_mapping():
    assert merge({"a": {"x": 1}}, {"a": None}) == {"a": None}


def test_neither_side_is_changed():
    base, overrides = {"a": {"x": 1}}, {"a": {"y": 2}}

    merge(base, overrides)["a"]["z"] = 3

    assert base == {"a": {"x": 1}}
    assert overrides == {"a": {"y": 2}}

"""How deep JSON is nested, told from its bytes as from what they became."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.errors import InvalidInput
from model_server.rest.json_text import deeper_than, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (b"1", 0),
        (b"[]", 1),
        (b'{"a":[{"b":[]}]}', 4),
        (b"[[],[[]],[]]", 3),
        (b'["[[[[", "]]]]", "\\"[[", "\\\\"]', 1),
        (b'{"[[[": "{{{", "a": [1]}', 2),
        (b"[" * 70_000 + b"]" * 70_000, 70_000),
    ],
)
def test_lists_and_objects_are_counted_and_brackets_in_texts_are_not(text, levels):
    assert deeper_than(text, levels) is False
    assert levels == 0 or deeper_than(text, levels - 1) is True


@pytest.mark.parametrize(
    ("text", "levels"),
    [(b'{"a":["[[[[[', 2), (b'["[", "[[', 1), (b'[["\\"[[[', 2), (b"[[", 2)],
)
def test_the_beginning_of_a_document_is_as_deep_as_what_it_surely_opens(text, levels):
    assert deeper_than(text, levels) is False
    assert deeper_than(text, levels - 1) is True


def test_half_a_million_lists_are_read_and_one_more_is_refused():
    assert len(parse(b"[%s]" % b",".join([b"[]"] * 499_999))) == 499_999

    with pytest.raises(InvalidInput, match="the JSON has 500,001 lists and objects; 500,000 are"):
        parse(b"[%s]" % b",".join([b"{}"] * 500_000))


def test_brackets_in_texts_are_no_lists():
    assert parse(b'["%s"]' % (b"[{" * 500_000)) == ["[{" * 500_000]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_large_body_nested_too_deeply_is_refused_before_it_is_read(opening):
    with pytest.raises(InvalidInput, match="nested deeper than 100 levels"):
        parse(opening * 101 + b" " * 70_000)


@given(VALUES, st.booleans())
def test_it_is_as_deep_as_its_values(value, escaped):
    text = json.dumps(value, ensure_ascii=escaped).encode()

    assert deeper_than(text, depth(value)) is False
    assert depth(value) == 0 or deeper_than(text, depth(value) - 1) is True

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.core.text_pattern import PatternRefused, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("abc", ["abc"], ["ab", "abcd", "abc\n", ""]),
        ("", [""], ["a"]),
        (r"[A-Z]{2}\d{6}", ["AB123456"], ["AB12345", "ab123456", "AB1234567"]),
        (r"[a-z]+@[a-z]+\.(com|org)", ["me@here.org"], ["me@here.net", "@here.org"]),
        ("a{2,4}b?", ["aa", "aaaab"], ["a", "aaaaa", "aabb"]),
        ("(-)?[0-9]+", ["-12", "7"], ["--1", "-"]),
        (r"[^,]*,[^,]*", ["a,b", ","], ["a,b,c", "ab"]),
        (".", ["x", "ü"], ["\n", "xy"]),
        (r"\w\W\D", ["a-b"], ["a-1", "üab"]),
        (r"[\w.-]+", ["a.b-c"], ["a b"]),
        (r"\d{3}(-\d{2})?", ["123", "123-45"], ["123-"]),
        (r"(?:red|green|blue)", ["red"], ["yellow"]),
        ("[0-9]{0,2}x", ["x", "12x"], ["123x"]),
    ],
)
def test_a_pattern_stands_for_the_whole_text(pattern, fits, does_not):
    compiled = compile_pattern(pattern).compiled

    assert all(compiled.fullmatch(text) for text in fits)
    assert not any(compiled.fullmatch(text) for text in does_not)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+b", "a group cannot be repeated"),
        ("(a|b)*", "a group cannot be repeated"),
        ("(ab){2}", "a group cannot be repeated"),
        ("a*a*b", "'a' could belong to two parts"),
        ("[a-z]+[a-z0-9]", "could belong to two parts"),
        (".*x", "'x' could belong to two parts"),
        (r"\w+\d", "'0' could belong to two parts"),
        ("(a|ab)", "'a' could belong to two parts"),
        ("(ab)?a", "'a' could belong to two parts"),
        ("a{1,3}b?a", "'a' could belong to two parts"),
        ("(a?)?b", "matches the empty text already"),
        ("(a|b?)", "an alternative matches the empty text"),
        ("^a$", "leave '^' and '$' out"),
        (r"(a)\1", r"'\1' is not supported"),
        (r"\bword", r"'\b' is not supported"),
        (r"\s", r"'\s' is not supported"),
        (r"a\-b", "needs no backslash"),
        ("(?=a)b", "not supported"),
        ("(?i:a)", "not supported"),
        ("(?P<n>a)", "not supported"),
        ("a**", "a quantifier after a quantifier"),
        ("a*?", "a quantifier after a quantifier"),
        ("a*+", "a quantifier after a quantifier"),
        ("*a", "nothing before '*'"),
        ("a{3,2}", "is no quantifier"),
        ("a{0}", "is no quantifier"),
        ("a{99999}", "is no quantifier"),
        ("a{x}", "'{' begins no quantifier"),
        ("(a", "a '(' has no ')'"),
        ("a)", "a ')' without its '('"),
        ("[a", "ends too early"),
        ("[]", "an empty '[]'"),
        ("[z-a]", "goes nowhere"),
        ("[a-[b]]", "inside '[...]'"),
        ("[a&&b]", "inside '[...]'"),
        ("[+--]", "end of a range"),
        (r"[^\d\D]", "leaves no character"),
        ("a\\", "ends too early"),
        ("a]", r"write '\]'"),
        ("a" * 501, "500 are the most"),
        ("(" * 11 + "a" + ")" * 11, "nested deeper than 10"),
    ],
)
def test_a_pattern_that_could_take_long_or_is_not_supported_is_refused(pattern, why):
    with pytest.raises(PatternRefused) as refused:
        compile_pattern(pattern)

    assert why in str(refused.value)


PIECES = st.sampled_from(
    [
        *("a", "b", "ab", "1", "ü", "-", ".", "^", "|", "?", "*", "+", "(", "(?:", ")"),
        *("[ab]", "[^a]", "[a-c]", "[x-]", "[", "]", "{2}", "{1,3}", "{2,}", "{"),
        *(r"\d", r"\w", r"\.", "\\"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_every_accepted_pattern_is_one_of_pythons_and_matches_its_own_example(pattern):
    try:
        accepted = compile_pattern(pattern)
    except PatternRefused:
        return

    assert accepted.compiled.fullmatch(accepted.example)
    assert re.search(accepted.anchored, accepted.example, re.ASCII)


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from("ab1.-xü"))
def test_every_accepted_pattern_takes_linear_time(pattern, character):
    try:
        compiled = compile_pattern(pattern).compiled
    except PatternRefused:
        return
    text = character * 20_000 + "\n"

    start = time.process_time()
    compiled.fullmatch(text)

    # A pattern such as a*a*b takes seconds on this, (a+)+b for ever.
    assert time.process_time() - start < 0.1

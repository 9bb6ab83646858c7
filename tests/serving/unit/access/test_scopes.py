"""What is a scope, and what it allows."""

import pytest

from model_server.access.scopes import is_scope, permits, scopes_among


@pytest.mark.parametrize(
    "text", ["infer", "metadata", "metrics", "manage", "*", "infer:fraud", "manage:a:b", "infer:*"]
)
def test_these_are_scopes(text):
    assert is_scope(text)


@pytest.mark.parametrize(
    "text",
    ["", "Infer", "infer ", " infer", "infer:", "infer: ", "*:fraud", ":fraud", "admin", None, 5],
)
def test_these_are_none(text):
    assert not is_scope(text)


def test_a_star_for_a_model_is_a_model_of_that_name_and_not_every_model():
    scopes = frozenset({"infer:*"})

    assert permits(scopes, "infer", "*")
    assert not permits(scopes, "infer", "fraud")


def test_scopes_are_found_among_other_words():
    assert scopes_among(["openid", "infer", 5, "metadata:a"]) == {"infer", "metadata:a"}
    assert scopes_among(["m/infer", "infer", "m/"], "m/") == {"infer"}

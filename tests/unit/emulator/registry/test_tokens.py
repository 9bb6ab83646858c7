"""The tokens of the registry: for whom, until when, and by whom they were made."""

import base64

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.registry.tokens import Registry, TokenError, Tokens

REGISTRY = Registry("123456789012", "us-east-1")


def header(password, user="AWS"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_token_says_for_which_registry_it_is(tmp_path):
    tokens = Tokens(tmp_path, Clock())
    password, _until = tokens.issue(REGISTRY)

    assert tokens.read(header(password)) == REGISTRY
    assert Tokens(tmp_path, Clock()).read(header(password)) == REGISTRY
    assert (tmp_path / "token.key").stat().st_mode & 0o777 == 0o600


def test_the_token_of_another_emulator_is_refused(tmp_path):
    password, _until = Tokens(tmp_path / "one", Clock()).issue(REGISTRY)

    with pytest.raises(TokenError, match="not this emulator's"):
        Tokens(tmp_path / "two", Clock()).read(header(password))


def test_a_token_is_valid_for_12_hours_of_the_emulators_clock(tmp_path):
    clock = Clock()
    tokens, now = Tokens(tmp_path, clock), clock.now()
    with clock.pinned(now):
        password, until = tokens.issue(REGISTRY)

    assert until == now + 12 * 3600
    with clock.pinned(until):
        assert tokens.read(header(password)) == REGISTRY
    with clock.pinned(until + 1), pytest.raises(TokenError, match="has expired"):
        tokens.read(header(password))


@pytest.mark.parametrize("given", ["", "Bearer x", "Basic ?", header("a"), header("a.b.c")])
def test_what_is_no_token_is_refused(tmp_path, given):
    with pytest.raises(TokenError):
        Tokens(tmp_path, Clock()).read(given)

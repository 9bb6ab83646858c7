"""Tokens that were found good: how long they are remembered, and when they are forgotten."""

import hashlib
import time

import pytest

from model_server.access import tokens as tokens_module
from model_server.access.identity import Credentials
from model_server.access.key_set import parse_key_set
from model_server.access.tokens import Tokens
from model_server.core.errors import Unauthenticated


def ask(gate, token):
    return gate.admit(Credentials(authorization=f"Bearer {token}"), "infer", "fraud")


def refusal(gate, token):
    with pytest.raises(Unauthenticated) as refused:
        ask(gate, token)
    return refused.value.message


def test_a_token_is_checked_once_and_then_remembered(tokens_gate, issuer, monkeypatch):
    gate = tokens_gate()
    checked = []
    check = Tokens._check
    monkeypatch.setattr(
        Tokens, "_check", lambda self, *given: checked.append(given) or check(self, *given)
    )

    soon = int(time.time()) + 600
    for _ in range(3):
        assert ask(gate, issuer.token(exp=soon)).identity.name == "user-7"

    assert len(checked) == 1


def test_a_remembered_token_ends_when_it_expires(issuer):
    now = time.time()
    source = Source(parse_key_set(issuer.key_set("rsa-1"), ["RS256"]))
    tokens = Tokens(source, issuer.name, ["models"], ["RS256"], clock=lambda: now)
    token = issuer.token(exp=int(now) + 100)
    tokens.identify(token)

    now = int(now) + 129.9
    tokens.identify(token)
    now = int(now) + 131

    with pytest.raises(Unauthenticated, match="the token has expired"):
        tokens.identify(token)


class Source:
    def __init__(self, value):
        self.value = value
        self.wanted = 0

    def want(self):
        self.wanted += 1


def test_no_more_than_so_many_tokens_are_remembered(issuer, monkeypatch):
    monkeypatch.setattr(tokens_module, "MAX_REMEMBERED", 10)
    tokens = Tokens(
        Source(parse_key_set(issuer.key_set("ec-1"), ["ES256"])), issuer.name, ["models"], ["ES256"]
    )
    given = [issuer.token("ec-1", "ES256", jti=str(number)) for number in range(25)]

    for token in given:
        tokens.identify(token)

    assert len(tokens._good) == 10
    assert hashlib.sha256(given[24].encode()).digest() in tokens._good
    assert hashlib.sha256(given[0].encode()).digest() not in tokens._good


def test_a_token_that_is_refused_is_not_remembered(tokens_gate, issuer):
    gate = tokens_gate()

    refusal(gate, issuer.token(aud="other"))
    refusal(gate, issuer.token()[:-8])

    assert gate._tokens._good == {}


def test_a_withdrawn_key_ends_its_tokens_even_those_remembered(tokens_gate, issuer, tmp_path):
    gate = tokens_gate("rsa-1", "rsa-2")
    token = issuer.token("rsa-1")
    ask(gate, token)

    (tmp_path / "jwks.json").write_bytes(issuer.key_set("rsa-2"))
    gate._background[0]._actions[0]()

    assert refusal(gate, token) == (
        "the token's key is not known yet; if it is new, try again in a minute"
    )
    assert ask(gate, issuer.token("rsa-2")).identity.name == "user-7"


def test_an_unknown_key_is_asked_for_and_a_wrong_signature_is_not(issuer):
    source = Source(parse_key_set(issuer.key_set("rsa-1"), ["RS256"]))
    tokens = Tokens(source, issuer.name, ["models"], ["RS256"])

    with pytest.raises(Unauthenticated, match="signature"):
        tokens.identify(issuer.token()[:-8])
    before = source.wanted
    with pytest.raises(Unauthenticated, match="not known yet"):
        tokens.identify(issuer.token("rsa-2"))

    assert before == 0
    assert source.wanted == 1

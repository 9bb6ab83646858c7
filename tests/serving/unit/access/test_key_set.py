"""Which keys of a key set are used."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from model_server.access.entries import FileUnusable
from model_server.access.key_set import parse_key_set


def changed(issuer, key_id="rsa-1", **changes):
    return {**issuer.jwk(key_id), **changes}


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "x"}, "is a secret; a key set holds public keys"),
        ({"use": "enc"}, "is not for checking signatures"),
        ({"key_ops": ["encrypt"]}, "is not for checking signatures"),
        ({"key_ops": 5}, "is not for checking signatures"),
        ({"alg": "HS256"}, "fits none of the algorithms allowed here: RS256, ES256"),
        ({"alg": "RS512"}, "fits none of the algorithms allowed here: RS256, ES256"),
        ({"kty": "EC", "crv": "P-521"}, "fits none of the algorithms allowed here"),
        ({"kty": ["RSA"]}, "fits none of the algorithms allowed here"),
        ({"n": 5}, "cannot be read"),
        ({"d": "AQAB"}, "is a secret; a key set holds public keys only"),
        ("text", "is no object"),
    ],
)
def test_a_key_that_must_not_be_used_is_left_out(issuer, key, problem):
    jwk = key if key == "text" or "k" in key else changed(issuer, **key)

    with pytest.raises(FileUnusable) as refused:
        parse_key_set(json.dumps({"keys": [jwk]}).encode(), ["RS256", "ES256"])
    kept = parse_key_set(
        json.dumps({"keys": [jwk, issuer.jwk("rsa-2")]}).encode(), ["RS256", "ES256"]
    )

    assert refused.value.problems[0] == "it holds no key that can be used"
    assert refused.value.problems[1].startswith(f"keys[0] {problem}")
    assert list(kept.by_id) == [("rsa-2", "RS256")]


def test_a_small_rsa_key_is_left_out(issuer):
    small = rsa.generate_private_key(65537, 1024).public_key()
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(small))

    with pytest.raises(FileUnusable, match="less than 2048 bits"):
        parse_key_set(json.dumps({"keys": [jwk]}).encode(), ["RS256"])


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": "x"}', b" " * 262_145 + b'{"keys": []}'],
)
def test_what_is_no_key_set_is_refused(data):
    with pytest.raises(FileUnusable, match=r"it is no \{\"keys\": \[...\]\} of up to 100 keys"):
        parse_key_set(data, ["RS256"])


def test_a_key_set_of_too_many_keys_is_refused(issuer):
    data = json.dumps({"keys": [issuer.jwk("rsa-1")] * 101}).encode()

    with pytest.raises(FileUnusable, match="up to 100 keys"):
        parse_key_set(data, ["RS256"])

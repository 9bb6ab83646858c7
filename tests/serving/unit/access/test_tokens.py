"""JSON Web Tokens: which are taken, which are not, and what a refusal says."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from model_server.access.identity import Credentials
from model_server.access.tokens import Tokens
from model_server.core.errors import Forbidden, Unauthenticated

ALL = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")


def ask(gate, token, scope="infer", model="fraud"):
    return gate.admit(Credentials(authorization=f"Bearer {token}"), scope, model)


def refusal(gate, token):
    with pytest.raises(Unauthenticated) as refused:
        ask(gate, token)
    assert refused.value.challenge == 'Bearer error="invalid_token"'
    return refused.value.message


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_token_of_the_issuer_is_taken(tokens_gate, issuer):
    admission = ask(tokens_gate(), issuer.token())

    assert admission.identity.name == "user-7"
    assert admission.identity.method == "jwt"
    assert admission.identity.scopes == {"infer"}


@pytest.mark.parametrize(
    ("key_id", "algorithm"),
    [
        *(("rsa-1", name) for name in ALL if name[0] in "RP"),
        ("ec-1", "ES256"),
        ("ec-2", "ES384"),
        ("ed-1", "EdDSA"),
    ],
)
def test_every_asymmetric_algorithm_can_be_allowed(tokens_gate, issuer, key_id, algorithm):
    gate = tokens_gate("rsa-1", "ec-1", "ec-2", "ed-1", jwt_algorithms=ALL)

    assert ask(gate, issuer.token(key_id, algorithm)).identity.name == "user-7"


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "infer metadata:fraud openid"}, {"infer", "metadata:fraud"}),
        ({"scope": None, "scp": ["infer", "profile", 5]}, {"infer"}),
        ({"scope": None, "scp": "infer metrics"}, {"infer", "metrics"}),
        ({"scope": None}, set()),
        ({"scope": {"infer": True}}, set()),
        ({"scope": "models/infer"}, set()),
    ],
)
def test_scopes_come_from_scope_or_scp(tokens_gate, issuer, claims, scopes):
    caller = tokens_gate()._tokens.identify(issuer.token(**claims))

    assert caller.identity.scopes == scopes


def test_scopes_can_have_a_prefix_and_others_then_count_for_nothing(tokens_gate, issuer):
    gate = tokens_gate(jwt_scope_prefix="models/")

    caller = gate._tokens.identify(issuer.token(scope="models/infer manage models/admin"))

    assert caller.identity.scopes == {"infer"}


def test_a_good_token_without_the_scope_is_forbidden(tokens_gate, issuer):
    with pytest.raises(Forbidden):
        ask(tokens_gate(), issuer.token(scope="openid"))


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": "https://other.example"}, "the token is from another issuer (iss)"),
        ({"iss": "https://issuer.example/"}, "the token is from another issuer (iss)"),
        ({"aud": "other"}, "the token is for another audience (aud)"),
        ({"aud": ["other", "model"]}, "the token is for another audience (aud)"),
        ({"aud": []}, "the token lacks one of exp, iss, aud and sub"),
        ({"aud": None}, "the token lacks one of exp, iss, aud and sub"),
        ({"iss": None}, "the token lacks one of exp, iss, aud and sub"),
        ({"sub": None}, "the token lacks one of exp, iss, aud and sub"),
        ({"exp": None}, "the token lacks one of exp, iss, aud and sub"),
        ({"exp": NOW - 3600}, "the token has expired"),
        ({"exp": NOW - 31}, "the token has expired"),
        ({"nbf": NOW + 360_000}, "the token is not valid yet (nbf, iat)"),
        ({"iat": NOW + 360_000}, "the token is not valid yet (nbf, iat)"),
        ({"exp": "soon"}, "the token is no JSON Web Token"),
        ({"nbf": "soon"}, "the token is no JSON Web Token"),
        ({"iat": "soon"}, "the token's time of issue (iat) is no number"),
        ({"exp": float("nan")}, "the token is no JSON Web Token"),
        ({"exp": float("inf")}, "the token is no JSON Web Token"),
        ({"sub": 7}, "the token's subject (sub) is no text"),
        ({"sub": ""}, "the token's subject (sub) is not 1 to 128 printable characters"),
        ({"sub": "a\nb"}, "the token's subject (sub) is not 1 to 128 printable characters"),
        ({"sub": "s" * 129}, "the token's subject (sub) is not 1 to 128 printable characters"),
    ],
)
def test_a_token_with_wrong_claims_is_refused_by_name(tokens_gate, issuer, claims, message):
    assert refusal(tokens_gate(), issuer.token(**claims)) == message


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "models"]},
        {"exp": -10},
        {"nbf": 10},
        {"iat": 10},
    ],
    ids=["one of several audiences", "exp within the leeway", "nbf", "iat"],
)
def test_a_token_at_the_edge_is_taken(tokens_gate, issuer, claims):
    # Moments are seconds from the test's own now: the module may have been loaded long ago.
    moments = {name: time.time() + value for name, value in claims.items() if name != "aud"}

    token = issuer.token(**{**claims, **moments})

    assert ask(tokens_gate(), token).identity.name == "user-7"


def public_key_as(issuer, form):
    public = issuer.private["rsa-1"].public_key()
    if form == "pem":
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if form == "der":
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return json.dumps(issuer.jwk("rsa-1")).encode()


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_the_public_key_is_never_taken_for_a_shared_secret(tokens_gate, issuer, algorithm, form):
    signed = f"{b64({'alg': algorithm, 'kid': 'rsa-1'})}.{b64(issuer.claims())}"
    digest = hmac.new(
        public_key_as(issuer, form), signed.encode(), getattr(hashlib, f"sha{algorithm[2:]}")
    ).digest()

    message = refusal(tokens_gate(jwt_algorithms=ALL), f"{signed}.{b64(digest)}")

    assert message == "the token's algorithm is not allowed"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 5, ["RS256"], {}, "ES512"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_a_token_that_nobody_signed_is_refused(tokens_gate, issuer, algorithm, signature):
    token = f"{b64({'alg': algorithm, 'kid': 'rsa-1'})}.{b64(issuer.claims())}.{signature}"

    message = refusal(tokens_gate(jwt_algorithms=ALL), token)

    assert message == "the token's algorithm is not allowed"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES512", "RS1"])
def test_such_an_algorithm_cannot_even_be_allowed(algorithm):
    with pytest.raises(ValueError, match="asymmetric"):
        Tokens(None, "https://issuer.example", ["models"], [algorithm])


@pytest.mark.parametrize(
    ("issuer_name", "audiences"), [("", ["models"]), ("https://issuer.example", [])]
)
def test_tokens_are_never_checked_without_issuer_and_audience(issuer_name, audiences):
    with pytest.raises(ValueError, match="an issuer, an audience"):
        Tokens(None, issuer_name, audiences, ["RS256"])


def test_an_algorithm_that_is_not_allowed_is_refused_though_the_key_could(tokens_gate, issuer):
    message = refusal(tokens_gate(jwt_algorithms=("RS256",)), issuer.token("rsa-1", "RS512"))

    assert message == "the token's algorithm is not allowed"


def test_a_key_with_an_algorithm_of_its_own_is_used_with_no_other(issuer, tmp_path, tokens_gate):
    gate = tokens_gate("rsa-1", jwt_algorithms=ALL)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**issuer.jwk("rsa-1"), "alg": "PS256"}]}))
    gate._background[0]._actions[0]()

    message = refusal(gate, issuer.token("rsa-1", "RS256"))

    assert message == "the token's algorithm does not fit its key"
    assert ask(gate, issuer.token("rsa-1", "PS256")).identity.name == "user-7"


def test_a_token_cannot_bring_its_own_key(tokens_gate, issuer):
    own = rsa.generate_private_key(65537, 2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    headers = {
        "kid": "rsa-1",
        "jwk": jwk,
        "jku": "http://127.0.0.1:9/jwks",
        "x5u": "http://127.0.0.1:9/x5u",
        "x5c": ["AAAA"],
    }

    forged = jwt.encode(issuer.claims(), own, "RS256", headers=headers)
    honest = issuer.token(headers={**headers, "kid": "rsa-1"})

    assert refusal(tokens_gate(), forged) == "the token's signature is wrong"
    assert ask(tokens_gate(), honest).identity.name == "user-7"


def test_a_changed_token_is_refused(tokens_gate, issuer):
    gate = tokens_gate()
    head, _, signature = issuer.token().split(".")
    ask(gate, issuer.token())

    changed = f"{head}.{b64(issuer.claims(sub='admin', scope='*'))}.{signature}"

    assert refusal(gate, changed) == "the token's signature is wrong"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_signature_of_another_key_or_none_is_refused(tokens_gate, issuer, algorithm):
    gate = tokens_gate()
    key_id = {"RS256": "rsa-1", "ES256": "ec-1"}[algorithm]
    other = {
        "RS256": issuer.private["rsa-2"],
        "ES256": ec.generate_private_key(ec.SECP256R1()),
    }[algorithm]
    head, body, _ = issuer.token(key_id, algorithm).split(".")

    for token in (
        jwt.encode(issuer.claims(), other, algorithm, headers={"kid": key_id}),
        f"{head}.{body}.",
        f"{head}.{body}.AAAA",
        f"{head}.{body}.{b64(bytes(64))}",  # CVE-2022-21449: ECDSA with r = s = 0
        f"{head}.{body}.{b64(bytes(256))}",
    ):
        assert refusal(gate, token) == "the token's signature is wrong"


def test_the_library_has_the_last_word_on_a_token(tokens_gate, issuer, monkeypatch):
    # The early look at the signature only ever refuses.
    monkeypatch.setattr(Tokens, "_check_signature", lambda *_: None)
    head, body, _ = issuer.token().split(".")

    assert refusal(tokens_gate(), f"{head}.{body}.{b64(bytes(256))}") == (
        "the token's signature is wrong"
    )


MALFORMED = "the token is no JSON Web Token"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", MALFORMED),
        ("..", MALFORMED),
        ("a.b.c", MALFORMED),
        ("a.b", MALFORMED),
        ("a.b.c.d", MALFORMED),
        ("x" * 100, MALFORMED),
        ("\u00e9.b.c", MALFORMED),
        ("\ud800.b.c", MALFORMED),
        (f"{b64([])}.e30.AAAA", MALFORMED),
        (f"{b64(b'null')}.e30.AAAA", MALFORMED),
        (f"{b64(b'{')}.e30.AAAA", MALFORMED),
        (f"{b64(b'[' * 5000)}.e30.AAAA", MALFORMED),
        (f"{b64({'alg': 'RS256', 'kid': 5})}.e30.AAAA", "the token names no key (kid)"),
        (f"{b64({'alg': 'RS256'})}.e30.AAAA", "the token's signature is wrong"),
        (f"{b64({'alg': 'RS256', 'kid': 'rsa-1'})}.e30.\x00\x01", "the token's signature is wrong"),
        ("a." + "b" * 8189 + ".c", "the token is over 8192 bytes"),
        ("a" * 10_000_000, "the token is over 8192 bytes"),
    ],
    ids=range(17),
)
def test_a_malformed_token_is_refused(tokens_gate, token, message):
    assert refusal(tokens_gate(), token) == message


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
    ],
)
def test_an_extension_of_the_header_that_must_be_understood_is_refused(
    tokens_gate, issuer, headers
):
    head = b64({"alg": "RS256", "kid": "rsa-1", **headers})
    body = b64(issuer.claims())
    signature = jwt.get_algorithm_by_name("RS256").sign(
        f"{head}.{body}".encode(), issuer.private["rsa-1"]
    )

    assert refusal(tokens_gate(), f"{head}.{body}.{b64(signature)}") == MALFORMED


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 5000])
def test_a_well_signed_body_that_holds_no_claims_is_refused(tokens_gate, issuer, body):
    signed = f"{b64({'alg': 'RS256', 'kid': 'rsa-1'})}.{b64(body)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), issuer.private["rsa-1"])

    assert refusal(tokens_gate(), f"{signed}.{b64(signature)}") == MALFORMED


def test_a_token_without_a_key_id_is_taken_where_one_key_can_be_meant(tokens_gate, issuer):
    token = jwt.encode(issuer.claims(), issuer.private["rsa-1"], "RS256")

    assert ask(tokens_gate("rsa-1", "ec-1"), token).identity.name == "user-7"
    assert refusal(tokens_gate("rsa-1", "rsa-2"), token) == "the token names no key (kid)"


def test_a_token_is_in_no_error_and_no_event(tokens_gate, issuer, events):
    gate = tokens_gate()
    canary = "canary4f1d9c2b7e6a"
    given = [
        issuer.token(iss=canary),
        issuer.token(aud=canary),
        issuer.token(sub=canary + "\n"),
        issuer.token(headers={"kid": canary}),
        issuer.token(exp=canary),
        f"{b64({'alg': canary})}.e30.AAAA",
        f"{canary}.{canary}.{canary}",
    ]

    for token in given:
        with pytest.raises(Unauthenticated) as refused:
            ask(gate, token)
        told = refused.value
        shown = f"{told!r} {told.message} {told.problems} {told.challenge}"
        assert canary not in shown
        assert token not in shown
        assert told.__cause__ is None
        assert told.__context__ is None

    assert events == []

"""Who gets in, who does not, and what both are told."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import model_server
from model_server.access.gate import Gate, network_of
from model_server.access.identity import Credentials
from model_server.core.errors import Forbidden, RateLimited, Unauthenticated
from model_server.settings.access import AccessSettings
from model_server.settings.reader import SettingsError

KEY = "msk_" + "k" * 43
OTHER_KEY = "msk_" + "o" * 43


@pytest.mark.parametrize("scope", ["infer", "metadata", "metrics"])
def test_anyone_may_do_this_where_nothing_is_configured(scope):
    gate = Gate.from_settings(AccessSettings())

    admission = gate.admit(Credentials(address="10.0.0.1"), scope, "fraud")

    assert admission.identity.name == "anonymous"
    assert admission.identity.method == "anonymous"
    assert admission.headers == ()
    assert not gate.enabled
    assert gate.methods == ()


def test_nobody_may_manage_where_nothing_is_configured():
    gate = Gate.from_settings(AccessSettings())

    with pytest.raises(Forbidden, match="you lack the scope for this: 'manage'"):
        gate.admit(Credentials(), "manage")


def test_credentials_are_not_looked_at_where_nobody_has_to_prove_anything():
    gate = Gate.from_settings(AccessSettings())

    admission = gate.admit(Credentials(authorization="Basic dTpw", api_key="x"), "infer")

    assert admission.identity.name == "anonymous"


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(api_key=KEY),
        Credentials(authorization=f"Bearer {KEY}"),
        Credentials(authorization=f"bearer {KEY}"),
        Credentials(authorization="Basic dTpw", api_key=KEY),
    ],
    ids=["x-api-key", "bearer", "scheme in lower case", "x-api-key goes first"],
)
def test_an_api_key_is_taken_from_either_header(keys_gate, credentials):
    gate = keys_gate()

    admission = gate.admit(credentials, "infer", "fraud")

    assert admission.identity.name == "scoring-job"
    assert admission.identity.method == "api-key"
    assert gate.enabled
    assert gate.methods == ("api-key",)


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (Credentials(api_key=OTHER_KEY), "the API key is not known"),
        (Credentials(api_key=""), "the API key is not known"),
        (Credentials(api_key=f"{KEY}, {KEY}"), "the API key is not known"),
        (Credentials(api_key=KEY + "\u00e9"), "the API key is not known"),
        (Credentials(api_key=KEY + "\ud800"), "the API key is not known"),
        (Credentials(api_key="k" * 100_000), "the API key is not known"),
        (Credentials(authorization=""), "the Authorization header is not 'Bearer'"),
        (Credentials(authorization="Bearer"), "the Authorization header is not 'Bearer'"),
        (Credentials(authorization="Bearer "), "the API key is not known"),
        (Credentials(authorization=f"Bearer  {KEY}"), "the API key is not known"),
        (Credentials(authorization=f"Bearer {KEY} "), "the API key is not known"),
        (Credentials(authorization=f"Bearer {KEY}, Bearer {KEY}"), "the API key is not known"),
        (Credentials(authorization=f"Basic {KEY}"), "the Authorization header is not 'Bearer'"),
        (Credentials(authorization=KEY), "the Authorization header is not 'Bearer'"),
        (Credentials(authorization=f"Bearer\t{KEY}"), "the Authorization header is not 'Bearer'"),
        (Credentials(api_key=OTHER_KEY, authorization=f"Bearer {KEY}"), "the API key is not known"),
    ],
)
def test_what_is_shown_and_wrong_is_refused_with_a_challenge(keys_gate, credentials, message):
    gate = keys_gate()

    with pytest.raises(Unauthenticated, match=message) as refused:
        gate.admit(credentials, "infer")

    assert refused.value.challenge == 'Bearer error="invalid_token"'


def test_a_caller_who_shows_nothing_is_told_how_to_say_who_it_is(keys_gate):
    gate = keys_gate()

    with pytest.raises(Unauthenticated) as refused:
        gate.admit(Credentials(address="10.0.0.1"), "infer")

    assert refused.value.message == (
        "say who you are: with an API key ('X-API-Key: ...' or 'Authorization: Bearer ...')"
    )
    assert refused.value.challenge == "Bearer"


def test_some_things_can_be_left_open_to_callers_who_show_nothing(keys_gate):
    gate = keys_gate(anonymous_scopes=("metrics",))

    admission = gate.admit(Credentials(), "metrics")

    assert admission.identity.name == "anonymous"
    with pytest.raises(Unauthenticated, match="say who you are"):
        gate.admit(Credentials(), "infer")
    with pytest.raises(Unauthenticated, match="not known"):
        gate.admit(Credentials(api_key=OTHER_KEY), "metrics")


@pytest.mark.parametrize(
    ("scopes", "scope", "model", "allowed"),
    [
        (["infer"], "infer", "fraud", True),
        (["infer"], "infer", None, True),
        (["infer"], "metadata", "fraud", False),
        (["infer"], "manage", None, False),
        (["infer:fraud"], "infer", "fraud", True),
        (["infer:fraud"], "infer", "churn", False),
        (["infer:fraud"], "infer", None, False),
        (["infer:fraud"], "infer", "fraud:2", False),
        (["infer:fraud"], "metadata", "fraud", False),
        (["infer:a:b"], "infer", "a:b", True),
        (["*"], "manage", None, True),
        (["*"], "infer", "churn", True),
        (["manage"], "infer", "fraud", False),
    ],
)
def test_scopes_decide_what_a_caller_may_do(keys_gate, entry, scopes, scope, model, allowed):
    gate = keys_gate(entry(scopes=scopes))

    if allowed:
        assert gate.admit(Credentials(api_key=KEY), scope, model).identity.name == "scoring-job"
    else:
        with pytest.raises(Forbidden, match=f"you lack the scope for this: '{scope}'"):
            gate.admit(Credentials(api_key=KEY), scope, model)


def test_a_refusal_names_the_scopes_that_would_do(keys_gate):
    gate = keys_gate()

    with pytest.raises(Forbidden) as refused:
        gate.admit(Credentials(api_key=KEY), "metadata", "fraud")

    assert refused.value.message == ("you lack the scope for this: 'metadata' or 'metadata:fraud'")


def test_a_model_name_that_is_no_name_is_not_repeated(keys_gate):
    with pytest.raises(Forbidden) as refused:
        keys_gate().admit(Credentials(api_key=KEY), "metadata", "x" * 50_000)

    assert refused.value.message == "you lack the scope for this: 'metadata'"


def test_a_request_that_is_forbidden_does_not_count_against_the_rate(keys_gate):
    gate = keys_gate(rate_per_second=0.001, rate_burst=1)
    with pytest.raises(Forbidden):
        gate.admit(Credentials(api_key=KEY), "manage")

    admission = gate.admit(Credentials(api_key=KEY), "infer")

    assert admission.headers == (
        (b"ratelimit-policy", b'"default";q=1;w=1000'),
        (b"ratelimit", b'"default";r=0;t=1000'),
    )
    with pytest.raises(RateLimited):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_each_caller_has_a_rate_of_its_own(keys_gate, entry):
    gate = keys_gate(entry(), entry("other", OTHER_KEY), rate_per_second=0.001, rate_burst=1)
    gate.admit(Credentials(api_key=KEY), "infer")

    admission = gate.admit(Credentials(api_key=OTHER_KEY), "infer")

    assert admission.identity.name == "other"


def test_a_keys_own_rate_goes_before_the_default(keys_gate, entry):
    gate = keys_gate(entry(rate={"per_second": 5, "burst": 10}), rate_per_second=100)

    admission = gate.admit(Credentials(api_key=KEY), "infer")

    assert admission.headers == (
        (b"ratelimit-policy", b'"default";q=10;w=2'),
        (b"ratelimit", b'"default";r=9;t=1'),
    )


def test_a_keys_own_rate_holds_without_a_default(keys_gate, entry):
    gate = keys_gate(entry(rate={"per_second": 0.001, "burst": 1}), entry("other", OTHER_KEY))
    gate.admit(Credentials(api_key=KEY), "infer")

    with pytest.raises(RateLimited):
        gate.admit(Credentials(api_key=KEY), "infer")

    assert gate.admit(Credentials(api_key=OTHER_KEY), "infer").headers == ()


def test_callers_nobody_knows_are_limited_by_their_address():
    gate = Gate.from_settings(AccessSettings(rate_per_second=0.001, rate_burst=1))
    gate.admit(Credentials(address="10.0.0.1"), "infer")

    with pytest.raises(RateLimited):
        gate.admit(Credentials(address="10.0.0.1"), "infer")

    assert gate.enabled
    assert gate.admit(Credentials(address="10.0.0.2"), "infer").identity.name == "anonymous"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002"),
        ("2001:db8:1:2:ffff::1", "20010db800010002"),
        ("2001:db8:1:3::1", "20010db800010003"),
        ("fe80::1%eth0", "fe80000000000000"),
        ("", ""),
        ("unix:socket", "unix:socket"),
    ],
)
def test_a_host_with_many_ipv6_addresses_is_one_caller(address, network):
    assert network_of(address) == network


def test_requests_under_way_are_counted_and_released(keys_gate):
    gate = keys_gate(max_concurrency_per_caller=2)
    first = gate.admit(Credentials(api_key=KEY), "infer")
    gate.admit(Credentials(api_key=KEY), "infer")
    with pytest.raises(RateLimited, match="2 of your requests are under way") as refused:
        gate.admit(Credentials(api_key=KEY), "infer")

    gate.release(first)

    assert refused.value.retry_after_seconds == 1.0
    gate.admit(Credentials(api_key=KEY), "infer")
    with pytest.raises(RateLimited):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_a_second_release_of_one_request_frees_nothing(keys_gate):
    gate = keys_gate(max_concurrency_per_caller=2)
    first = gate.admit(Credentials(api_key=KEY), "infer")
    gate.admit(Credentials(api_key=KEY), "infer")

    gate.release(first)
    gate.release(first)

    gate.admit(Credentials(api_key=KEY), "infer")
    with pytest.raises(RateLimited):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_a_worker_gives_out_its_share_of_the_limits(key_file, entry):
    settings = AccessSettings(
        api_keys_file=key_file(entry()),
        rate_per_second=100,
        rate_burst=200,
        max_concurrency_per_caller=8,
    )
    gate = Gate.from_settings(settings, share=0.25)

    admissions = [gate.admit(Credentials(api_key=KEY), "infer") for _ in range(2)]

    assert admissions[0].headers[0] == (b"ratelimit-policy", b'"default";q=50;w=2')
    assert admissions[0].headers[1] == (b"ratelimit", b'"default";r=49;t=1')
    with pytest.raises(RateLimited, match="2 of your requests"):
        gate.admit(Credentials(api_key=KEY), "infer")


def test_a_bearer_is_a_token_or_a_key_by_its_form(keys_gate, key_file, entry, issuer, tmp_path):
    jwks = tmp_path / "jwks.json"
    jwks.write_bytes(issuer.key_set("rsa-1"))
    gate = keys_gate(entry(), jwt_issuer=issuer.name, jwt_audiences=("models",), jwks_file=jwks)

    by_key = gate.admit(Credentials(authorization=f"Bearer {KEY}"), "infer")
    by_token = gate.admit(Credentials(authorization=f"Bearer {issuer.token()}"), "infer")

    assert by_key.identity.method == "api-key"
    assert by_token.identity.method == "jwt"
    assert gate.methods == ("api-key", "jwt")


def test_every_file_that_cannot_be_used_is_told_at_once(tmp_path, key_file, issuer):
    clients = tmp_path / "clients.json"
    clients.write_text("[]]")
    jwks = tmp_path / "jwks.json"
    jwks.write_text('{"keys": []}')
    settings = AccessSettings(
        api_keys_file=key_file({"name": "x"}),
        jwt_issuer=issuer.name,
        jwt_audiences=("models",),
        jwks_file=jwks,
        tls_clients_file=clients,
    )

    with pytest.raises(SettingsError) as refused:
        Gate.from_settings(settings)

    told = refused.value.problems
    assert [problem.split(":")[0] for problem in told] == [
        "MODEL_SERVER_API_KEYS_FILE",
        "MODEL_SERVER_API_KEYS_FILE",
        "MODEL_SERVER_JWT_JWKS_FILE",
        "MODEL_SERVER_TLS_CLIENTS_FILE",
    ]


def test_a_gate_starts_no_thread_before_it_is_told_to_and_ends_those_it_started(keys_gate):
    def names():
        return [thread.name for thread in threading.enumerate() if "access" in thread.name]

    gate = keys_gate()
    before = names()

    gate.start()
    during = names()
    thread = next(each for each in threading.enumerate() if each.name == "access-files")
    gate.close()
    thread.join(5)

    assert before == []
    assert during == ["access-files"]
    assert names() == []


def test_what_is_not_switched_on_is_not_imported():
    code = (
        "import sys; from model_server.access.gate import Gate;"
        "from model_server.settings.access import AccessSettings;"
        "Gate.from_settings(AccessSettings());"
        "print([name for name in ('jwt', 'cryptography', 'urllib.request') if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(model_server.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == "[]\n"

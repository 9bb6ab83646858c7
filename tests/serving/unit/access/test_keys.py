"""API keys: the file, its changes, and what never leaves the server."""

import hashlib
import hmac
import json

import pytest

from model_server.access import keys as keys_module
from model_server.access.entries import FileUnusable
from model_server.access.identity import Credentials
from model_server.access.keys import ApiKeys, new_key, parse_keys
from model_server.core.errors import Unauthenticated

KEY = "msk_" + "k" * 43
OTHER_KEY = "msk_" + "o" * 43

SCOPES_NEEDED = (
    "needs scopes: a list of infer, metadata, metrics, manage, one of them with a model as in "
    "'infer:fraud', or '*'"
)


def problems_of(*entries, text=None):
    with pytest.raises(FileUnusable) as refused:
        parse_keys(json.dumps(entries).encode() if text is None else text)
    return refused.value.problems


def test_a_new_key_is_random_recognisable_and_opens_the_gate(key_file):
    key, entry = new_key("scoring-job", ["infer", "metadata:fraud"], "2999-01-31T00:00:00+01:00")
    caller = ApiKeys(key_file(entry)).identify(key)

    assert key.startswith("msk_")
    assert len(key) == 4 + 43  # 256 bits in base64
    assert key != new_key("scoring-job")[0]
    assert entry == {
        "name": "scoring-job",
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "scopes": ["infer", "metadata:fraud"],
        "expires": "2999-01-30T23:00:00Z",
    }
    assert caller.identity.name == "scoring-job"
    assert caller.identity.scopes == {"infer", "metadata:fraud"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", ["infer"]), "a name takes 1 to 128 printable characters"),
        (("line\nbreak", ["infer"]), "a name takes 1 to 128 printable characters"),
        (("job", ["infers"]), "'infers' is no scope; it takes infer, metadata, metrics, manage"),
        (("job", []), "nothing is no scope"),
        (("job", ["infer"], "tomorrow"), "'tomorrow' is no moment with its zone"),
        (("job", ["infer"], "2999-01-31T00:00:00"), "is no moment with its zone"),
    ],
)
def test_a_new_key_is_not_made_for_what_the_file_would_not_take(arguments, message):
    with pytest.raises(ValueError, match=message):
        new_key(*arguments)


def test_keys_are_compared_in_constant_time(keys_gate, monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    class Watched:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(keys_module, "hmac", Watched)
    keys_gate().admit(Credentials(api_key=KEY), "infer")

    digest = hashlib.sha256(KEY.encode()).digest()
    assert compared == [(digest, digest)]


def test_the_constant_time_comparison_has_the_last_word(keys_gate, monkeypatch):
    class Never:
        compare_digest = staticmethod(lambda _one, _other: False)

    monkeypatch.setattr(keys_module, "hmac", Never)

    with pytest.raises(Unauthenticated):
        keys_gate().admit(Credentials(api_key=KEY), "infer")


def test_a_key_that_a_person_could_remember_is_never_taken(key_file, entry):
    keys = ApiKeys(key_file(entry(key="correct horse battery staple")))

    with pytest.raises(Unauthenticated, match="the API key is not known"):
        keys.identify("correct horse battery staple")


def test_a_digest_is_not_a_key(key_file, entry):
    keys = ApiKeys(key_file(entry()))

    with pytest.raises(Unauthenticated):
        keys.identify(hashlib.sha256(KEY.encode()).hexdigest())


def test_a_key_is_good_until_the_moment_it_expires(key_file, entry):
    now = 1_900_000_000.0  # 2030-03-17T17:46:40Z
    keys = ApiKeys(key_file(entry(expires="2030-03-17T17:46:41Z")), clock=lambda: now)

    caller = keys.identify(KEY)
    now += 1

    assert caller.identity.name == "scoring-job"
    with pytest.raises(Unauthenticated, match="the API key has expired"):
        keys.identify(KEY)


def test_two_keys_of_one_name_are_one_caller(key_file, entry):
    rate = {"per_second": 5}
    keys = ApiKeys(key_file(entry(rate=rate), entry(key=OTHER_KEY, scopes=["*"], rate=rate)))

    old, new = keys.identify(KEY), keys.identify(OTHER_KEY)

    assert old.account == new.account == "api-key:scoring-job"
    assert old.rate is new.rate
    assert new.identity.scopes == {"*"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "[0] needs name: a text of 1 to 128 printable characters"),
        ({"name": "a\nb"}, "[0] needs name: a text of 1 to 128 printable characters"),
        ({"name": "n" * 129}, "[0] needs name: a text of 1 to 128 printable characters"),
        (
            {"sha256": "abc"},
            "[0] needs sha256: 64 hexadecimal digits, the digest of a key; never the key",
        ),
        (
            {"sha256": "ab " * 21 + "a"},
            "[0] needs sha256: 64 hexadecimal digits, the digest of a key; never the key",
        ),
        (
            {"scopes": ["infer", "admin"]},
            f"[0] {SCOPES_NEEDED}",
        ),
        (
            {"scopes": "infer"},
            f"[0] {SCOPES_NEEDED}",
        ),
        (
            {"scopes": []},
            f"[0] {SCOPES_NEEDED}",
        ),
        (
            {"expires": "2027-01-31"},
            "[0] needs expires: a moment with its zone such as 2027-01-31T00:00:00Z",
        ),
        (
            {"expires": 1},
            "[0] needs expires: a moment with its zone such as 2027-01-31T00:00:00Z",
        ),
        (
            {"scope": ["infer"]},
            "[0] has 1 unknown fields; it takes expires, name, rate, scopes, sha256",
        ),
        *(
            (
                {"rate": rate},
                (
                    '[0] needs rate: an object such as {"per_second": 50, "burst": 100}; '
                    "per_second 0.001 to 1000000, burst 1 to 1000000"
                ),
            )
            for rate in (
                5,
                {},
                {"per_second": 0},
                {"per_second": "5"},
                {"per_second": True},
                {"per_second": 5, "burst": 0},
                {"per_second": 5, "burst": 1.5},
                {"per_second": 5, "per_minute": 5},
            )
        ),
    ],
)
def test_an_entry_that_is_wrong_is_refused_by_what_it_needs(entry, change, problem):
    assert problems_of({**entry(), **change}) == [problem]


def test_everything_wrong_with_a_file_is_told_at_once(entry):
    unnamed = {**entry(key=OTHER_KEY), "name": 5}

    assert problems_of(entry(), entry(scopes=["x"]), "text", unnamed) == [
        f"[1] {SCOPES_NEEDED}",
        "[1] has the same sha256 as an entry before it",
        "[2] is no object",
        "[3] needs name: a text of 1 to 128 printable characters",
    ]


def test_one_name_cannot_have_two_rates(entry):
    assert problems_of(entry(), entry(key=OTHER_KEY, rate={"per_second": 5})) == [
        "[1] has another rate than an entry before it of the same name, with which it shares one"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "it is no JSON (line 1)"),
        (b"[\n{", "it is no JSON (line 2)"),
        (b"\xff\xfe", "it is no JSON (line 1)"),
        (b"{}", "it takes a list of entries: [{...}, {...}]"),
        (b"null", "it takes a list of entries: [{...}, {...}]"),
    ],
)
def test_a_file_that_is_no_list_is_refused(text, problem):
    assert problems_of(text=text) == [problem]


def test_a_key_written_where_it_does_not_belong_is_in_no_message(key_file, entry, events):
    canary = "msk_canary-4f1d9c2b7e6a4f1d9c2b7e6a4f1d9c2b7e6a"
    wrong = [
        {**entry(), "sha256": canary},
        {**entry(), "scopes": [canary]},
        {**entry(), "rate": {canary: 1}},
        {**entry(), "expires": canary},
        {**entry(), "key": canary},
        {**entry(), canary: 1},
        canary,
    ]
    keys = ApiKeys(key_file(entry()), events)

    for each in wrong:
        assert canary not in str(problems_of(each))
        key_file(each)
        keys.poll()
    key_file(text=f'[{{"sha256": "{canary}",,}}]')
    keys.poll()

    assert len(events) == 7  # two of them have the same problems, one after the other
    assert canary not in repr(events)


def test_a_key_that_a_caller_sends_is_in_no_error_and_no_event(keys_gate, events):
    canary = "msk_canary-4f1d9c2b7e6a4f1d9c2b7e6a4f1d9c2b7e6a"
    gate = keys_gate()

    for credentials in (
        Credentials(api_key=canary),
        Credentials(authorization=f"Bearer {canary}"),
        Credentials(authorization=f"Basic {canary}"),
        Credentials(authorization=canary),
    ):
        with pytest.raises(Unauthenticated) as refused:
            gate.admit(credentials, "infer")
        told = refused.value
        assert canary not in f"{told!r} {told.message} {told.problems} {told.challenge}"
        assert told.__cause__ is None
        assert told.__context__ is None

    assert events == []

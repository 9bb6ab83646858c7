"""Provenance as evidence: verified where a release is recorded, whatever the file says."""

import pytest

from modelway.errors import PromotionError
from modelway.image.provenance import Build, sign_provenance
from modelway.promotion.attestation import check_provenance, provenance_rules
from modelway.promotion.evidence import read_evidence
from modelway.promotion.policy import StackPolicy
from modelway.promotion.record import digest

IMAGE = f"sha256:{'a' * 64}"
ASKS = StackPolicy(evidence=("provenance",))


@pytest.fixture
def envelope(keys):
    def make(key="ci", image=IMAGE):
        return sign_provenance(Build(image, "1" * 64, "python:3.11", "https://ci"), keys[key])

    return make


@pytest.fixture
def judge(records):
    """Give the rules of a record that names these envelopes."""

    def rules(*envelopes, policy=ASKS):
        named = [
            {"kind": "provenance", "sha256": each, "outcome": "passed"}
            for each in sorted(map(digest, envelopes))
        ]
        record = records.make(evidence=named)
        new = {digest(each): each for each in envelopes}
        return provenance_rules(records.folder, record, policy, records.trusted, new)

    return rules


def test_a_provenance_is_evidence_when_a_trusted_key_signed_it(tmp_path, records, envelope):
    file = tmp_path / "provenance.json"
    file.write_bytes(envelope())

    (found,) = read_evidence(
        [f"provenance={file}"], {IMAGE}, lambda c: check_provenance(c, IMAGE, records.trusted)
    )

    assert (found.evidence.kind, found.evidence.outcome) == ("provenance", "passed")
    assert found.evidence.sha256 == digest(file.read_bytes())


def test_a_file_that_only_says_that_it_passed_is_no_provenance(tmp_path, records):
    file = tmp_path / "provenance.json"
    file.write_text('{"outcome": "passed"}')

    with pytest.raises(PromotionError, match="it is no DSSE envelope"):
        read_evidence(
            [f"provenance={file}"], {IMAGE}, lambda c: check_provenance(c, IMAGE, records.trusted)
        )


def test_the_rule_says_who_built_and_who_signed(judge, envelope):
    (rule,) = judge(envelope())

    assert (rule.name, rule.passed) == ("provenance", True)
    assert rule.found == "built by https://ci, signed by ci"


def test_one_that_counts_is_enough(judge, envelope):
    (rule,) = judge(envelope("mallory"), envelope("ci"))

    assert rule.passed


@pytest.mark.parametrize(
    ("key", "image", "found"),
    [
        ("mallory", IMAGE, "no trusted key signed it"),
        ("ci", f"sha256:{'9' * 64}", f"it speaks of sha256:{'9' * 64}"),
    ],
)
def test_one_that_does_not_count_is_told(judge, envelope, key, image, found):
    (rule,) = judge(envelope(key, image))

    assert not rule.passed
    assert found in rule.found


def test_a_policy_that_does_not_ask_for_it_judges_none(judge, envelope):
    assert judge(envelope("mallory"), policy=StackPolicy()) == []

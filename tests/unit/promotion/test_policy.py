"""The policy: read strictly, with defaults that need no file."""

import pytest

from modelway.errors import SpecError
from modelway.promotion.policy import read_policy

TEXT = """\
stacks:
  prod:
    promote_from: staging
    evidence: [tests, bake]
    approvers: [ada@example.com]
    signers: [ci]
    bake_seconds: 3600
blocked:
  sha256:%s: wrong for empty fields
""" % ("1" * 64)


def test_a_stack_has_what_the_file_says_and_others_the_defaults(tmp_path):
    (tmp_path / "policy.yaml").write_text(TEXT)

    policy = read_policy(tmp_path / "policy.yaml")

    assert policy.of("prod").evidence == ("tests", "bake")
    assert policy.of("prod").signers == ("ci",)
    assert policy.of("prod").watches_bake is True
    assert policy.of("dev").evidence == ()
    assert policy.of("dev").promote_from is None
    assert policy.of("dev").alarms_quiet is True
    assert policy.of("dev").watches_bake is False
    assert policy.blocked == {f"sha256:{'1' * 64}": "wrong for empty fields"}


def test_without_a_file_every_stack_has_the_defaults(tmp_path):
    assert read_policy(tmp_path / "none.yaml").of("prod").alarms_quiet is True


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bake_seconds: 3600", "bake_seconds: -1", ":7: stacks.prod.bake_seconds: is out of range"),
        ("approvers", "aprovers", ":5: stacks.prod.aprovers: is not a field; did you mean `appr"),
        ("sha256:1", "sha1:1", "blocked"),
        ("[tests, bake]", "[Tests]", "stacks.prod.evidence[0]: has characters"),
    ],
)
def test_a_slip_is_told_with_its_line(tmp_path, old, new, message):
    (tmp_path / "policy.yaml").write_text(TEXT.replace(old, new))

    with pytest.raises(SpecError) as failure:
        read_policy(tmp_path / "policy.yaml")

    assert message in str(failure.value)

"""Every rule of the gate, passed and failed, with what it says it found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelway.promotion.gate import (
    Live,
    LiveAlarm,
    judge_promotion,
    judge_release,
    judge_return,
    passed,
)
from modelway.promotion.ledger import Entry, Ledger
from modelway.promotion.policy import Policy
from modelway.promotion.record import Evidence, ReleaseRecord, Tools
from modelway.promotion.release import Approval, of_spec, promoted, returned
from modelway.promotion.subject import Subject

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
IMAGE, MODEL, SPEC = f"sha256:{'a' * 64}", f"sha256:{'1' * 64}", f"sha256:{'5' * 64}"
PLANS = {
    "dev": f"sha256:{'6' * 64}",
    "prod": f"sha256:{'7' * 64}",
    "staging": f"sha256:{'8' * 64}",
}
PACKAGE, OTHER = f"sha256:{'d' * 64}", f"sha256:{'e' * 64}"
TESTS = Evidence(kind="tests", sha256=f"sha256:{'b' * 64}", outcome="passed")
PARITY = Evidence(kind="parity", sha256=f"sha256:{'c' * 64}", outcome="passed")

POLICY = {
    "stacks": {
        "prod": {
            "promote_from": "staging",
            "evidence": ["tests", "parity", "bake"],
            "approvers": ["ada@example.com"],
            "bake_seconds": 3600,
        }
    }
}
APPROVAL = Approval(
    "ada@example.com", NOW, Tools(modelway="0.1.0", pulumi="3.272.0", server="0.1.0")
)
LIVE = Live(
    endpoint="fraud-staging",
    status="InService",
    images=frozenset({IMAGE}),
    models=frozenset({MODEL}),
    untold=(),
    alarms=(LiveAlarm("fraud-staging-p99-latency", "OK"),),
    since=NOW - timedelta(hours=2),
    now=NOW,
)
SUBJECT = Subject(IMAGE, {"primary": MODEL}, SPEC, PLANS["prod"], {"primary": PACKAGE})


def ledger(stack, *records, signers=("ci",), problems=()):
    entries = [Entry(each, each.id, Path(each.file_name), frozenset(signers)) for each in records]
    return Ledger(Path("releases") / stack / "fraud", stack, "fraud", tuple(entries), problems)


def subjects(**others):
    own = {stack: replace(SUBJECT, plan=plan) for stack, plan in PLANS.items()}
    return own | others


def of_staging(*evidence, **parts):
    made = of_spec(ledger("staging"), subjects(), evidence or (TESTS, PARITY), APPROVAL)
    return ReleaseRecord.model_validate(made.model_dump() | parts)


def promotion(
    source=None,
    target=None,
    policy=POLICY,
    subject=SUBJECT,
    live=LIVE,
    approval=APPROVAL,
    evidence=(),
):
    source = source or ledger("staging", of_staging())
    target = target or ledger("prod")
    record = promoted(source.newest, target, evidence, approval) if source.newest else None
    parsed = Policy.model_validate(policy)
    return judge_promotion(record, source, target, parsed, subject, live)


def failures(rules):
    return {rule.name: rule.found for rule in rules if not rule.passed}


def prod(**parts):
    return {"stacks": {"prod": {**POLICY["stacks"]["prod"], **parts}}}


def test_a_release_that_keeps_every_rule_passes_them_all_and_each_says_what_it_found():
    rules = promotion()

    assert passed(rules)
    source = ledger("staging", of_staging()).newest
    assert [(rule.name, rule.found) for rule in rules] == [
        ("origin", "prod takes releases from staging; this is staging"),
        ("source record", f"{source} of staging, signed by ci"),
        ("records of staging", "1, all signed, without a gap"),
        ("records of prod", "none yet"),
        ("new", "the first of prod"),
        ("source serves it", f"fraud-staging runs image and model of {source}"),
        ("image digest", IMAGE),
        ("model digest", MODEL),
        ("spec digest", SPEC),
        ("plan of prod", PLANS["prod"]),
        ("evidence: tests", "bbbbbbbbbbbb passed"),
        ("evidence: parity", "cccccccccccc passed"),
        ("approver", "ada@example.com"),
        ("not blocked", "neither image, model nor package"),
        ("alarms", "none of 1 fires"),
        ("bake", "7200 s since 2026-11-28T10:00:00Z, at least 3600 s wanted"),
    ]


def firing(*states):
    return tuple(LiveAlarm(f"alarm-{n}", state, "too slow") for n, state in enumerate(states))


@pytest.mark.parametrize(
    ("change", "rule", "found"),
    [
        (
            {"policy": prod(promote_from="qa")},
            "origin",
            "prod takes releases from qa; this is staging",
        ),
        (
            {"source": ledger("staging")},
            "source record",
            "staging has no record of fraud; run `modelway release` for it first",
        ),
        (
            {
                "source": ledger("staging", of_staging(), signers=("dev",)),
                "policy": {"stacks": {**POLICY["stacks"], "staging": {"signers": ["ci"]}}},
            },
            "source record",
            "signed by dev; allowed: ci",
        ),
        (
            {"source": ledger("staging", of_staging(), problems=("0002-x.json: was edited",))},
            "records of staging",
            "0002-x.json: was edited",
        ),
        (
            {"target": ledger("prod", problems=("0001-x.json: is not signed",))},
            "records of prod",
            "0001-x.json: is not signed",
        ),
        ({"live": None}, "source serves it", "staging has no endpoint of fraud"),
        (
            {"live": replace(LIVE, status="Updating")},
            "source serves it",
            "fraud-staging: its status is Updating",
        ),
        (
            {"live": replace(LIVE, images=frozenset({OTHER}))},
            "source serves it",
            f"it runs the image {OTHER}, the record says {IMAGE}",
        ),
        (
            {"live": replace(LIVE, images=frozenset({IMAGE, OTHER}))},
            "source serves it",
            "it runs the image",
        ),
        (
            {"live": replace(LIVE, models=frozenset({OTHER}))},
            "source serves it",
            f"it serves the model {OTHER}, the record says {MODEL}",
        ),
        (
            {"live": replace(LIVE, models=frozenset({OTHER}), untold=("s3://b/m.tar.gz",))},
            "source serves it",
            f"it serves the model {OTHER}",
        ),
        (
            {"subject": replace(SUBJECT, image=OTHER)},
            "image digest",
            f"recorded {IMAGE}, now {OTHER}",
        ),
        (
            {"subject": replace(SUBJECT, image=None)},
            "image digest",
            f"recorded {IMAGE}, now none",
        ),
        (
            {"subject": replace(SUBJECT, models={"primary": OTHER})},
            "model digest",
            f"primary: recorded {MODEL}, now {OTHER}",
        ),
        (
            {"subject": replace(SUBJECT, models={"primary": MODEL, "b": OTHER})},
            "model digest",
            f"b: recorded none, now {OTHER}",
        ),
        ({"subject": replace(SUBJECT, spec=OTHER)}, "spec digest", f"recorded {SPEC}, now {OTHER}"),
        (
            {"subject": replace(SUBJECT, plan=OTHER)},
            "plan of prod",
            f"recorded {PLANS['prod']}, now {OTHER}",
        ),
        (
            {"source": ledger("staging", of_staging(TESTS))},
            "evidence: parity",
            "none; give it with --evidence parity=FILE",
        ),
        (
            {"evidence": [PARITY.model_copy(update={"outcome": "failed", "sha256": OTHER})]},
            "evidence: parity",
            "eeeeeeeeeeee failed",
        ),
        (
            {"approval": replace(APPROVAL, approver="eve@example.com")},
            "approver",
            "eve@example.com; allowed: ada@example.com",
        ),
        (
            {"policy": {**POLICY, "blocked": {MODEL: "wrong for empty fields"}}},
            "not blocked",
            f"{MODEL}: wrong for empty fields",
        ),
        ({"policy": {**POLICY, "blocked": {IMAGE: "CVE"}}}, "not blocked", f"{IMAGE}: CVE"),
        ({"policy": {**POLICY, "blocked": {PACKAGE: "bias"}}}, "not blocked", f"{PACKAGE}: bias"),
        (
            {"live": replace(LIVE, alarms=firing("OK", "ALARM"))},
            "alarms",
            "alarm-1 fires: too slow",
        ),
        (
            {"live": replace(LIVE, since=NOW - timedelta(seconds=3599))},
            "bake",
            "3599 s since 2026-11-28T11:00:01Z, at least 3600 s wanted",
        ),
        (
            {"live": replace(LIVE, fired=("b", "a"))},
            "bake",
            "a, b fired meanwhile (7200 s since 2026-11-28T10:00:00Z)",
        ),
    ],
)
def test_a_broken_rule_fails_alone_and_says_what_was_found(change, rule, found):
    failed = failures(promotion(**change))

    expected = {rule, "alarms"} if change.get("live", LIVE) is None else {rule}
    assert set(failed) == expected
    assert found in failed[rule]


def test_a_bake_of_exactly_the_wanted_time_is_enough():
    assert passed(promotion(live=replace(LIVE, since=NOW - timedelta(seconds=3600))))


def test_several_broken_rules_are_all_told():
    failed = failures(
        promotion(
            subject=Subject(OTHER, {"primary": OTHER}, OTHER, OTHER),
            live=replace(LIVE, alarms=firing("ALARM")),
        )
    )

    assert list(failed) == ["image digest", "model digest", "spec digest", "plan of prod", "alarms"]


def test_the_same_release_is_not_promoted_twice():
    source = ledger("staging", of_staging())
    first = promoted(source.newest, ledger("prod"), [], APPROVAL)
    later = replace(APPROVAL, at=NOW + timedelta(days=1))

    failed = failures(promotion(source, ledger("prod", first), approval=later))

    assert failed == {"new": f"0001-{first.id[7:19]} of prod says the same already"}


def test_what_was_rolled_back_may_be_promoted_again():
    source = ledger("staging", of_staging())
    first = promoted(source.newest, ledger("prod"), [], APPROVAL)
    back = ReleaseRecord.model_validate(
        first.model_dump()
        | {"number": 2, "previous": first.id, "rollback": {"to": first.id, "content": OTHER}}
    )

    assert passed(promotion(source, ledger("prod", first, back)))


def test_without_a_policy_any_stack_any_approver_and_no_evidence_do_but_alarms_must_be_quiet():
    source = ledger("staging", of_staging())

    assert passed(promotion(source, policy={}))
    assert failures(promotion(source, policy={}, live=replace(LIVE, alarms=firing("ALARM")))) == {
        "alarms": "alarm-0 fires: too slow"
    }


def test_a_policy_may_let_alarms_fire():
    live = replace(LIVE, alarms=firing("ALARM"), fired=("alarm-0",))

    assert passed(promotion(policy=prod(alarms_quiet=False), live=live))


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_without_data_does_not_fire(state):
    assert passed(promotion(live=replace(LIVE, alarms=firing(state))))


def test_a_model_whose_address_says_no_digest_is_taken_for_the_records_and_that_is_said():
    live = replace(LIVE, models=frozenset(), untold=("s3://b/m.tar.gz",))

    rules = promotion(live=live)

    assert passed(rules)
    assert "s3://b/m.tar.gz says no digest" in next(
        rule.found for rule in rules if rule.name == "source serves it"
    )


def release(policy=None, target=None, evidence=(), **others):
    target = target or ledger("dev")
    everything = subjects(**others)
    record = of_spec(target, everything, evidence, APPROVAL)
    return judge_release(record, target, Policy.model_validate(policy or {}), everything)


def test_a_release_of_a_spec_passes_where_no_stack_differs():
    rules = release()

    assert passed(rules)
    assert [rule.name for rule in rules] == [
        "origin",
        "records of dev",
        "new",
        "same digests in every stack",
        "approver",
        "not blocked",
    ]


def test_a_stack_that_takes_releases_from_another_has_none_of_its_own():
    assert failures(release({"stacks": {"dev": {"promote_from": "qa"}}})) == {
        "origin": "dev takes releases from qa only"
    }


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (replace(SUBJECT, image=OTHER), f"dev differs: prod has {OTHER} and {MODEL}"),
        (replace(SUBJECT, image=None), f"dev differs: prod has no image and {MODEL}"),
        (
            replace(SUBJECT, models={"primary": OTHER}),
            f"dev differs: prod has {IMAGE} and {OTHER}",
        ),
    ],
)
def test_environments_may_differ_in_sizes_never_in_digests(there, found):
    assert failures(release(prod=there)) == {"same digests in every stack": found}


def test_the_same_release_with_more_evidence_is_another_one():
    first = of_spec(ledger("dev"), subjects(), [], APPROVAL)

    assert set(failures(release(target=ledger("dev", first)))) == {"new"}
    assert passed(release(target=ledger("dev", first), evidence=[TESTS]))


def test_a_way_back_asks_for_the_approver_and_the_block_list_not_for_evidence():
    record = of_staging().model_copy(update={"stack": "prod", "evidence": ()})
    blocked = Policy.model_validate({**POLICY, "blocked": {MODEL: "wrong"}})

    assert passed(judge_return(record, Policy.model_validate(POLICY)))
    assert failures(judge_return(record, blocked)) == {"not blocked": f"{MODEL}: wrong"}


def test_a_record_keeps_the_digest_of_the_package_on_every_way():
    first = of_staging()
    (entry,) = ledger("staging", first).entries
    moved = promoted(entry, ledger("prod"), [], APPROVAL)
    (older,) = ledger("prod", moved).entries
    newer = moved.model_copy(update={"number": 2, "previous": older.id, "packages": {}})

    back = returned(ledger("prod", moved, newer), older, None, APPROVAL)

    assert first.packages == moved.packages == back.packages == {"primary": PACKAGE}

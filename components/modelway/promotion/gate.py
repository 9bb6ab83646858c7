"""The gate: every rule that a release passes or fails before it is recorded for a stack.

Takes records, what the stack would deploy, the policy, and what the source's endpoint does now;
gives one verdict for each rule, with what was found. Pure: must not read files, AWS or a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modelway.promotion.ledger import Entry, Ledger
from modelway.promotion.policy import BAKE, Policy
from modelway.promotion.record import Evidence, ReleaseRecord, short
from modelway.promotion.subject import Subject


@dataclass(frozen=True)
class Rule:
    """One rule with its verdict."""

    name: str
    passed: bool
    found: str
    """What was looked at and found, for people."""


@dataclass(frozen=True)
class LiveAlarm:
    """One alarm of an endpoint."""

    name: str
    state: str
    """`OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    why: str = ""


@dataclass(frozen=True)
class Live:
    """What an endpoint does now."""

    endpoint: str
    status: str
    """SageMaker's own, such as `InService`."""
    images: frozenset[str]
    """Digests of the images that run."""
    models: frozenset[str]
    """Digests of the models that serve, as far as their addresses say them."""
    untold: tuple[str, ...]
    """Addresses of models that do not say a digest."""
    alarms: tuple[LiveAlarm, ...]
    since: datetime
    """When it began to serve this, with a time zone."""
    now: datetime
    """When all this was found, by the same clock: AWS's."""
    fired: tuple[str, ...] = ()
    """Names of alarms that fired since then."""

    def runs(self, record: ReleaseRecord) -> bool:
        """Whether its image is the record's."""
        return self.images == frozenset({record.image})

    def serves(self, record: ReleaseRecord) -> bool:
        """Whether its models are the record's; addresses that say no digest are taken for them."""
        models = frozenset(record.models.values())
        return self.models == models or (bool(self.untold) and self.models < models)


def passed(rules: Sequence[Rule]) -> bool:
    """Tell whether every rule passed."""
    return all(rule.passed for rule in rules)


def judge_release(
    record: ReleaseRecord,
    target: Ledger,
    policy: Policy,
    subjects: Mapping[str, Subject],
) -> list[Rule]:
    """Judge a record that is made of a spec, not of another record.

    Args:
        record: the next one of the target.
        target: the records of the stack.
        policy: of all stacks.
        subjects: what each stack would deploy that the release may go to, by stack.
    """
    source = policy.of(record.stack).promote_from
    origin = f"{record.stack} takes releases from {source} only" if source else "a spec"
    return [
        Rule("origin", source is None, origin),
        _records(target),
        _new(record, target),
        _same_digests(record.stack, subjects),
        *_asked(record, policy),
    ]


def judge_promotion(
    record: ReleaseRecord | None,
    source: Ledger,
    target: Ledger,
    policy: Policy,
    subject: Subject,
    live: Live | None,
) -> list[Rule]:
    """Judge a record that is made of another stack's newest.

    Args:
        record: the next one of the target; None where the source has none.
        source: the records of the stack that it comes from.
        target: the records of the stack that it goes to.
        policy: of all stacks.
        subject: what the target would deploy now.
        live: the source's endpoint; None where there is none.
    """
    allowed = policy.of(target.stack).promote_from
    origin = f"{target.stack} takes releases from {allowed or 'any stack'}"
    rules = [
        Rule("origin", allowed in (None, source.stack), f"{origin}; this is {source.stack}"),
        _source(source, policy),
        _records(source),
        _records(target),
    ]
    if record is None or source.newest is None:
        return rules
    entry = source.newest
    return [
        *rules,
        _new(record, target),
        _serves(entry, live),
        _image(entry.record, subject),
        _models(entry.record.models, subject.models),
        _equal("spec digest", entry.record.spec, subject.spec),
        _equal(f"plan of {target.stack}", entry.record.plans.get(target.stack), subject.plan),
        *_asked(record, policy),
        *_watched(policy, target.stack, live),
    ]


def judge_return(record: ReleaseRecord, policy: Policy) -> list[Rule]:
    """Judge a record that goes back: evidence was asked for when the earlier one was recorded."""
    return _who_and_what(record, policy)


def _source(source: Ledger, policy: Policy) -> Rule:
    newest = source.newest
    if newest is None:
        found = f"{source.stack} has no record of {source.model}"
        return Rule("source record", False, f"{found}; run `modelway release` for it first")
    allowed, who = policy.of(source.stack).signers, ", ".join(sorted(newest.signers))
    found = f"{newest} of {source.stack}, signed by {who}"
    if allowed and not newest.signers & {*allowed}:
        return Rule("source record", False, f"{found}; allowed: {', '.join(allowed)}")
    return Rule("source record", True, found)


def _records(ledger: Ledger) -> Rule:
    name = f"records of {ledger.stack}"
    if ledger.problems:
        return Rule(name, False, "; ".join(ledger.problems))
    count = len(ledger.entries)
    return Rule(name, True, f"{count}, all signed, without a gap" if count else "none yet")


def _new(record: ReleaseRecord, target: Ledger) -> Rule:
    newest = target.newest
    if newest is None:
        return Rule("new", True, f"the first of {record.stack}")
    if _content(newest.record) != _content(record):
        return Rule("new", True, f"not the same as {newest} of {record.stack}")
    return Rule("new", False, f"{newest} of {record.stack} says the same already")


def _content(record: ReleaseRecord) -> tuple[object, ...]:
    """Give what makes a release another one; evidence does where a chain of stacks begins."""
    own = (record.image, record.models, record.spec, record.plans[record.stack], record.rollback)
    origin = record.promoted_from
    return (*own, record.evidence if origin is None else origin.id)


def _serves(entry: Entry, live: Live | None) -> Rule:
    name, record = "source serves it", entry.record
    if live is None:
        return Rule(name, False, f"{record.stack} has no endpoint of {record.model}")
    wrong: list[str] = []
    if live.status != "InService":
        wrong.append(f"its status is {live.status}")
    if not live.runs(record):
        wrong.append(f"it runs the image {_listed(live.images)}, the record says {record.image}")
    if not live.serves(record):
        models = _listed(record.models.values())
        wrong.append(f"it serves the model {_listed(live.models)}, the record says {models}")
    if wrong:
        return Rule(name, False, f"{live.endpoint}: " + "; ".join(wrong))
    note = f"; {', '.join(live.untold)} says no digest" if live.untold else ""
    return Rule(name, True, f"{live.endpoint} runs image and model of {entry}{note}")


def _image(record: ReleaseRecord, subject: Subject) -> Rule:
    if subject.builds:
        return Rule("image digest", True, f"{record.image}, built once and taken as it is")
    return _equal("image digest", record.image, subject.image)


def _equal(name: str, recorded: str | None, here: str | None) -> Rule:
    if recorded is not None and recorded == here:
        return Rule(name, True, recorded)
    return Rule(name, False, f"recorded {recorded or 'none'}, now {here or 'none'}")


def _models(recorded: Mapping[str, str], here: Mapping[str, str]) -> Rule:
    wrong = [
        f"{variant}: recorded {recorded.get(variant, 'none')}, now {here.get(variant, 'none')}"
        for variant in sorted({*recorded, *here})
        if recorded.get(variant) != here.get(variant)
    ]
    if wrong:
        return Rule("model digest", False, "; ".join(wrong))
    return Rule("model digest", True, _listed(recorded.values()))


def _same_digests(stack: str, subjects: Mapping[str, Subject]) -> Rule:
    """Environments may differ in sizes, never in what runs."""
    own = subjects[stack]
    wrong = [
        f"{name} has {each.image or 'no image'} and {_listed(each.models.values())}"
        for name, each in sorted(subjects.items())
        if (each.image, dict(each.models)) != (own.image, dict(own.models))
    ]
    if wrong:
        return Rule("same digests in every stack", False, f"{stack} differs: " + "; ".join(wrong))
    return Rule("same digests in every stack", True, ", ".join(sorted(subjects)))


def _asked(record: ReleaseRecord, policy: Policy) -> list[Rule]:
    """Judge what the policy of the record's stack asks of every new release."""
    kinds = [kind for kind in policy.of(record.stack).evidence if kind != BAKE]
    return [*(_evidence(kind, record.evidence) for kind in kinds), *_who_and_what(record, policy)]


def _who_and_what(record: ReleaseRecord, policy: Policy) -> list[Rule]:
    approvers = policy.of(record.stack).approvers
    may = not approvers or record.approver in approvers
    found = record.approver if may else f"{record.approver}; allowed: {', '.join(approvers)}"
    digests = {record.image, *record.models.values(), *record.packages.values()}
    blocked = [f"{each}: {policy.blocked[each]}" for each in sorted(digests & {*policy.blocked})]
    return [
        Rule("approver", may, found),
        Rule("not blocked", not blocked, "; ".join(blocked) or "neither image, model nor package"),
    ]


def _evidence(kind: str, evidence: Sequence[Evidence]) -> Rule:
    name = f"evidence: {kind}"
    of_kind = [each for each in evidence if each.kind == kind]
    failed = [each for each in of_kind if each.outcome != "passed"]
    if not of_kind:
        return Rule(name, False, f"none; give it with --evidence {kind}=FILE")
    if failed:
        return Rule(name, False, f"{_files(failed)} failed")
    return Rule(name, True, f"{_files(of_kind)} passed")


def _files(evidence: Sequence[Evidence]) -> str:
    return ", ".join(short(each.sha256) for each in evidence)


def _watched(policy: Policy, stack: str, live: Live | None) -> list[Rule]:
    """Judge the source's alarms, and for how long it has served the release."""
    asked = policy.of(stack)
    if live is None:
        watched = asked.alarms_quiet or asked.watches_bake
        return [Rule("alarms", False, "there is no endpoint")] if watched else []
    rules: list[Rule] = []
    if asked.alarms_quiet:
        rules.append(_alarms(live))
    if asked.watches_bake:
        rules.append(_bake(asked.bake_seconds, asked.alarms_quiet, live))
    return rules


def _alarms(live: Live) -> Rule:
    firing = [each for each in live.alarms if each.state == "ALARM"]
    if firing:
        said = "; ".join(f"{each.name} fires: {each.why or 'no reason given'}" for each in firing)
        return Rule("alarms", False, said)
    return Rule("alarms", True, f"none of {len(live.alarms)} fires")


def _bake(wanted_seconds: int, quiet: bool, live: Live) -> Rule:
    seconds = int((live.now - live.since).total_seconds())
    lasted = f"{seconds} s since {live.since:%Y-%m-%dT%H:%M:%SZ}"
    if quiet and live.fired:
        return Rule(BAKE, False, f"{', '.join(sorted(live.fired))} fired meanwhile ({lasted})")
    return Rule(BAKE, seconds >= wanted_seconds, f"{lasted}, at least {wanted_seconds} s wanted")


def _listed(digests: Iterable[str]) -> str:
    return ", ".join(sorted({*digests})) or "none"

"""A stack that has records of a model deploys the newest one and nothing else.

Takes the folder of records and what a program is about to deploy; gives what it may deploy and a
sentence that says so, or refuses with every difference. A stack without records, such as `local` or
one that is new, deploys the spec as it is. Must not write anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from modelway.errors import NotReleased, PromotionError
from modelway.plan.model import DeploymentPlan
from modelway.promotion.attestation import release_provenance
from modelway.promotion.ledger import KEYS, Entry, has_records, read_ledger
from modelway.promotion.policy import PROVENANCE, StackPolicy, read_policy
from modelway.promotion.release import rollback_digest, tools
from modelway.promotion.signing import trusted_keys
from modelway.promotion.subject import differences, subject_of
from modelway.registry.reader import Pins
from modelway.spec.model import ModelSpec

POLICY_FILE = "policy.yaml"

Rollback = Mapping[str, Any]
"""The members of the file that `modelway rollback` writes."""


@dataclass(frozen=True)
class Wanted:
    """What a stack may deploy of one model."""

    entry: Entry | None
    """The record; None where there are none."""
    rollback: Rollback | None
    """What the endpoint gets of a rollback."""
    said: str
    """For the output, without a full stop."""


def wanted(
    releases: str | PathLike[str], spec: ModelSpec, plan: DeploymentPlan, rollback: Rollback | None
) -> Wanted:
    """Give what the stack deploys.

    Args:
        releases: the folder of all stacks' records; it need not exist.
        spec: the whole spec, with its environments.
        plan: of the same spec in this stack.
        rollback: what `load_rollback` gave.

    Raises:
        NotReleased: the records are sound, and something else would be deployed.
        PromotionError: the records were tampered with.
    """
    folder = Path(releases)
    policy = read_policy(folder / POLICY_FILE).of(plan.environment)
    if not has_records(folder, plan.environment, plan.name):
        if policy.promote_from is not None:
            raise NotReleased(
                f"deploying {plan.name} in {plan.environment}: there is no release record in "
                f"{folder}, and the policy lets {plan.environment} take releases from "
                f"{policy.promote_from} only. Run `modelway promote {plan.name} --from "
                f"{policy.promote_from} --to {plan.environment}`."
            )
        said = f"{plan.name} in {plan.environment}: no release records, the spec is deployed as is"
        return Wanted(None, rollback, said)
    trusted = trusted_keys(folder / KEYS)
    ledger = read_ledger(folder, plan.environment, plan.name, trusted).verified()
    entry = ledger.newest
    if entry is None:
        raise PromotionError(f"reading {ledger.folder}: it holds no record")
    _check_signer(entry, policy)
    _check_content(entry, spec, plan)
    record = entry.record
    if PROVENANCE in policy.evidence:
        try:
            release_provenance(folder, record, policy, trusted)
        except PromotionError as error:
            raise PromotionError(f"deploying release {entry} of {plan.name}: {error}") from None
    said = f"{plan.name} in {plan.environment}: release {entry}, approved by {record.approver}"
    if record.rollback is None:
        return Wanted(entry, None, said)
    said += f", goes back to {ledger.find(record.rollback.to)}"
    if record.rollback.content is None:
        return Wanted(entry, None, said)
    # The record, not the spec's next change, ends it: so it is bound to no configuration.
    content = _checked_rollback(entry, record.rollback.content, rollback)["content"]
    return Wanted(entry, {"instead_of": None, "content": content}, said)


def pinned(releases: str | PathLike[str], stack: str, model: str) -> Pins:
    """Give the packages that a stack's newest record says the spec's own models are.

    A record that goes back to an earlier version leaves them as they were before, and undeployed.

    Args:
        releases: the folder of all stacks' records; it need not exist.
        stack: the stack's name.
        model: the spec's name.

    Raises:
        PromotionError: the records were tampered with.
    """
    folder = Path(releases)
    if not has_records(folder, stack, model):
        return Pins()
    ledger = read_ledger(folder, stack, model, trusted_keys(folder / KEYS)).verified()
    back = False
    for entry in reversed(ledger.entries):
        if entry.record.rollback is None or entry.record.rollback.content is None:
            return Pins(entry.record.packages, deployed=not back)
        back = True
    return Pins()


def _check_signer(entry: Entry, policy: StackPolicy) -> None:
    """Fewer keys may sign the records of a stack than are trusted."""
    if policy.signers and not entry.signers & {*policy.signers}:
        raise PromotionError(
            f"deploying release {entry} of {entry.record.model}: it is signed by "
            f"{', '.join(sorted(entry.signers))}, and the policy of {entry.record.stack} allows "
            f"{', '.join(policy.signers)}."
        )


def _check_content(entry: Entry, spec: ModelSpec, plan: DeploymentPlan) -> None:
    record = entry.record
    found = differences(record, subject_of(spec, plan))
    if not found:
        return
    listed = "".join(f"\n  {each}" for each in found)
    made = record.tools.modelway
    here = tools().modelway
    versions = f" It was made by modelway {made}, this is {here}." if made != here else ""
    raise NotReleased(
        f"deploying {plan.name} in {plan.environment}: release {entry} says what this stack "
        f"deploys, and this is something else:{listed}\n"
        f"Deploy from the commit of {entry.path.name}, or release this spec where releases begin "
        f"and promote it to {plan.environment}.{versions}"
    )


def _checked_rollback(entry: Entry, content: str, rollback: Rollback | None) -> Rollback:
    doing = f"deploying {entry.record.model} in {entry.record.stack}: release {entry} goes back"
    if rollback is None:
        raise PromotionError(
            f"{doing}, but the file of the rollback was not handed over. Restore it from git, and "
            "give `rollback=load_rollback(folder, name, stack)` to the ModelDeployment."
        )
    here = rollback_digest(rollback)
    if here != content:
        raise PromotionError(
            f"{doing}, and the file of the rollback was edited: its digest is {here}, the record "
            f"says {content}. Restore it from git, or run `modelway rollback` again."
        )
    return rollback

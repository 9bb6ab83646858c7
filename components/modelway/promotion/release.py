"""The next record of a stack: made of a spec, of another stack's record, or of an earlier one.

Takes what is wanted and the records that are there, gives a record that nobody has judged or signed
yet. Must not write anything and must not read a clock: the time is given.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

from modelway import naming
from modelway.errors import PromotionError
from modelway.image.context import content_hash, serving_image_directory
from modelway.promotion.evidence import EvidenceFile
from modelway.promotion.gate import Live
from modelway.promotion.ledger import Entry, Ledger
from modelway.promotion.policy import BAKE
from modelway.promotion.record import (
    SCHEMA,
    Evidence,
    Origin,
    ReleaseRecord,
    Return,
    Tools,
    canonical_json,
    digest,
    sort_evidence,
)
from modelway.promotion.subject import Subject
from modelway.spec.problems import field_problems

_DIGEST_IN_ADDRESS = re.compile(r"/([0-9a-f]{64})/model\.tar\.gz\Z")
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Approval:
    """Who approved what, when, and with which tools it was made."""

    approver: str
    at: datetime
    """UTC."""
    tools: Tools


def tools() -> Tools:
    """Give the versions of what is installed."""
    sources = serving_image_directory()
    text = (sources / "model_server" / "__init__.py").read_text(encoding="utf-8")
    found = _VERSION.search(text)
    server = found[1] if found else "unknown"
    return Tools(
        modelway=version("modelway"),
        pulumi=version("pulumi"),
        server=f"{server}+{content_hash(sources)[:12]}",
    )


def of_spec(
    target: Ledger,
    subjects: Mapping[str, Subject],
    evidence: Iterable[Evidence],
    approval: Approval,
    built: str | None = None,
) -> ReleaseRecord:
    """Give the record of what a spec would deploy.

    Args:
        target: the records of the stack.
        subjects: what each stack would deploy that the release may go to, the target among them.
        evidence: what speaks for it.
        approval: by whom and when.
        built: digest of the image, where the spec says how it is built.

    Raises:
        PromotionError: the spec names no image by digest, or two are named.
    """
    own = subjects[target.stack]
    if own.builds and built is None:
        raise PromotionError(
            f"releasing {target.model} for stack {target.stack}: the spec says how its image is "
            "built, and a release is named by digests. Give the digest of the image that was built "
            "with --image; it is the output `image_digest` of the deployment."
        )
    if not own.builds and built is not None:
        raise PromotionError(
            f"releasing {target.model} for stack {target.stack}: --image is for a spec whose image "
            f"is built, and this one has {own.image or 'none'}. Leave it out."
        )
    image = built if own.builds else own.image
    if image is None:
        raise PromotionError(
            f"releasing {target.model} for stack {target.stack}: the spec names no image, and a "
            "release is named by digests. Build and push the image, and put "
            "`image: REPOSITORY@sha256:...` into the spec."
        )
    return _record(
        target,
        approval,
        image=image,
        models=dict(own.models),
        packages=dict(own.packages),
        spec=own.spec,
        plans={stack: subject.plan for stack, subject in sorted(subjects.items())},
        evidence=sort_evidence([*evidence]),
    )


def promoted(
    entry: Entry, target: Ledger, evidence: Iterable[Evidence], approval: Approval
) -> ReleaseRecord:
    """Give the record that takes another stack's newest over, digest by digest.

    Raises:
        PromotionError: the other record was made before the spec or the policy knew this stack.
    """
    source = entry.record
    if target.stack not in source.plans:
        raise PromotionError(
            f"promoting {entry} of {source.stack} to {target.stack}: it pins plans of "
            f"{', '.join(source.plans)}, none of {target.stack}. Name {target.stack} under "
            "`environments` of the spec or under `stacks` of the policy, and release again."
        )
    return _record(
        target,
        approval,
        image=source.image,
        models=dict(source.models),
        packages=dict(source.packages),
        spec=source.spec,
        plans=dict(source.plans),
        evidence=sort_evidence([*source.evidence, *evidence]),
        promoted_from=Origin(stack=source.stack, number=source.number, id=entry.id),
    )


def returned(
    ledger: Ledger, to: Entry, content: Mapping[str, Any] | None, approval: Approval
) -> ReleaseRecord:
    """Give the record that makes an earlier one wanted again.

    Spec and plans stay those of the newest record, since the program still deploys that spec; image
    and models are those of the earlier one.

    Args:
        ledger: the records of the stack.
        to: the earlier record.
        content: the members of the rollback file; None when the spec itself leads there.
        approval: by whom and when.
    """
    newest = _newest(ledger)
    return _record(
        ledger,
        approval,
        image=to.record.image,
        models=dict(to.record.models),
        packages=dict(to.record.packages),
        spec=newest.record.spec,
        plans=dict(newest.record.plans),
        evidence=[*to.record.evidence],
        rollback=Return(to=to.id, content=None if content is None else rollback_digest(content)),
    )


def rollback_digest(members: Mapping[str, Any]) -> str:
    """Give the digest of all that a rollback file says."""
    return f"sha256:{naming.content_hash(members)}"


def earlier(ledger: Ledger, content: Mapping[str, Any]) -> Entry:
    """Give the newest earlier record whose image and models a version was made from.

    Args:
        ledger: the records of the stack, at least one.
        content: of the version, as the endpoint's history keeps it.

    Raises:
        PromotionError: no record has them.
    """
    models: Mapping[str, Mapping[str, Any]] = content["models"]
    images = {str(model["image"]).partition("@")[2] for model in models.values()}
    told = {variant: told_digest(str(each["model_data_url"])) for variant, each in models.items()}
    newest = _newest(ledger)
    for entry in reversed(ledger.entries[:-1]):
        record = entry.record
        same_models = {*record.models} == {*told} and all(
            each in (None, record.models[variant]) for variant, each in told.items()
        )
        if images == {record.image} and same_models:
            return entry
    raise PromotionError(
        f"rolling {ledger.model} back in stack {ledger.stack}: no record before {newest} has the "
        f"image {', '.join(sorted(images))} with the models of that version, and a stack with "
        "records deploys nothing else. Go back in git to the commit that deployed it, and release "
        "it from there."
    )


def told_digest(model_data_url: str) -> str | None:
    """Give the digest that the address of an artifact says; None for one of the user's own."""
    found = _DIGEST_IN_ADDRESS.search(model_data_url)
    return f"sha256:{found[1]}" if found else None


def bake(entry: Entry, live: Live) -> EvidenceFile:
    """Give the file that says how the source's endpoint did since it serves the release.

    It counts as passed: the gate judges what it says, and nothing is written unless it passes.
    """
    content = canonical_json(
        {
            "kind": BAKE,
            "outcome": "passed",
            "subject": entry.id,
            "endpoint": live.endpoint,
            "since": live.since.isoformat(timespec="seconds"),
            "until": live.now.isoformat(timespec="seconds"),
            "alarms": {alarm.name: alarm.state for alarm in live.alarms},
            "fired": sorted(live.fired),
        }
    )
    evidence = Evidence(kind=BAKE, sha256=digest(content), outcome="passed")
    return EvidenceFile(evidence, content, ".json")


def _newest(ledger: Ledger) -> Entry:
    if ledger.newest is None:
        raise PromotionError(
            f"reading the release records of {ledger.model} in stack {ledger.stack}: it has none"
        )
    return ledger.newest


def _record(target: Ledger, approval: Approval, **parts: Any) -> ReleaseRecord:
    newest = target.newest
    members = {
        "promoted_from": None,
        "rollback": None,
        **parts,
        "schema": SCHEMA,
        "stack": target.stack,
        "model": target.model,
        "number": 1 if newest is None else newest.record.number + 1,
        "previous": None if newest is None else newest.id,
        "tools": approval.tools,
        "approver": approval.approver,
        "created_at": f"{approval.at:%Y-%m-%dT%H:%M:%SZ}",
    }
    try:
        return ReleaseRecord.model_validate(members)
    except ValidationError as error:
        problems = "; ".join(str(each) for each in field_problems(ReleaseRecord, error))
        raise PromotionError(
            f"recording a release of {target.model} for stack {target.stack}: {problems}"
        ) from None

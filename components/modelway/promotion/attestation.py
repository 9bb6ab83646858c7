"""The provenance of a release's image: evidence of its own kind, which is verified, not believed.

Takes envelopes and trusted keys; gives what a release's provenance says, or why it does not count.
It is given as `--evidence provenance=FILE`, kept with the record's other files, and verified again
wherever the policy of a stack asks for it: when a record is made, and at each preview.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import ImageError, PromotionError
from modelway.image.provenance import Provenance, verify_provenance
from modelway.promotion.gate import Rule
from modelway.promotion.ledger import EVIDENCE
from modelway.promotion.policy import PROVENANCE, StackPolicy
from modelway.promotion.record import ReleaseRecord, digest, short

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


def check_provenance(
    envelope: bytes,
    image: str,
    trusted: "Mapping[str, EllipticCurvePublicKey]",
    builders: Sequence[str] = (),
) -> Provenance:
    """Give what a provenance says of an image.

    Args:
        envelope: a file's bytes.
        image: digest of the image.
        trusted: public keys by name.
        builders: ids of the builders whose provenance counts. Default: any.

    Raises:
        PromotionError: it does not count.
    """
    try:
        found = verify_provenance(envelope, image, trusted)
    except ImageError as error:
        raise PromotionError(str(error)) from None
    if builders and found.builder not in builders:
        raise PromotionError(
            f"verifying the provenance of the image {image}: it was built by {found.builder}; the "
            f"policy allows {', '.join(builders)}"
        )
    return found


def release_provenance(
    releases: Path,
    record: ReleaseRecord,
    policy: StackPolicy,
    trusted: "Mapping[str, EllipticCurvePublicKey]",
    new: Mapping[str, bytes] | None = None,
) -> Provenance:
    """Give the provenance of a record's image.

    Args:
        releases: the folder of all records.
        record: that names it as evidence.
        policy: of the record's stack.
        trusted: public keys by name.
        new: evidence that is not kept yet, by digest.

    Raises:
        PromotionError: there is none that counts; every reason is told.
    """
    named = [each.sha256 for each in record.evidence if each.kind == PROVENANCE]
    problems: list[str] = []
    for sha256 in named:
        try:
            content = (new or {}).get(sha256) or _kept(releases, sha256)
            return check_provenance(content, record.image, trusted, policy.builders)
        except PromotionError as error:
            problems.append(str(error))
    if not named:
        problems.append(
            f"the image {record.image} has no provenance; make it with `modelway image provenance`,"
            " and give it with --evidence provenance=FILE"
        )
    raise PromotionError("; ".join(problems))


def provenance_rules(
    releases: Path,
    record: ReleaseRecord,
    policy: StackPolicy,
    trusted: "Mapping[str, EllipticCurvePublicKey]",
    new: Mapping[str, bytes],
) -> list[Rule]:
    """Judge a record's provenance, where its stack's policy asks for it."""
    if PROVENANCE not in policy.evidence:
        return []
    try:
        found = release_provenance(releases, record, policy, trusted, new)
    except PromotionError as error:
        return [Rule("provenance", False, str(error))]
    by = ", ".join(sorted(found.signers))
    return [Rule("provenance", True, f"built by {found.builder}, signed by {by}")]


def _kept(releases: Path, sha256: str) -> bytes:
    path = releases / EVIDENCE / f"{sha256.removeprefix('sha256:')}.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PromotionError(
            f"reading the provenance {short(sha256)}: {path}: {error.strerror}; restore it from git"
        ) from None
    if digest(content) != sha256:
        raise PromotionError(
            f"reading the provenance {short(sha256)}: {path} was changed; restore it from git"
        )
    return content

"""A judged record becomes the stack's newest: signed, checked as a preview will check it, written.

Takes a record, its ledger and a private key; gives the record's path. Writes nothing that a preview
would refuse. Must not judge the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import PromotionError
from modelway.promotion.evidence import EvidenceFile
from modelway.promotion.folder import ReleaseFolder
from modelway.promotion.ledger import Ledger, append, keep_evidence
from modelway.promotion.record import ReleaseRecord, canonical
from modelway.promotion.signing import MAKE_KEY, private_key, sign, signers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True)
class Seal:
    """The key that signs, known to be one whose signature counts."""

    key: "EllipticCurvePrivateKey"
    folder: ReleaseFolder

    @classmethod
    def of(cls, folder: ReleaseFolder, key: Path | None, passphrase: str | None) -> "Seal":
        """Read the key.

        Raises:
            PromotionError: there is none, or it cannot be read.
        """
        if key is None:
            raise PromotionError(
                "signing a release record: no key was given. Give --key KEY.pem, or set "
                f"MODELWAY_RELEASE_KEY; {MAKE_KEY}"
            )
        return cls(private_key(key, passphrase), folder)

    def check(self, record: ReleaseRecord) -> None:
        """Refuse a key whose signature a preview would not take.

        Raises:
            PromotionError: the key is not trusted, or not for this stack.
        """
        self._sign(record)

    def write(
        self, ledger: Ledger, record: ReleaseRecord, files: Sequence[EvidenceFile] = ()
    ) -> Path:
        """Sign the record, and write it with the files that it names.

        Raises:
            PromotionError: as `check`, or it cannot be written.
        """
        envelope = self._sign(record)
        for file in files:
            keep_evidence(self.folder.releases, file.content, file.suffix)
        return append(ledger, record, envelope)

    def _sign(self, record: ReleaseRecord) -> bytes:
        doing = f"signing a release record of {record.model} for stack {record.stack}"
        payload = canonical(record)
        envelope = sign(payload, self.key)
        keys = self.folder.keys_folder
        try:
            names = signers(envelope, payload, self.folder.trusted())
        except PromotionError:
            raise PromotionError(
                f"{doing}: the key is not one of those that are trusted in {keys}. Put its public "
                f"part there with `mkdir -p {keys} && openssl pkey -in KEY.pem -pubout -out "
                f"{keys}/NAME.pem`."
            ) from None
        allowed = self.folder.policy().of(record.stack).signers
        if allowed and not names & {*allowed}:
            raise PromotionError(
                f"{doing}: the key is {', '.join(sorted(names))}'s, and the policy allows "
                f"{', '.join(allowed)}."
            )
        return envelope

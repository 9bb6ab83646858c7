"""Records, keys and ledgers, made as the product makes them."""

from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from modelway.promotion.ledger import append, read_ledger
from modelway.promotion.record import ReleaseRecord, canonical
from modelway.promotion.signing import sign


def digest_of(letter):
    return f"sha256:{letter * 64}"


@dataclass
class Records:
    """The records of the model `fraud`, in a folder, signed by `ci`."""

    folder: object
    keys: dict = field(default_factory=dict)

    @property
    def trusted(self):
        return {"ci": self.keys["ci"].public_key(), "dev": self.keys["dev"].public_key()}

    def ledger(self, stack="prod", trusted=None):
        return read_ledger(
            self.folder, stack, "fraud", self.trusted if trusted is None else trusted
        )

    def make(self, stack="prod", **parts):
        """Give the next record of a stack, not yet written."""
        newest = self.ledger(stack).newest
        members = {
            "schema": "modelway.release/1",
            "stack": stack,
            "model": "fraud",
            "number": 1 if newest is None else newest.record.number + 1,
            "previous": None if newest is None else newest.id,
            "image": digest_of("a"),
            "models": {"primary": digest_of("1")},
            "spec": digest_of("5"),
            "plans": {"dev": digest_of("6"), "prod": digest_of("7"), "staging": digest_of("8")},
            "tools": {"modelway": "0.1.0", "pulumi": "3.272.0", "server": "0.1.0+0123456789ab"},
            "evidence": [],
            "approver": "ada@example.com",
            "promoted_from": None,
            "rollback": None,
            "created_at": "2026-11-28T10:00:00Z",
        }
        return ReleaseRecord.model_validate(members | parts)

    def write(self, stack="prod", key="ci", **parts):
        """Write the next record of a stack and give its entry."""
        record = self.make(stack, **parts)
        append(self.ledger(stack), record, sign(canonical(record), self.keys[key]))
        return self.ledger(stack).newest


@pytest.fixture(scope="session")
def keys():
    """Private keys; `mallory`'s is trusted by nobody."""
    return {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ci", "dev", "mallory")}


@pytest.fixture
def records(tmp_path, keys):
    return Records(tmp_path / "releases", keys)

"""Going back to an earlier release, in a stack that has records.

Takes the stack's records and the version that is to serve again, gives a record that points back,
ready to be written. What going back means for the endpoint is `modelway.sagemaker.rollback`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelway.errors import PromotionError
from modelway.promotion.gate import judge_return
from modelway.promotion.ledger import Ledger
from modelway.promotion.record import ReleaseRecord
from modelway.promotion.release import Approval, earlier, returned
from modelway.promotion.seal import Seal


@dataclass(frozen=True)
class Prepared:
    """A record that was judged, and a key whose signature counts."""

    ledger: Ledger
    record: ReleaseRecord
    seal: Seal

    def write(self) -> Path:
        """Sign and write it."""
        return self.seal.write(self.ledger, self.record)


def prepare(
    ledger: Ledger,
    content: Mapping[str, Any],
    rollback: Mapping[str, Any] | None,
    seal: Seal,
    approval: Approval,
) -> Prepared:
    """Make and judge the record; nothing is written yet.

    Args:
        ledger: the records of the stack, at least one.
        content: what the version was made from, as the endpoint's history keeps it.
        rollback: the members of the rollback file; None when the spec itself leads there.
        seal: the key.
        approval: by whom and when.

    Raises:
        PromotionError: no record has that version, the policy refuses it, or the key does not
            count.
    """
    record = returned(ledger, earlier(ledger, content), rollback, approval)
    refused = [rule for rule in judge_return(record, seal.folder.policy()) if not rule.passed]
    if refused:
        said = "; ".join(f"{rule.name}: {rule.found}" for rule in refused)
        raise PromotionError(f"rolling {ledger.model} back in stack {ledger.stack}: {said}")
    seal.check(record)
    return Prepared(ledger, record, seal)

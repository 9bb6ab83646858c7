"""A release record: what was made once and proved, by digests.

Takes plain values or a file's bytes, gives a frozen `ReleaseRecord`, its canonical bytes and its
id. Pure: must not read files, clocks or keys.

A record has exactly one form: JSON with sorted keys, two spaces of indentation, UTF-8 and one final
newline. So it can be read in the diff of a pull request, `sha256sum` of its file is its id, and a
file in any other form was not written by modelway and is refused.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from modelway.errors import PromotionError
from modelway.spec.part import Name, Part
from modelway.spec.problems import field_problems

SCHEMA = "modelway.release/1"

ID_DIGITS = 12
"""Hexadecimal digits of the id that a file's name shows."""

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 lower-case hexadecimal digits."""

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
"""What a piece of evidence is, such as `tests`, `parity`, `rehearsal` or `bake`."""

Approver = Annotated[str, StringConstraints(pattern=r"^[!-~][ -~]*$", max_length=200)]
"""Who approved: an e-mail address or a user name, in printable ASCII."""


class Evidence(Part):
    """One file that speaks for a release."""

    kind: Kind
    """Such as `tests`, `parity`, `rehearsal` or `bake`."""
    sha256: Digest
    """Digest of the file, which lies in `evidence/` beside the stacks."""
    outcome: Literal["passed", "failed"]
    """What the file says."""


class Tools(Part):
    """Versions of what made the release."""

    modelway: str
    pulumi: str
    """Of Pulumi's SDK."""
    server: str
    """Of the model server's sources that come with this modelway."""


class Origin(Part):
    """The record that this one was promoted from."""

    stack: Name
    number: int = Field(ge=1)
    id: Digest


class Return(Part):
    """Going back to an earlier release of the same stack."""

    to: Digest
    """The id of the record whose image and models serve again."""
    content: Digest | None
    """Digest of the rollback file that says what is deployed instead of the spec's own; null when
    the spec itself leads there."""


class ReleaseRecord(Part):
    """What one stack deploys of one model, and why it may."""

    # Fields keep AWS's and Kubernetes' words for digests; `schema` is a method of pydantic's base.
    model_config = ConfigDict(serialize_by_alias=True)

    format: Literal["modelway.release/1"] = Field(default=SCHEMA, alias="schema")
    stack: Name
    """The stack that deploys it."""
    model: Name
    """The spec's name."""
    number: int = Field(ge=1)
    """Counts the records of this model in this stack, from 1."""
    previous: Digest | None
    """The id of the record before this one; null for number 1."""
    image: Digest
    """Digest of the serving image. Which registry it is pulled from may differ by account."""
    models: dict[str, Digest] = Field(min_length=1)
    """Digest of each model with what is packed beside it, by variant."""
    packages: dict[str, Digest] = Field(default_factory=dict[str, Digest])
    """Digest of each package, by variant, which no signature changes; none for a model file."""
    spec: Digest
    """Digest of the spec before any environment's overrides, so that environments may differ."""
    plans: dict[Name, Digest] = Field(min_length=1)
    """Digest of the plan in each stack that the release may go to."""
    tools: Tools
    evidence: tuple[Evidence, ...]
    """Sorted by kind and digest."""
    approver: Approver
    promoted_from: Origin | None
    """Null for a record that was made of a spec."""
    rollback: Return | None
    """Null unless this record goes back to an earlier one."""
    created_at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    """UTC, in whole seconds."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.number == 1) != (self.previous is None):
            raise PydanticCustomError(
                "chain", "`previous` must be null in number 1, and only there"
            )
        if self.rollback is not None and self.number == 1:
            raise PydanticCustomError("chain", "number 1 has nothing to go back to")
        if self.stack not in self.plans:
            raise PydanticCustomError("plans", "`plans` must hold the record's own stack")
        if list(self.evidence) != sort_evidence(self.evidence):
            raise PydanticCustomError("evidence", "`evidence` must be sorted, and each only once")
        return self

    @property
    def id(self) -> str:
        """`sha256:` and the digest of the canonical bytes."""
        return record_id(canonical(self))

    @property
    def file_name(self) -> str:
        """`<number>-<first 12 digits of the id>.json`."""
        return f"{self.number:04d}-{short(self.id)}.json"


def sort_evidence(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Give each piece of evidence once, in the order that a record has."""
    once = {(each.kind, each.sha256, each.outcome): each for each in evidence}
    return [once[key] for key in sorted(once)]


def canonical(record: ReleaseRecord) -> bytes:
    """Give a record's one form."""
    return canonical_json(record.model_dump(mode="json"))


def canonical_json(value: object) -> bytes:
    """Give JSON with sorted keys, two spaces of indentation and one final newline."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def digest(content: bytes) -> str:
    """Give `sha256:` and the hexadecimal digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def record_id(content: bytes) -> str:
    """Give the id of the record with these bytes."""
    return digest(content)


def short(record_id: str) -> str:
    """Give the digits of an id that people read."""
    return record_id.removeprefix("sha256:")[:ID_DIGITS]


def read_record(content: bytes) -> ReleaseRecord:
    """Read a record from its bytes.

    Raises:
        PromotionError: the bytes are no record, or not in its one form; every problem is told.
    """
    try:
        value: object = json.loads(content)
        record = ReleaseRecord.model_validate(value)
    except ValidationError as error:
        problems = field_problems(ReleaseRecord, error)
        raise PromotionError("; ".join(str(problem) for problem in problems)) from None
    except (ValueError, RecursionError) as error:
        raise PromotionError(f"it is not JSON: {error}") from None
    if canonical(record) != content:
        raise PromotionError(
            "it is not in the form that modelway writes (sorted keys, two spaces, one final "
            "newline), so it was edited"
        )
    return record

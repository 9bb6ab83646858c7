"""The records of one model in one stack, as files that git tracks.

    releases/<stack>/<model>/0001-3f2a....json         the record
    releases/<stack>/<model>/0001-3f2a....dsse.json    its signature
    releases/evidence/<digest>...                      files that records name

Takes a folder and trusted keys, gives a `Ledger`: what could be read, and every problem of the
rest. Nothing is taken from a ledger with problems. Writes the next record and never overwrites one.
Must not judge whether a record should exist.

Records are numbered without gaps and each names the one before it, so none can be taken out of the
middle or put in. That the newest ones were taken away together, a ledger cannot show: git does.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import PromotionError
from modelway.promotion.record import (
    ID_DIGITS,
    ReleaseRecord,
    canonical,
    digest,
    read_record,
    record_id,
    short,
)
from modelway.promotion.signing import signers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

RELEASES = "releases"
"""The folder of all records, beside the program."""

EVIDENCE, KEYS = "evidence", "keys"
"""Folders beside those of the stacks; no stack with records can have such a name."""

LARGEST_RECORD_BYTES = 1024 * 1024
"""A record has about 2 KB; what is larger is not read."""

_SUFFIX, _ENVELOPE_SUFFIX = ".json", ".dsse.json"
_STEM = re.compile(rf"(?P<number>\d{{4,9}})-(?P<id>[0-9a-f]{{{ID_DIGITS}}})")


@dataclass(frozen=True)
class Entry:
    """One record as it was read and verified."""

    record: ReleaseRecord
    id: str
    path: Path
    signers: frozenset[str]
    """Names of the trusted keys that signed it."""

    def __str__(self) -> str:
        """Give number and id, as people name a record."""
        return f"{self.record.number:04d}-{short(self.id)}"


@dataclass(frozen=True)
class Ledger:
    """The records of one model in one stack."""

    folder: Path
    stack: str
    model: str
    entries: tuple[Entry, ...] = ()
    """The oldest first; those before the first problem."""
    problems: tuple[str, ...] = ()
    """Everything that is wrong, each with its file."""

    @property
    def empty(self) -> bool:
        """Whether the stack has no records of this model, not even wrong ones."""
        return not self.entries and not self.problems

    @property
    def newest(self) -> Entry | None:
        """The record that the stack deploys."""
        return self.entries[-1] if self.entries else None

    @property
    def goes_back(self) -> bool:
        """Whether the newest record makes an earlier one wanted again."""
        return bool(self.entries) and self.entries[-1].record.rollback is not None

    def find(self, id_: str) -> Entry | None:
        """Give the record with this id."""
        return next((entry for entry in self.entries if entry.id == id_), None)

    def verified(self) -> "Ledger":
        """Give itself.

        Raises:
            PromotionError: it has problems; all are told.
        """
        if not self.problems:
            return self
        listed = "".join(f"\n  {problem}" for problem in self.problems)
        raise PromotionError(
            f"reading the release records of {self.model} in stack {self.stack}: they are not as "
            f"modelway wrote them:{listed}\n"
            f"Restore them with `git checkout -- {self.folder}`, and find out who changed them."
        )


def read_ledger(
    releases: Path, stack: str, model: str, trusted: "Mapping[str, EllipticCurvePublicKey]"
) -> Ledger:
    """Read and verify the records of one model in one stack.

    Args:
        releases: the folder of all stacks.
        stack: the stack's name.
        model: the spec's name.
        trusted: public keys by name.
    """
    folder = releases / stack / model
    files, problems = _listed(folder)
    entries: list[Entry] = []
    for number, file in enumerate(files, 1):
        try:
            entries.append(_read(file, number, (stack, model), entries, trusted))
        except (PromotionError, OSError) as error:
            problems.append(f"{file}: {error}")
            break  # what follows hangs on this one
    return Ledger(folder, stack, model, tuple(entries), tuple(problems))


def has_records(releases: Path, stack: str, model: str) -> bool:
    """Tell whether a stack has records of a model, without reading them."""
    folder = releases / stack / model
    return folder.is_dir() and any(path.name[0] != "." for path in folder.iterdir())


def recorded(releases: Path) -> list[tuple[str, str]]:
    """Give every stack and model that has records, sorted."""
    stacks = [each for each in _folders(releases) if each.name not in (EVIDENCE, KEYS)]
    return [(stack.name, model.name) for stack in stacks for model in _folders(stack)]


def append(ledger: Ledger, record: ReleaseRecord, envelope: bytes) -> Path:
    """Write the next record with its signature.

    Args:
        ledger: as it was read when the record was made.
        record: the next one.
        envelope: its signature.

    Raises:
        PromotionError: the ledger has problems, or another record was written meanwhile.
    """
    ledger.verified()
    if record.stack in (EVIDENCE, KEYS):
        raise PromotionError(
            f"writing a release record of stack {record.stack}: that folder holds {record.stack} "
            "of all stacks; call the stack otherwise"
        )
    folder = ledger.folder
    path = folder / record.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            files, problems = _listed(folder)
            if problems or len(files) != len(ledger.entries):
                raise PromotionError(
                    f"writing {path}: another record was written meanwhile; run the command again"
                )
            # A record without its signature would stop every deployment, a signature alone is told.
            _write_new(path.with_suffix(_ENVELOPE_SUFFIX), envelope)
            _write_new(path, canonical(record))
    except OSError as error:
        raise PromotionError(f"writing {path}: {error.strerror}") from None
    return path


def keep_evidence(releases: Path, content: bytes, suffix: str) -> Path:
    """Keep a file that a record names, under its digest.

    Raises:
        PromotionError: it cannot be written.
    """
    path = releases / EVIDENCE / f"{digest(content).removeprefix('sha256:')}{suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            _write_new(path, content)
    except OSError as error:
        raise PromotionError(f"writing {path}: {error.strerror}") from None
    return path


def _listed(folder: Path) -> tuple[list[Path], list[str]]:
    """Give the files of records in their order, and what does not belong there."""
    if not folder.is_dir():
        return [], []
    records: dict[int, Path] = {}
    problems: list[str] = []
    # Names with a leading dot are of writing that was interrupted, or version control's own.
    names = {path.name: path for path in sorted(folder.iterdir()) if path.name[0] != "."}
    for name, path in names.items():
        is_envelope = name.endswith(_ENVELOPE_SUFFIX)
        suffix = _ENVELOPE_SUFFIX if is_envelope else _SUFFIX
        stem = name.removesuffix(suffix)
        found = _STEM.fullmatch(stem)
        if found is None or not name.endswith(suffix):
            problems.append(f"{path}: is neither a record nor a signature of one")
        elif is_envelope:
            if f"{stem}{_SUFFIX}" not in names:
                problems.append(f"{path}: signs a record that is not there")
        elif (number := int(found["number"])) in records:
            problems.append(f"{path}: number {number} is taken by {records[number].name}")
        else:
            records[number] = path
    for expected, number in enumerate(sorted(records), 1):
        if number != expected:
            problems.append(f"{records[number]}: comes after number {expected}, which is not there")
            break
    return [records[number] for number in sorted(records)], problems


def _read(
    file: Path,
    number: int,
    place: tuple[str, str],
    before: list[Entry],
    trusted: "Mapping[str, EllipticCurvePublicKey]",
) -> Entry:
    content = _bytes(file)
    id_ = record_id(content)
    if short(id_) not in file.name:
        raise PromotionError(
            f"was edited: its digest begins with {short(id_)}, its name says otherwise"
        )
    record = read_record(content)
    if (record.stack, record.model) != place:
        raise PromotionError(f"is a record of {record.model} in stack {record.stack}")
    if record.number != number or record.file_name != file.name:
        raise PromotionError(f"says that it is number {record.number}, its place is {number}")
    previous = before[-1].id if before else None
    if record.previous != previous:
        raise PromotionError(
            f"follows {record.previous or 'none'}, but the record before it is "
            f"{previous or 'none'}: one was taken out, put in or exchanged"
        )
    back = record.rollback
    if back is not None and all(entry.id != back.to for entry in before):
        raise PromotionError(f"goes back to {back.to}, which is no earlier record")
    envelope = file.with_suffix(_ENVELOPE_SUFFIX)
    if not envelope.is_file():
        raise PromotionError(f"is not signed: {envelope.name} is not there")
    return Entry(record, id_, file, signers(_bytes(envelope), content, trusted))


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(LARGEST_RECORD_BYTES + 1)
    if len(content) > LARGEST_RECORD_BYTES:
        raise PromotionError(f"has more than {LARGEST_RECORD_BYTES} bytes")
    return content


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Keep other runs on this machine out; of those elsewhere, git tells."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; an existing one is an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)

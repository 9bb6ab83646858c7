"""The emulator's memory on disk: every request that changed something, in order.

Takes a folder; appends entries and gives them back after a restart. An entry holds all that makes
a request give the same result again: what was asked, the virtual time and the seed of every id. It
holds no signature and no session token. Bodies above 64 KiB lie beside it, named by their content.
An append is flushed to the operating system, so that entries outlive the death of the process (not
of the machine). This module does not know what the requests mean.
"""

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from modelway.errors import EmulatorError

FORMAT = 1
"""Raised whenever an older journal could not be replayed any more."""

BLOB_THRESHOLD_BYTES = 64 * 1024

_HEADERS_LEFT_OUT = frozenset(
    {
        "accept-encoding",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "connection",
        "content-length",
        "expect",
        "transfer-encoding",
        "x-amz-security-token",
    }
)
_SIGNATURE = re.compile(r"(Signature=|X-Amz-Security-Token=)[^&,\s]+")


@dataclass(frozen=True)
class Entry:
    """One request that changed something."""

    at: float
    """Virtual time, in seconds since the epoch."""
    seed: int
    method: str
    url: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    body: bytes


class Journal:
    """The journal in one folder, made where it is missing.

    Args:
        folder: where `journal.jsonl` and `blobs/` lie; belongs to this emulator alone.

    Raises:
        EmulatorError: the journal is of another format.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"
        self._blobs = folder / "blobs"
        self.repaired: str = ""
        """What was dropped from a journal that a dying process left incomplete; usually empty."""
        self._repair()
        self._file: IO[bytes] = self._open()

    def append(self, entry: Entry) -> None:
        """Add one entry; returns when it would outlive this process."""
        record: dict[str, Any] = {
            "at": entry.at,
            "seed": entry.seed,
            "method": entry.method,
            "url": _SIGNATURE.sub(r"\g<1>0", entry.url),
            "headers": {
                name: _SIGNATURE.sub(r"\g<1>0", value)
                for name, value in entry.headers.items()
                if name.lower() not in _HEADERS_LEFT_OUT
            },
        }
        if len(entry.body) > BLOB_THRESHOLD_BYTES:
            record["blob"] = self._keep(entry.body)
        elif entry.body:
            record["body"] = base64.b64encode(entry.body).decode()
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def entries(self) -> Iterator[Entry]:
        """Give all entries, oldest first.

        Raises:
            EmulatorError: an entry cannot be read; the message names its line.
        """
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number == 1:
                    continue
                try:
                    record = json.loads(line)
                    yield Entry(
                        at=record["at"],
                        seed=record["seed"],
                        method=record["method"],
                        url=record["url"],
                        headers=record["headers"],
                        body=self._body(record),
                    )
                except (ValueError, KeyError, OSError) as error:
                    raise EmulatorError(
                        f"restoring the emulator's state: {self._path}, line {number} cannot be"
                        f" read ({error}); start with another --state folder, or remove this one"
                    ) from error

    def clear(self) -> None:
        """Forget everything."""
        self._file.close()
        self._path.unlink(missing_ok=True)
        shutil.rmtree(self._blobs, ignore_errors=True)
        self._file = self._open()

    def close(self) -> None:
        """Close the file; nothing can be appended afterwards."""
        self._file.close()

    def _open(self) -> IO[bytes]:
        new = not self._path.exists()
        file = self._path.open("ab")
        if new:
            file.write(json.dumps({"format": FORMAT}).encode() + b"\n")
            file.flush()
        return file

    def _repair(self) -> None:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if not complete:
            self._path.unlink()
            return
        try:
            found = json.loads(complete[: complete.index(b"\n")]).get("format")
        except (ValueError, AttributeError):
            found = None
        if found != FORMAT:
            raise EmulatorError(
                f"restoring the emulator's state: {self._path} has format {found!r}; this version"
                f" reads {FORMAT}. Start with another --state folder, or remove this one"
            )
        if len(complete) < len(content):
            self.repaired = (
                f"the last {len(content) - len(complete)} bytes of {self._path} were an incomplete"
                " entry and are dropped: the request was never answered"
            )
            with self._path.open("r+b") as file:
                file.truncate(len(complete))

    def _keep(self, body: bytes) -> str:
        name = hashlib.sha256(body).hexdigest()
        path = self._blobs / name
        if not path.exists():
            self._blobs.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(body)
            os.replace(part, path)  # noqa: PTH105 - atomic, and a blob is whole or absent
        return name

    def _body(self, record: dict[str, Any]) -> bytes:
        if "blob" in record:
            return (self._blobs / record["blob"]).read_bytes()
        return base64.b64decode(record.get("body", ""))

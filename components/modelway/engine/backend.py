"""A file backend as the engine lays it out: stacks, their state and their locks.

Takes a `file://` URL, gives paths, pending operations and a way to drop them. It must not read or
write anything but what it names, and replaces a state file in one step, after a backup.

Layout (pulumi/pulumi: pkg/backend/diy, v3.225.0; `project/` is missing in backends older than
v3.61): `.pulumi/stacks/<project>/<stack>.json[.gz]`,
`.pulumi/locks/organization/<project>/<stack>/<id>.json`.
"""

import gzip
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from modelway.errors import EngineError

ORGANIZATION = "organization"
"""The one organization that a file backend has."""

STATE_SUFFIXES = (".json.gz", ".json")


@dataclass(frozen=True)
class PendingOperation:
    """A step that an engine began and whose end it did not record."""

    kind: str
    """`creating`, `updating`, `deleting`, `reading` or `importing`."""
    urn: str
    """The resource; its last part is the name that the program gave it."""
    physical_name: str | None = None
    """What it was to be called outside, which the engine decides before it creates."""


@dataclass(frozen=True)
class FileBackend:
    """Where a file backend lies."""

    root: Path
    """The directory that holds `.pulumi`."""

    @classmethod
    def from_url(cls, url: str) -> "FileBackend":
        """Read a backend's URL, as in PULUMI_BACKEND_URL.

        Args:
            url: `file:///absolute`, `file://~/below-home` or `file://./relative`.

        Raises:
            EngineError: it is not the URL of a file backend.
        """
        parts = urlsplit(url)
        if parts.scheme != "file":
            raise EngineError(
                f"reading the state backend {url!r}: only file:// backends can be repaired here; "
                "for another backend make sure that no engine runs, then use `pulumi cancel` and "
                "`pulumi refresh --clear-pending-creates`"
            )
        path = Path(unquote(parts.netloc + parts.path) or ".").expanduser()
        return cls(path.resolve())

    def stacks(self) -> list[str]:
        """List the stacks that have a state or a lock, as `organization/project/stack`."""
        found = {stack for stack, _ in self._states()}
        locks = self.root / ".pulumi" / "locks"
        found.update(
            file.parent.relative_to(locks).as_posix() for file in sorted(locks.rglob("*.json"))
        )
        return sorted(found)

    def lock_directory(self, stack: str) -> Path:
        """Name the directory of a stack's locks; it need not exist."""
        return self.root / ".pulumi" / "locks" / stack

    def state_file(self, stack: str) -> Path | None:
        """Name the file of a stack's state, or None when it has none yet."""
        return dict(self._states()).get(stack)

    def pending_operations(self, stack: str) -> tuple[PendingOperation, ...]:
        """List what the stack's last engine left unfinished.

        Raises:
            EngineError: the state cannot be read.
        """
        file = self.state_file(stack)
        if file is None:
            return ()
        latest = _latest(file, _load(file))
        return tuple(
            PendingOperation(
                str(entry["type"]),
                str(entry["resource"]["urn"]),
                _physical_name(entry["resource"].get("inputs") or {}),
            )
            for entry in latest.get("pending_operations") or ()
        )

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """List the resources in a stack's state, as the engine writes them.

        Raises:
            EngineError: the state cannot be read.
        """
        file = self.state_file(stack)
        return [] if file is None else list(_latest(file, _load(file)).get("resources") or ())

    def drop_pending_operations(self, stack: str) -> None:
        """Take the pending operations out of a stack's state; the caller holds the stack's lock.

        The state before is kept where the engine keeps its own backups.

        Raises:
            EngineError: the state cannot be read.
        """
        file = self.state_file(stack)
        if file is None:
            return
        document = _load(file)
        latest = _latest(file, document)
        if not latest.pop("pending_operations", None):
            return
        self._back_up(stack, file)
        text = json.dumps(document, indent=4).encode()
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=f".{file.name}-", suffix=".tmp", delete=False
        ) as made:
            made.write(gzip.compress(text) if file.suffix == ".gz" else text)
            made.flush()
            os.fsync(made.fileno())
        shutil.copymode(file, made.name)
        Path(made.name).replace(file)
        # Holds the old content's checksum; the engine makes it again.
        file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)

    def _states(self) -> Iterator[tuple[str, Path]]:
        """Yield each stack that has a state, with its file."""
        stacks = self.root / ".pulumi" / "stacks"
        for file in sorted(stacks.rglob("*.json*")):
            for suffix in STATE_SUFFIXES:
                if file.name.endswith(suffix):
                    relative = file.relative_to(stacks).as_posix().removesuffix(suffix)
                    scoped = "/" in relative
                    yield (f"{ORGANIZATION}/{relative}" if scoped else relative), file
                    break

    def _back_up(self, stack: str, file: Path) -> None:
        """Copy a state to where the engine keeps its backups, under a name of its kind."""
        below = stack.removeprefix(f"{ORGANIZATION}/")
        directory = self.root / ".pulumi" / "backups" / below
        directory.mkdir(parents=True, exist_ok=True)
        name, _, suffix = file.name.partition(".json")
        shutil.copyfile(file, directory / f"{name}.{time.time_ns()}.json{suffix}")


def configured_backend(environment: Mapping[str, str], directory: Path) -> str | None:
    """Name the backend that `pulumi` would use in a directory, in its order of preference.

    Args:
        environment: where to read PULUMI_BACKEND_URL, PULUMI_HOME and HOME.
        directory: where to look for Pulumi.yaml, and above it.

    Returns:
        Its URL, or None when nothing names one.
    """
    if url := environment.get("PULUMI_BACKEND_URL"):
        return url
    for place in (directory, *directory.parents):
        file = place / "Pulumi.yaml"
        if file.is_file():
            try:
                project = yaml.safe_load(file.read_text(encoding="utf-8"))
            except (OSError, ValueError, yaml.YAMLError):
                break  # the engine words that better
            backend = project.get("backend") if isinstance(project, dict) else None
            if isinstance(backend, dict) and backend.get("url"):
                return str(backend["url"])
            break
    user = Path(environment.get("HOME", "/"))
    credentials = Path(environment.get("PULUMI_HOME", user / ".pulumi")) / "credentials.json"
    try:
        return json.loads(credentials.read_bytes()).get("current") or None
    except (OSError, ValueError, AttributeError):
        return None


def _physical_name(inputs: Mapping[str, Any]) -> str | None:
    """Find the name among a resource's inputs, under any of the keys that providers use."""
    for key in ("name", "bucket", "endpoint_name", "dashboardName"):
        if isinstance(inputs.get(key), str):
            return str(inputs[key])
    return None


def _load(file: Path) -> dict[str, Any]:
    """Read a state file.

    Raises:
        EngineError: it is not the JSON that an engine writes.
    """
    try:
        data = file.read_bytes()
        document = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    except (OSError, ValueError, EOFError) as error:
        raise EngineError(
            f"reading the stack's state {str(file)!r}: {error}; restore a copy from the "
            "`backups` directory beside `stacks`"
        ) from None
    if not isinstance(document, dict) or document.get("version") != 3:  # noqa: PLR2004
        raise EngineError(
            f"reading the stack's state {str(file)!r}: its version is not 3, the one that engines "
            "of version 3 write; repair it with that engine's `pulumi cancel`"
        )
    return document


def _latest(file: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Give the part of a state that describes the last deployment; empty for a new stack."""
    try:
        return document["checkpoint"].get("latest") or {}
    except (KeyError, AttributeError):
        raise EngineError(
            f"reading the stack's state {str(file)!r}: it has no checkpoint; restore a copy from "
            "the `backups` directory beside `stacks`"
        ) from None

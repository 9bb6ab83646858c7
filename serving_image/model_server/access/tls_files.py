"""TLS of a listening socket, whose files may be replaced while it listens.

Takes the files, gives what the next handshake uses. Connections keep what they began with. Where
the files changed they are read again; those that cannot be used are told of once and change
nothing. Must not serve anything itself.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from model_server.access.certificates import server_context
from model_server.access.entries import FileUnusable, OnEvent, no_events

State = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM."""

    certificate: Path
    key: Path
    client_authorities: Path | None = None
    """Who signs clients' certificates; None: clients need none."""
    required: bool = True
    """Whether a client without a certificate is turned away. grpcio can demand certificates or not
    ask for them: where they are optional, gRPC asks for none."""


class Tls:
    """What the next handshake uses."""

    def __init__(self, files: TlsFiles, on_event: OnEvent = no_events) -> None:
        """Read the files.

        Args:
            files: what to read, now and when they change.
            on_event: told of changes and faults.

        Raises:
            FileUnusable: a file is not what it should be.
        """
        self.files = files
        self._on_event = on_event
        self._read = self._seen = self._look()
        self.context = self._make()

    def current(self) -> ssl.SSLContext:
        """Give what a handshake that begins now uses."""
        return self.context

    def refresh(self) -> bool:
        """Read the files again where they changed since the call before the last one.

        They are several and may be replaced one after the other, so they are only read when they
        have stayed the same from one call to the next.

        Returns:
            Whether there is something new.
        """
        before, self._seen = self._seen, self._look()
        if self._seen == self._read or self._seen != before:
            return False
        self._read = self._seen
        file = str(self.files.certificate)
        try:
            self.context = self._make()
        except FileUnusable as error:
            self._on_event(
                "access_file_unusable",
                file=file,
                problems=error.problems,
                hint="what was read before stays in force",
            )
            return False
        self._on_event("access_file_changed", file=file)
        return True

    def _make(self) -> ssl.SSLContext:
        files = self.files
        return server_context(
            files.certificate, files.key, files.client_authorities, required=files.required
        )

    def _look(self) -> State:
        """Give what changes when a file does; empty for one that cannot be looked at."""
        files = (self.files.certificate, self.files.key, self.files.client_authorities)
        return tuple(_state(path) for path in files if path is not None)


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev, found.st_size

"""Model directories: what a container finds in /opt/ml/model.

Takes a model's location in the emulated S3, gives a read-only folder, extracted once for each
content and shared by all replicas. An archive may hold nothing that leaves the folder: absolute
names, `..`, devices and links outside are refused (tarfile's `data` filter, PEP 706). Must not know
who uses the folder.
"""

import contextlib
import hashlib
import io
import os
import shutil
import stat
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from modelway.emulator.hosting.deployment import ModelData

Fetch = Callable[[str, str, bool, threading.Event], list[tuple[str, bytes]]]
"""Takes bucket, key, whether that is a prefix, and an event that ends the wait; gives keys with
their bytes, none if absent."""

CONTAINER = "container_1"
"""What AWS calls the only container in its messages on model data."""

READ_FILE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
READ_FOLDER = READ_FILE | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class ModelDataFailed(Exception):  # noqa: N818 - a state that the caller reports
    """The model data could not be had; the message is AWS's failure reason."""


class ModelStore:
    """Folders with model data, by content.

    Args:
        folder: where they are kept; made when needed.
        fetch: reads from S3.
    """

    def __init__(self, folder: Path, fetch: Fetch) -> None:
        self._folder, self._fetch = folder, fetch
        self._lock = threading.Lock()

    def directory(self, data: ModelData | None, stopping: threading.Event) -> Path:
        """Give the folder for a model, fetching and extracting what is not there yet.

        Raises:
            ModelDataFailed: there is no such object, or it is no archive that may be extracted.
        """
        if data is None:
            return self._made("none", lambda _folder: None)
        bucket, _, key = data.uri.split("://", 1)[1].partition("/")
        objects = self._fetch(bucket, key, data.prefix, stopping)
        if not objects:
            raise ModelDataFailed(not_downloaded(data.uri))
        digest = hashlib.sha256(repr((data.compressed, data.prefix)).encode())
        for name, content in objects:
            digest.update(hashlib.sha256(name.encode() + b"\0" + content).digest())

        def fill(folder: Path) -> None:
            if data.compressed:
                _extract(objects[0][1], folder, data.uri)
            else:
                _write(objects, key if data.prefix else key.rpartition("/")[0], folder)

        return self._made(digest.hexdigest(), fill)

    def clear(self) -> None:
        """Remove every folder; nothing may be using one."""
        with self._lock:
            _remove(self._folder)

    def _made(self, name: str, fill: Callable[[Path], None]) -> Path:
        final = self._folder / name
        with self._lock:
            if not final.is_dir():
                # Filled under another name: what was interrupted is never taken for whole.
                partial = self._folder / f".{name}"
                _remove(partial)
                partial.mkdir(parents=True)
                try:
                    fill(partial)
                except BaseException:
                    _remove(partial)
                    raise
                partial.rename(final)
                _set_modes(final)
        return final


def not_downloaded(uri: str) -> str:
    """Give AWS's reason for model data that is not there."""
    return (
        f'Failed to download model data for container "{CONTAINER}" from URL: "{uri}". Please '
        "ensure that there is an object located at the URL and that the role passed to "
        "CreateModel has permissions to download the object."
    )


def _extract(archive: bytes, folder: Path, uri: str) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ModelDataFailed(
            f'Failed to extract model data archive for container "{CONTAINER}" from URL "{uri}". '
            "Please ensure that the object located at the URL is a valid tar.gz archive."
        ) from error


def _write(objects: list[tuple[str, bytes]], base: str, folder: Path) -> None:
    for key, content in objects:
        name = key[len(base) :].lstrip("/")
        target = (folder / name).resolve()
        # S3 keys may hold anything, `..` included.
        if not name or name.endswith("/") or not target.is_relative_to(folder.resolve()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _everything(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            yield Path(parent) / name
    yield folder


def _set_modes(folder: Path) -> None:
    # Readable by all: in a container another user reads them.
    for path in _everything(folder):
        if not path.is_symlink():
            path.chmod(READ_FOLDER if path.is_dir() else READ_FILE)


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for parent, folders, _ in os.walk(folder):
            for name in folders:
                path = Path(parent) / name
                if not path.is_symlink():
                    with contextlib.suppress(OSError):
                        path.chmod(stat.S_IRWXU)
        folder.chmod(stat.S_IRWXU)
        shutil.rmtree(folder)

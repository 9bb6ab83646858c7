"""The blobs of the emulated registry: layers, configurations and other content, on disk.

Takes streams, keeps what has the digest that was promised, gives files. A repository is a folder,
and a blob is a file in it that its digest names; a blob that was mounted from another repository is
a hard link, so it takes no room. Nothing is held in memory but the state of running uploads, which
do not outlive the process. Must not know manifests, HTTP or AWS's API.

The folder is made with the first upload: an emulator without images costs nothing.
"""

import contextlib
import hashlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

CHUNK_BYTES = 1024 * 1024
"""Read and written at once."""

LARGEST_BLOB_BYTES = 20 * 1024**3
"""Of one blob. ECR takes 52,000 MiB (ECR service quotas, "Maximum layer size"); more than this on a
laptop is a mistake."""

MOST_UPLOADS = 256
"""Running at once; one more takes the place of the one that was idle longest."""


class Repository(NamedTuple):
    """Where a repository is."""

    account: str
    """12 digits."""
    region: str
    name: str


class UploadError(Exception):
    """An upload cannot go on; the message is for whoever uploads."""


class OutOfOrder(UploadError):  # noqa: N818 - what the client did
    """A part does not begin where the one before it ended."""


class WrongDigest(UploadError):  # noqa: N818 - what the client did
    """The content is not what its digest says."""


class TooLarge(UploadError):  # noqa: N818 - what the client did
    """The blob would exceed `LARGEST_BLOB_BYTES`."""


class Upload:
    """One blob on its way into a repository. Its methods may be called in any thread."""

    def __init__(self, repository: Repository, id_: str, path: Path) -> None:
        self.repository = repository
        self.id = id_
        self.size_bytes = 0
        """What has arrived."""
        self.touched = time.monotonic()
        self._path = path
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        path.touch()

    def append(self, read: Callable[[int], bytes], start: int | None = None) -> int:
        """Add what a stream gives until it ends; gives the size so far, in bytes.

        Args:
            read: gives at most as many bytes as it is asked for, and none at the end.
            start: where the part begins in the blob. Default: where the last one ended.

        Raises:
            OutOfOrder: it begins elsewhere; nothing was read.
            TooLarge: the blob would be too large.
        """
        with self._lock:
            if start is not None and start != self.size_bytes:
                raise OutOfOrder(f"the next part begins at {self.size_bytes}, this one at {start}")
            with self._path.open("r+b") as file:
                # What an interrupted part has left behind does not count.
                file.truncate(self.size_bytes)
                file.seek(self.size_bytes)
                self._receive(read, file)
            self.touched = time.monotonic()
            return self.size_bytes

    def _receive(self, read: Callable[[int], bytes], file: IO[bytes]) -> None:
        while chunk := read(CHUNK_BYTES):
            if self.size_bytes + len(chunk) > LARGEST_BLOB_BYTES:
                raise TooLarge(f"a blob has at most {LARGEST_BLOB_BYTES} bytes here")
            file.write(chunk)
            self._sha256.update(chunk)
            self.size_bytes += len(chunk)

    def move(self, digest: str, folder: Path) -> None:
        """Put the whole blob where it belongs.

        Raises:
            WrongDigest: it has another digest.
        """
        with self._lock:
            real = f"sha256:{self._sha256.hexdigest()}"
            if real != digest:
                raise WrongDigest(f"the content has the digest {real}, not {digest}")
            folder.mkdir(parents=True, exist_ok=True)
            self._path.replace(folder / _hex(digest))

    @property
    def digest(self) -> str:
        """Of what has arrived."""
        with self._lock:
            return f"sha256:{self._sha256.hexdigest()}"

    def discard(self) -> None:
        """Forget what has arrived."""
        self._path.unlink(missing_ok=True)


class BlobStore:
    """The blobs of all repositories of one emulator.

    Args:
        root: a folder of this store alone; need not exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uploads: dict[str, Upload] = {}
        self._cleaned = False
        self._lock = threading.Lock()

    def size_bytes(self, repository: Repository, digest: str) -> int | None:
        """Give a blob's size, or None where the repository does not have it."""
        try:
            return self._path(repository, digest).stat().st_size
        except OSError:
            return None

    def open(self, repository: Repository, digest: str) -> IO[bytes] | None:
        """Open a blob for reading, or give None."""
        try:
            return self._path(repository, digest).open("rb")
        except OSError:
            return None

    def mount(self, source: Repository, target: Repository, digest: str) -> bool:
        """Give a repository the blob that another one has; tells whether that one has it."""
        folder = self._folder(target)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._path(source, digest), folder / _hex(digest))
        except FileExistsError:
            return True
        except FileNotFoundError:
            return False
        return True

    def begin(self, repository: Repository, id_: str | None = None) -> Upload:
        """Begin an upload.

        Args:
            repository: where the blob is to go.
            id_: names the upload. Default: a random UUID.
        """
        folder = self._root / "uploads"
        with self._lock:
            if not self._cleaned:
                # What another process has left cannot go on: its digest is lost.
                shutil.rmtree(folder, ignore_errors=True)
                self._cleaned = True
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if len(self._uploads) >= MOST_UPLOADS:
                idle = min(self._uploads.values(), key=lambda each: each.touched)
                self._uploads.pop(idle.id).discard()
            id_ = id_ or str(uuid.uuid4())
            self._uploads[id_] = Upload(repository, id_, folder / id_)
            return self._uploads[id_]

    def upload(self, repository: Repository, id_: str) -> Upload | None:
        """Find a running upload."""
        found = self._uploads.get(id_)
        return found if found is not None and found.repository == repository else None

    def finish(self, upload: Upload, digest: str) -> None:
        """Keep what was uploaded.

        Raises:
            WrongDigest: it has another digest; the upload is forgotten.
        """
        self._forget(upload)
        try:
            upload.move(digest, self._folder(upload.repository))
        except WrongDigest:
            upload.discard()
            raise

    def cancel(self, upload: Upload) -> None:
        """Give an upload up."""
        self._forget(upload)
        upload.discard()

    def remove(self, repository: Repository) -> None:
        """Forget all blobs of a repository."""
        shutil.rmtree(self._folder(repository), ignore_errors=True)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._uploads.clear()
            for name in ("uploads", "repositories"):
                shutil.rmtree(self._root / name, ignore_errors=True)

    def _forget(self, upload: Upload) -> None:
        with self._lock, contextlib.suppress(KeyError):
            del self._uploads[upload.id]

    def _folder(self, repository: Repository) -> Path:
        # A name has slashes, and may be longer than a file's name may be.
        name = hashlib.sha256("\n".join(repository).encode()).hexdigest()
        return self._root / "repositories" / name

    def _path(self, repository: Repository, digest: str) -> Path:
        return self._folder(repository) / _hex(digest)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")

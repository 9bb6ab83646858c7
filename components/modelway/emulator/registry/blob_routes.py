"""The registry's routes for blobs: reading them, and every way to upload one.

    POST  .../blobs/uploads/                 begin, or all at once with `digest`, or mount
    PATCH .../blobs/uploads/<id>             one part: streamed, or with `Content-Range`
    PUT   .../blobs/uploads/<id>?digest=...  the last part, or all of it
    GET, DELETE .../blobs/uploads/<id>       how far it is; give it up
    GET, HEAD   .../blobs/<digest>           the blob, or a range of it

Takes requests that are allowed, gives replies; bytes go straight between the socket and the disk.
"""

import re
from collections.abc import Iterator
from typing import IO

from modelway.emulator.listener import Environ
from modelway.emulator.registry.blobs import (
    CHUNK_BYTES,
    BlobStore,
    OutOfOrder,
    Repository,
    TooLarge,
    Upload,
    WrongDigest,
)
from modelway.emulator.registry.catalog import Catalog
from modelway.emulator.registry.manifests import DIGEST
from modelway.emulator.registry.reply import RegistryError, Reply

_CONTENT_RANGE = re.compile(r"(?:bytes )?(?P<first>\d+)-(?P<last>\d+)(?:/\S+)?")
_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


class BlobRoutes:
    """What is under `/blobs/`.

    Args:
        blobs: the store.
        catalog: knows which repositories there are.
    """

    def __init__(self, blobs: BlobStore, catalog: Catalog) -> None:
        self._blobs, self._catalog = blobs, catalog

    def begin(self, repository: Repository, given: dict[str, str], environ: Environ) -> Reply:
        """Begin an upload, or finish it at once."""
        if "mount" in given and self._mounted(repository, given):
            return _created(repository, given["mount"])
        upload = self._blobs.begin(repository)
        if "digest" in given:
            return self._finish(upload, given["digest"], environ)
        return _under_way(upload, 202)

    def append(self, repository: Repository, given: dict[str, str], environ: Environ) -> Reply:
        """Take one part."""
        upload = self._upload(repository, given)
        self._receive(upload, environ)
        return _under_way(upload, 202)

    def finish(self, repository: Repository, given: dict[str, str], environ: Environ) -> Reply:
        """Take the last part and compare the digest."""
        return self._finish(self._upload(repository, given), given.get("digest", ""), environ)

    def status(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        """Say how much has arrived."""
        return _under_way(self._upload(repository, given), 204)

    def cancel(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        """Give an upload up."""
        self._blobs.cancel(self._upload(repository, given))
        return Reply(204)

    def get(self, repository: Repository, given: dict[str, str], environ: Environ) -> Reply:
        """Give a blob, or a range of it."""
        digest = given["digest"]
        file = self._blobs.open(repository, digest)
        if file is None:
            raise RegistryError("BLOB_UNKNOWN", f"{repository.name} has no blob {digest}")
        size = file.seek(0, 2)
        try:
            first, last = _asked(environ.get("HTTP_RANGE"), size)
        except RegistryError:
            file.close()
            raise
        length = last - first + 1
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
            "Content-Length": str(length),
        }
        if length < size:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        status = 206 if length < size else 200
        if environ["REQUEST_METHOD"] == "HEAD":
            file.close()
            return Reply(status, headers)
        return Reply(status, headers, _chunks(file, first, length))

    def _mounted(self, repository: Repository, given: dict[str, str]) -> bool:
        digest, source = given["mount"], repository._replace(name=given.get("from", ""))
        if DIGEST.fullmatch(digest) is None:
            raise RegistryError("DIGEST_INVALID", f"{digest!r} is not sha256:<64 hex>")
        try:
            self._catalog.check(source)
        except RegistryError:
            return False  # the specification: then an upload begins
        return self._blobs.mount(source, repository, digest)

    def _upload(self, repository: Repository, given: dict[str, str]) -> Upload:
        upload = self._blobs.upload(repository, given["upload"])
        if upload is None:
            said = f"{repository.name} has no upload {given['upload']}; begin again"
            raise RegistryError("BLOB_UPLOAD_UNKNOWN", said)
        return upload

    def _finish(self, upload: Upload, digest: str, environ: Environ) -> Reply:
        if DIGEST.fullmatch(digest) is None:
            raise RegistryError("DIGEST_INVALID", f"digest is {digest!r}, not sha256:<64 hex>")
        self._receive(upload, environ)
        try:
            self._blobs.finish(upload, digest)
        except WrongDigest as error:
            raise RegistryError("DIGEST_INVALID", str(error)) from None
        return _created(upload.repository, digest)

    def _receive(self, upload: Upload, environ: Environ) -> None:
        given = environ.get("HTTP_CONTENT_RANGE")
        start = None
        if given is not None:
            found = _CONTENT_RANGE.fullmatch(given)
            if found is None:
                said = f"Content-Range is {given!r}; allowed: FIRST-LAST"
                raise RegistryError("BLOB_UPLOAD_INVALID", said)
            start = int(found["first"])
        try:
            upload.append(environ["wsgi.input"].read, start)
        except OutOfOrder as error:
            headers = dict(_under_way(upload, 416).headers)
            raise RegistryError("BLOB_UPLOAD_INVALID", str(error), 416, headers) from None
        except TooLarge as error:
            self._blobs.cancel(upload)
            raise RegistryError("SIZE_INVALID", str(error)) from None
        except ConnectionError:
            raise  # nobody waits for an answer; what has arrived stays
        except OSError as error:
            raise RegistryError(
                "UNKNOWN", f"the blob cannot be written: {error.strerror}"
            ) from None


def _under_way(upload: Upload, status: int) -> Reply:
    headers = {
        "Location": f"/v2/{upload.repository.name}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size_bytes - 1, 0)}",
        "Docker-Upload-UUID": upload.id,
    }
    return Reply(status, headers)


def _created(repository: Repository, digest: str) -> Reply:
    location = f"/v2/{repository.name}/blobs/{digest}"
    return Reply(201, {"Location": location, "Docker-Content-Digest": digest})


def _asked(header: str | None, size: int) -> tuple[int, int]:
    """Give the first and the last byte that a request wants (RFC 9110, "Range Requests").

    Several ranges, or none that can be read, are all of it.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or not (found["first"] or found["last"]):
        return 0, size - 1
    if not found["first"]:
        return max(size - int(found["last"]), 0), size - 1
    first = int(found["first"])
    last = min(int(found["last"] or size - 1), size - 1)
    if first >= size or first > last:
        headers = {"Content-Range": f"bytes */{size}"}
        raise RegistryError("SIZE_INVALID", f"{header} of {size} bytes", 416, headers)
    return first, last


def _chunks(file: IO[bytes], first: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk

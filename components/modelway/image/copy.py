"""Copies an image from one registry to another, byte for byte: its digest stays.

Takes two registries and a digest, copies everything that belongs to the image: the manifests of an
index, all blobs, and what refers to it (SBOM, provenance, signatures), and what refers to that.
What is there already is skipped, so a copy that was interrupted goes on where it was. Blobs are
streamed from one to the other. Must not build or change anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from modelway.errors import ImageError
from modelway.image.reference import tag_of
from modelway.image.registry import Manifest, RegistryClient

DEEPEST = 8
"""An index in an index, a signature of an SBOM: real ones have two or three levels."""

Tell = Callable[[str, int, int], None]
"""Called as bytes arrive: what, bytes so far, bytes in all."""


@dataclass(frozen=True)
class Place:
    """One repository of one registry."""

    registry: RegistryClient
    repository: str


@dataclass
class Copied:
    """What a copy did."""

    manifests: int = 0
    """Put, of all that were looked at."""
    blobs: int = 0
    size_bytes: int = 0
    """Of these blobs."""
    skipped: int = 0
    """Manifests and blobs that were there."""
    digests: list[str] = field(default_factory=list[str])
    """Of every manifest that is there now."""


def copy_image(source: Place, target: Place, digest: str, tell: Tell) -> Copied:
    """Copy an image by digest, and verify that it is all there.

    Args:
        source: where it is.
        target: where it is to be; the repository exists.
        digest: `sha256:` and 64 hexadecimal digits.
        tell: hears of progress.

    Raises:
        ImageError: something is missing in the source, or a registry refuses.
    """
    copied = Copied()
    _copy(source, target, digest, tell, copied, tag_of(digest), 0)
    for each in copied.digests:
        _verify(target, each)
    return copied


def _copy(
    source: Place,
    target: Place,
    digest: str,
    tell: Tell,
    copied: Copied,
    tag: str | None,
    depth: int,
) -> None:
    if digest in copied.digests:
        return
    if depth > DEEPEST:
        raise ImageError(f"copying {source.repository}@{digest}: it is nested too deeply")
    manifest = source.registry.manifest(source.repository, digest)
    if manifest is None:
        raise ImageError(f"copying {source.repository}@{digest}: there is no such image")
    copied.digests.append(digest)
    for child in manifest.children:
        _copy(source, target, child, tell, copied, None, depth + 1)
    for blob, size_bytes in manifest.blobs.items():
        _copy_blob(source, target, blob, size_bytes, tell, copied)
    _put(target, manifest, tag, copied)
    for referrer in source.registry.referrers(source.repository, digest):
        beside: str = referrer["digest"]
        _copy(source, target, beside, tell, copied, tag_of(beside), depth + 1)


def _put(target: Place, manifest: Manifest, tag: str | None, copied: Copied) -> None:
    reference = tag or manifest.digest
    there = target.registry.manifest(target.repository, reference)
    if there is not None and there.digest == manifest.digest:
        copied.skipped += 1
        return
    target.registry.put_manifest(target.repository, manifest, reference)
    copied.manifests += 1


def _copy_blob(
    source: Place, target: Place, digest: str, size_bytes: int, tell: Tell, copied: Copied
) -> None:
    if target.registry.has_blob(target.repository, digest):
        copied.skipped += 1
        return
    chunks = source.registry.read_blob(source.repository, digest)
    watched = _watched(chunks, digest, size_bytes, tell)
    target.registry.put_blob(target.repository, digest, size_bytes, watched)
    copied.blobs += 1
    copied.size_bytes += size_bytes


def _watched(chunks: Iterator[bytes], digest: str, size_bytes: int, tell: Tell) -> Iterator[bytes]:
    done = 0
    tell(digest, done, size_bytes)
    for chunk in chunks:
        done += len(chunk)
        yield chunk
        tell(digest, done, size_bytes)


def _verify(target: Place, digest: str) -> None:
    manifest = target.registry.manifest(target.repository, digest)  # compares the digest
    doing = f"verifying the copy {target.repository}@{digest}"
    if manifest is None:
        raise ImageError(f"{doing}: it is not there; copy it again")
    absent = [
        each for each in manifest.blobs if not target.registry.has_blob(target.repository, each)
    ]
    if absent:
        raise ImageError(f"{doing}: it lacks the blobs {', '.join(absent)}; copy it again")

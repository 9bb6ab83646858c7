"""The model file of a folder: which one it is, whether it may be loaded, and its digest.

Takes a folder, gives an `Artifact` or `ModelUnusable`. Reads the one ``*.onnx`` file and looks at
the files that it refers to; whatever else lies in the folder, pickles above all, is never opened.
Must not load anything, and nothing that it refuses has been given to onnxruntime.

Refused before loading:

- a model file, or external data, that is outside the folder: by an absolute path, by ``..``, by a
  symbolic link whose end is outside, or by a hard link, whose other end nobody can see
  (CVE-2022-25882, CVE-2024-27318, CVE-2024-5187, CVE-2025-51480, CVE-2026-27489)
- onnxruntime's name for data at an address of memory, and any name that no file can have
- external data that is missing, no ordinary file, or shorter than the model says
- what is no ONNX file: pickle, PyTorch, NumPy, HDF5, archives, onnxruntime's own format
- a graph with precompiled engines (``EPContext``), which are code for an accelerator
- a file over 2 GiB, which protobuf cannot read
- a package (``core.package``) that is not what its manifest and, where keys are trusted, its
  signature say; and what is no package, where keys are trusted
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model_server.core.errors import ModelUnusable
from model_server.core.onnx_file import (
    MAX_TEXT_BYTES,
    Malformed,
    Reference,
    read_contents,
)
from model_server.core.package import Package, check_package, hash_of
from model_server.core.stamps import Stamp, stamp, stamp_of

MAX_MODEL_BYTES = 2**31 - 1
"""Largest protobuf message (protobuf.dev/programming-guides/proto-limits, read 2026-11)."""

MAX_EXTERNAL_FILES = 10_000
"""Different files of external data in one model; exporters write one, or one a tensor."""

MAX_LISTED = 10
"""Names of files that a message lists at most."""

FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive, as PyTorch and NumPy write"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\xfd7zXZ\x00", "xz data"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
    (4, b"ORTM", "a model in onnxruntime's own format"),
    (257, b"ustar", "a tar archive"),
    (0, b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself"),
)
"""Where formats that are taken for ONNX have their mark."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model file that may be loaded."""

    path: Path

    digest: str
    """``sha256:`` and the hexadecimal hash of the model file. With external data it is the hash of
    a list of hashes, as ``sha256sum model.onnx weights.bin | sha256sum`` makes it in the model
    folder, external files in the order of their names."""

    size_bytes: int
    """Size of the model file and the external data."""

    loops: bool
    """Whether it holds loops, whose number of turns its input may decide."""

    stamps: tuple[tuple[Path, Stamp], ...]
    """What `verify_unchanged` compares."""

    package: Package | None = None
    """The package that it is the model of, checked; None: it is of none."""

    def may_hold(self, name: str) -> bool:
        """Whether a file beside the model may be opened: of a package, only what it lists."""
        return self.package is None or self.path.parent / name in self.package.sha256

    def verify_unchanged(self) -> None:
        """Make sure that what was loaded since is what was checked.

        Raises:
            ModelUnusable: a file was exchanged meanwhile.
        """
        for path, known in self.stamps:
            if stamp(path) != known:
                raise ModelUnusable(f"{path.name} was changed while it was loaded")


def find_model(folder: Path) -> Path:
    """Give the one model file of a folder, or the file itself where that was named.

    ``model.onnx`` wins; otherwise there must be exactly one ``*.onnx``. Subfolders are not
    searched.

    Raises:
        ModelUnusable: there is no folder, no model, or more than one.
    """
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise ModelUnusable("the model folder or file does not exist")
    preferred = folder / "model.onnx"
    if preferred.is_file():
        return preferred
    found = sorted(path for path in folder.glob("*.onnx") if path.is_file())
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found[:MAX_LISTED])
        raise ModelUnusable(
            f"the model folder holds {len(found)} models ({names}); leave one, or name the one "
            "to serve model.onnx"
        )
    others = ", ".join(sorted(path.name for path in folder.iterdir())[:MAX_LISTED])
    raise ModelUnusable(f"the model folder holds no *.onnx file; it holds {others or 'nothing'}")


def inspect(folder: Path, trusted_keys: str | None = None) -> Artifact:
    """Find and check the model of a folder.

    Reads every file of the model once: call it in a thread.

    Args:
        folder: of the model.
        trusted_keys: public keys of which one must have signed it, as `check_package` takes them.

    Raises:
        ModelUnusable: it cannot be found, or must not be loaded.
    """
    package = check_package(folder, trusted_keys)
    try:
        path = find_model(folder) if package is None else package.model
        root = (folder.parent if folder.is_file() else folder).resolve()
        ensure_inside(path, root, path.name)
        # Not blocking: a pipe that was put in the file's place would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ModelUnusable(f"the model folder could not be read: {error.strerror}") from error
    try:
        return _checked(path, root, descriptor, package)
    except Malformed as error:
        raise ModelUnusable(f"{path.name} could not be loaded: {error}") from error
    except OSError as error:
        raise ModelUnusable(f"{path.name} could not be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _checked(path: Path, root: Path, descriptor: int, package: Package | None) -> Artifact:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ModelUnusable(f"{path.name} is no ordinary file")
    _check_size(path.name, status.st_size)
    _check_format(descriptor)
    contents = read_contents(descriptor, status.st_size)
    if contents.engines:
        raise ModelUnusable(
            f"{path.name} holds a precompiled engine (EPContext), which is code; export the "
            "model without it"
        )
    external = _external(path, root, contents.references)
    known = {} if package is None else package.sha256
    if package is not None:
        _check_listed(path, package, external)
    return Artifact(
        path=path,
        digest=f"sha256:{_digest(path, descriptor, external, known)}",
        size_bytes=status.st_size + sum(size for _, _, size, _ in external.values()),
        loops=contents.loops,
        stamps=((path, stamp_of(status)), *external.items()) if package is None else package.stamps,
        package=package,
    )


def _check_listed(model: Path, package: Package, external: Iterable[Path]) -> None:
    """Make sure that what is about to be loaded is what the package was checked for."""
    names = sorted(repr(file.name) for file in external if file not in package.sha256)
    if names:
        raise ModelUnusable(
            f"{model.name} refers to files that are not in the package's manifest: "
            + ", ".join(names[:MAX_LISTED])
        )


def _check_size(name: str, size: int) -> None:
    if size == 0:
        raise ModelUnusable(f"{name} is empty")
    if size > MAX_MODEL_BYTES:
        raise ModelUnusable(
            f"{name} has {size} bytes, and an ONNX file has {MAX_MODEL_BYTES} at most; save its "
            "weights as external data beside it"
        )


def _check_format(descriptor: int) -> None:
    head = os.pread(descriptor, 512, 0)
    for offset, mark, description in FOREIGN:
        if head.startswith(mark, offset):
            raise Malformed(f"it is {description}, not ONNX")
    # Protocol 2 to 5; earlier ones have no mark, and fail as everything that is no ONNX.
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        raise Malformed("it is a pickle, which is never read, not ONNX")


def _digest(
    model: Path, descriptor: int, external: Iterable[Path], known: Mapping[Path, str]
) -> str:
    own = known.get(model) or hash_of(descriptor)
    files = sorted(external)
    if not files:
        return own
    lines = [f"{own}  {model.name}\n"]
    for file in files:
        name = file.relative_to(model.parent).as_posix()
        lines.append(f"{known.get(file) or _hash(file)}  {name}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hash_of(opened.fileno())


def _external(model: Path, root: Path, references: frozenset[Reference]) -> dict[Path, Stamp]:
    """Check the files of external data, and give them with their stamps."""
    locations = {reference.location for reference in references}
    if len(locations) > MAX_EXTERNAL_FILES:
        raise ModelUnusable(f"{model.name} refers to more than {MAX_EXTERNAL_FILES} files")
    found: dict[bytes | None, tuple[Path, Stamp]] = {}
    problems: set[str] = set()
    for location in locations:
        try:
            found[location] = _external_file(model, root, location)
        except ModelUnusable as error:
            problems.add(error.message)
    for reference in references:
        if reference.location not in found:
            continue
        file, (_, _, size, _) = found[reference.location]
        if not _fits(reference, size):
            problems.add(f"external data {file.name!r} is shorter than the model says")
    if problems:
        raise ModelUnusable(
            f"{model.name} refers to files that cannot be used: "
            + "; ".join(sorted(problems)[:MAX_LISTED])
        )
    return dict(found.values())


def _external_file(model: Path, root: Path, location: bytes | None) -> tuple[Path, Stamp]:
    """Give the file of one location.

    Stricter than onnxruntime, which takes ``a/../b`` and hard links: exporters write neither.
    """
    try:
        text = (location or b"").decode()
    except UnicodeDecodeError:
        raise ModelUnusable("external data has a name that is no text") from None
    if not text or "\0" in text or len(text) >= MAX_TEXT_BYTES:
        raise ModelUnusable("external data has no name, or one that no file can have")
    if text.startswith("*/"):
        raise ModelUnusable("external data is an address of memory, which is never read")
    name = PurePosixPath(text).name
    # Backslashes and drives too: another system's path is no file that an exporter meant.
    if text.startswith(("/", "~")) or "\\" in text or text[1:2] == ":":
        raise ModelUnusable(f"external data {name!r} has an absolute path; lay it beside the model")
    if ".." in PurePosixPath(text).parts:
        raise ModelUnusable(f"external data {name!r} leaves the model folder with '..'")
    path = model.parent / text
    ensure_inside(path, root, name)
    try:
        status = path.stat()
    except OSError:
        raise ModelUnusable(f"external data {name!r} is missing") from None
    if not stat.S_ISREG(status.st_mode):
        raise ModelUnusable(f"external data {name!r} is no ordinary file")
    if status.st_nlink > 1:
        # The rule of onnx.checker since 1.21 (github.com/onnx/onnx/pull/7686).
        raise ModelUnusable(f"external data {name!r} has another name, a hard link; copy it")
    return path, stamp_of(status)


def ensure_inside(path: Path, root: Path, name: str) -> None:
    """Make sure that a file is in a folder, wherever links lead.

    Args:
        path: of the file.
        root: the folder, links resolved.
        name: what a message calls the file.

    Raises:
        ModelUnusable: it is elsewhere, or nowhere.
    """
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):
        raise ModelUnusable(f"{name} is a link that leads nowhere") from None
    if root not in resolved.parents:
        raise ModelUnusable(f"{name} is a link that leads out of the model folder")


def _fits(reference: Reference, size: int) -> bool:
    """Whether offset and length lie within a file; texts of digits, as ONNX writes them."""
    numbers: list[int] = []
    for text in (reference.offset, reference.length):
        if text is not None and (not text.isdigit() or len(text) > 18):
            return False
        numbers.append(0 if text is None else int(text))
    offset, length = numbers
    return offset + length <= size

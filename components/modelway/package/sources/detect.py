"""Tell what a trained model is saved as, by content and never by name.

Takes a path, gives a `SourceFormat`, or a `PackageError` that says what the file is, why it cannot
be converted and what to do instead. Must not load, unpickle or unpack anything.
"""

import bz2
import gzip
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from modelway.errors import PackageError
from modelway.package.manifest import SourceFormat

HEAD_BYTES = 64 * 1024
"""Looked at to know a file; the marks of all formats lie at its start."""

JOBLIB_MARK = b"joblib.numpy_pickle"
"""What joblib's own pickles name where an array follows."""

TORCH_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that begins files of torch.save before version 1.6, pickled."""

EXPORT = (
    "export it to ONNX where its code is (torch.onnx.export(model, example, 'model.onnx', "
    "dynamo=True)) and package that file"
)
TENSORFLOW = (
    "convert it with tf2onnx (python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, "
    "or --keras FILE) and package that file"
)

FOREIGN: Sequence[tuple[int, bytes, str, str]] = (
    (0, TORCH_LEGACY, "a PyTorch checkpoint, which holds weights and not the model's code", EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes", TENSORFLOW),
    (4, b"TFL3", "a TensorFlow Lite model", "convert it with tf2onnx (--tflite) and package that"),
    (4, b"ORTM", "in onnxruntime's own format, which one version reads", "package the ONNX file"),
    (0, b"GGUF", "a GGUF file of a language model", "serve it with llama.cpp or the like"),
    (0, b"\x93NUMPY", "a NumPy array and no model", "name the file of the model"),
    (0, b"PAR1", "a Parquet file and no model", "name the file of the model"),
    (0, b"<?xml", "XML, perhaps PMML", "export the model to ONNX where it was trained"),
    (0, b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
    (257, b"ustar", "a tar archive", "unpack it and name the file of the model"),
)
"""Offset, mark, what it is, and the way out."""

ZIPPED: Sequence[tuple[str, str, str]] = (
    ("serialized_exported_program.json", "a program of torch.export", EXPORT),
    ("models/model.json", "a program of torch.export", EXPORT),
    ("constants.pkl", "a TorchScript module", EXPORT),
    ("data.pkl", "a PyTorch checkpoint, which holds weights and not the model's code", EXPORT),
    ("model.weights.h5", "a Keras model", TENSORFLOW),
)
"""The end of a name in a zip archive, what it is, and the way out."""

SUPPORTED = (
    "ONNX, scikit-learn estimators saved with skops, joblib or pickle, XGBoost (.json, .ubj), "
    "LightGBM (.txt) and MLflow models of these can be packaged"
)

OPENERS: Sequence[tuple[bytes, Callable[[BinaryIO], BinaryIO]]] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),  # type: ignore[list-item]
    (b"\xfd7zXZ\x00", lzma.LZMAFile),  # type: ignore[list-item]
    (b"]\x00\x00", lzma.LZMAFile),  # type: ignore[list-item]
)
"""How joblib compresses, by what such a file begins with; zlib is apart, for it has no mark."""


def detect(path: Path) -> SourceFormat:
    """Tell what a source is.

    Raises:
        PackageError: it is missing, empty, or nothing that can be converted.
    """
    if path.is_dir():
        raise _refused(path, *_folder(path))
    try:
        if not path.is_file():
            what = "is no regular file" if path.exists() else "does not exist"
            raise PackageError(f"the source {path} {what}; name the file of a trained model")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                raise PackageError(f"the source {path} is empty; save the model again")
            found = _zipped(path) if head.startswith(b"PK\x03\x04") else _plain(path, head)
            return found or _compressed(file, head) or _onnx(path, head)
    except OSError as error:
        raise PackageError(f"the source {path} cannot be read: {error.strerror}") from None


def _refused(path: Path, what: str, way_out: str) -> PackageError:
    return PackageError(
        f"the source {path} is {what}: it cannot be packaged; {way_out}. {SUPPORTED}"
    )


def _folder(path: Path) -> tuple[str, str]:
    """Say what a folder is, and what to do."""
    if (path / "saved_model.pb").is_file():
        return "a TensorFlow SavedModel", TENSORFLOW
    if (path / "package.json").is_file():
        return "a package already", "look at it with `modelway inspect`, or deploy it"
    return "a folder", "name the file of the model"


def _plain(path: Path, head: bytes) -> SourceFormat | None:
    """Recognise what is not compressed; None where it is none of it."""
    for offset, mark, what, way_out in FOREIGN:
        if head[offset : offset + len(mark)] == mark:
            raise _refused(path, what, way_out)
    if _is_pickle(head):
        return SourceFormat.SKLEARN_JOBLIB if _mentions(path) else SourceFormat.SKLEARN_PICKLE
    if head.startswith(b"tree\n") and b"\nnum_class=" in head:
        return SourceFormat.LIGHTGBM
    start = head.lstrip()
    if start.startswith(b"{"):
        # JSON and UBJSON spell the names of members alike.
        if b"learner" in start[:200]:
            return SourceFormat.XGBOOST
        raise _refused(path, "JSON, but not of XGBoost", "name the file of the model")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < HEAD_BYTES * 1024:
        raise _refused(path, "a safetensors file, which holds weights and no code", EXPORT)
    return None


def _is_pickle(head: bytes) -> bool:
    """Tell a pickle by its first opcodes: protocol 2 and later say PROTO, older ones are text."""
    if head[:1] == b"\x80" and len(head) > 1 and 2 <= head[1] <= 5:  # noqa: PLR2004 - pickle's own
        return True
    if head[:1] not in (b"c", b"(", b"]", b"}"):
        return False
    try:
        names = [opcode.name for opcode, _, _ in _first(head, 8)]
    except ValueError:
        return False
    return "GLOBAL" in names


def _first(head: bytes, count: int) -> list[tuple[pickletools.OpcodeInfo, object, int | None]]:
    opcodes = pickletools.genops(head)
    return [each for each, _ in zip(opcodes, range(count), strict=False)]


def _mentions(path: Path) -> bool:
    """Tell whether a pickle has one of joblib's arrays, somewhere."""
    with path.open("rb") as file:
        before = b""
        while chunk := file.read(HEAD_BYTES):
            if JOBLIB_MARK in before + chunk:
                return True
            before = chunk[-len(JOBLIB_MARK) :]
    return False


def _zipped(path: Path) -> SourceFormat | None:
    """Tell what a zip archive is by the names in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise _refused(path, "a damaged zip archive", "save the model again") from None
    if "schema.json" in names:
        return SourceFormat.SKOPS
    for end, what, way_out in ZIPPED:
        if any(name == end or name.endswith(f"/{end}") for name in names):
            raise _refused(path, what, way_out)
    raise _refused(path, "a zip archive of something else", "name the file of the model")


def _compressed(file: BinaryIO, head: bytes) -> SourceFormat | None:
    """Recognise joblib's compressed pickles: what comes out must begin as a pickle does."""
    inside = b""
    for mark, opener in OPENERS:
        if head.startswith(mark):
            file.seek(0)
            try:
                inside = opener(file).read(2)
            except (OSError, EOFError, lzma.LZMAError):
                return None
    if head[:1] == b"x":
        try:
            inside = zlib.decompressobj().decompress(head, 2)
        except zlib.error:
            return None
    return SourceFormat.SKLEARN_JOBLIB if _is_pickle(inside + b"\0") and inside else None


def _onnx(path: Path, head: bytes) -> SourceFormat:
    """Take as ONNX what is one: protobuf has no mark, so the whole file is parsed."""
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError:
        raise PackageError(
            f"the source {path} is not packaged: it may be ONNX, and the package onnx, which reads "
            "that, is not installed: pip install 'modelway[package]'"
        ) from None

    model = ModelProto()
    try:
        # The first field of every exporter's files is the version of the format.
        known = head[:1] in (b"\x08", b"\x12", b"\x1a", b"B", b":")
        if known and model.ParseFromString(path.read_bytes()) and model.HasField("graph"):
            return SourceFormat.ONNX
    except (DecodeError, ValueError):
        pass
    raise _refused(path, "of an unknown format", "export the model to ONNX where it was trained")

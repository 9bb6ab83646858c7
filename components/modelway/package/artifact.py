"""Read a model file, or a package, once: digest, size, and whether it is what the spec says.

Takes the spec's `model`, gives a `modelway.plan.Artifact`, or one `ArtifactError` that lists every
difference. An artifact in S3 is taken at its word: it is not read. What onnxruntime said of a file
is kept in the user's cache under the file's digest; nothing else may be written here.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from pydantic import TypeAdapter

from modelway.cache import user_cache
from modelway.errors import ArtifactError, PackageError
from modelway.package.beside import read_beside
from modelway.package.contents import Package, check_package
from modelway.package.manifest import MANIFEST_NAME, SIGNATURE_NAME
from modelway.package.tensors import read_tensors, tensor_differences
from modelway.plan.model import Artifact
from modelway.spec.model_file import Model, Tensor

S3_SCHEME = "s3://"
"""How the URI of an artifact in S3 begins."""

_TENSORS = TypeAdapter(tuple[tuple[Tensor, ...], tuple[Tensor, ...]])

CHUNK_BYTES = 1024 * 1024
"""Read at once, so that a large model does not fill the memory."""


def read_artifact(model: Model) -> Artifact:
    """Read the model file, load it once, and compare it with the spec.

    Args:
        model: of one environment; its `path` is absolute or relative to the working directory.

    Raises:
        ArtifactError: the file is missing, empty, unreadable or no model that onnxruntime loads, or
            its digest or tensors are not those of the spec, or a file beside it does not fit; the
            message has every difference.
    """
    if model.path.startswith(S3_SCHEME):
        if model.digest is None:
            raise ArtifactError(
                f"the artifact {model.path} lies in S3 and is not read, so the spec must give "
                "`model.digest` (sha256:<64 hexadecimal digits>)"
            )
        return Artifact(digest=model.digest, size_bytes=0, path=None, uri=model.path)
    if not model.path:
        raise ArtifactError("the spec names no model file; give `model.path` or `model.registry`")
    path = Path(model.path)
    if os.path.lexists(path / MANIFEST_NAME):
        return _read_package(model, path)
    digest, size_bytes = _digest(path)
    differences: list[str] = []
    if model.digest is not None and model.digest != digest:
        differences.append(f"model.digest is {model.digest} in the spec, but the file has {digest}")
    inputs, outputs = _tensors(path, digest)
    differences += tensor_differences("inputs", model.inputs, inputs)
    differences += tensor_differences("outputs", model.outputs, outputs)
    if differences:
        raise ArtifactError(
            f"the model file {path} is not what the spec says: {'; '.join(differences)}. "
            "Correct the spec, or put the right file there"
        )
    beside = read_beside(model, inputs)
    return Artifact(digest=digest, size_bytes=size_bytes, path=path, uri=None, beside=beside)


def model_file(path: Path) -> Path:
    """Give the ONNX file that `model.path` means: itself, or that of the package.

    Raises:
        ArtifactError: it is a package that is not what its manifest says.
    """
    if not os.path.lexists(path / MANIFEST_NAME):
        return path
    return path / _checked(path).manifest.model.path


def _read_package(model: Model, folder: Path) -> Artifact:
    """Read a package, whose digest is that of its manifest.

    Evidence stays where it is: the server needs none, and more of it must not be another artifact.
    """
    package = _checked(folder)
    manifest = package.manifest
    differences: list[str] = []
    if model.digest is not None and model.digest != package.digest:
        differences.append(
            f"model.digest is {model.digest} in the spec, but the package has {package.digest}"
        )
    for field in ("input_rules", "generation"):
        if getattr(model, field) is not None:
            option = f"--{field.replace('_', '-')}"
            differences.append(
                f"model.{field} is in the spec, and a package is deployed as it was made (make it "
                f"with {option}, and leave the field out)"
            )
    inputs, outputs = _tensors(folder / manifest.model.path, package.digest, folder)
    if (inputs, outputs) != (manifest.model.inputs, manifest.model.outputs):
        differences.append("its manifest describes other tensors than its model has")
    differences += tensor_differences("inputs", model.inputs, inputs)
    differences += tensor_differences("outputs", model.outputs, outputs)
    if differences:
        raise ArtifactError(
            f"the package {folder} is not what the spec says: {'; '.join(differences)}. Correct "
            "the spec, or put the right package there"
        )
    members = {file.path: file.sha256 for file in manifest.files}
    members[MANIFEST_NAME] = package.digest.removeprefix("sha256:")
    signed = SIGNATURE_NAME in package.detached
    return Artifact(
        digest=package.digest,
        size_bytes=package.content_size_bytes,
        path=folder,
        uri=None,
        beside={SIGNATURE_NAME: package.files[SIGNATURE_NAME].read_bytes()} if signed else {},
        members=members,
    )


def _checked(folder: Path) -> Package:
    try:
        return check_package(folder)
    except PackageError as error:
        raise ArtifactError(str(error)) from None


def _tensors(
    path: Path, digest: str, external_folder: Path | None = None
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Give the file's tensors, from the cache where what `digest` names was loaded before.

    Loading takes a third of a second and the memory of the whole model, in every preview.
    """
    remembered = user_cache("tensors") / f"{digest.removeprefix('sha256:')}.json"
    try:
        return _TENSORS.validate_json(remembered.read_bytes())
    except (OSError, ValueError):
        pass  # never seen, or a cache that somebody damaged: the file itself decides
    tensors = read_tensors(path, external_folder)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        remembered.parent.mkdir(parents=True, exist_ok=True)
        partial = remembered.with_suffix(f".{os.getpid()}")
        partial.write_bytes(_TENSORS.dump_json(tensors))
        partial.replace(remembered)
    return tensors


def _digest(path: Path) -> tuple[str, int]:
    """Hash the file's bytes without holding them all."""
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ArtifactError(f"the model file {path} is no regular file; give an .onnx file")
            sha, size_bytes = hashlib.sha256(), 0
            while chunk := file.read(CHUNK_BYTES):
                sha.update(chunk)
                size_bytes += len(chunk)
    except FileNotFoundError:
        raise ArtifactError(
            f"the model file {path} does not exist; export the model there, or correct "
            "`model.path`, which is relative to the spec's folder"
        ) from None
    except IsADirectoryError:
        raise ArtifactError(
            f"the model file {path} is a folder; `model.path` must name the .onnx file itself, or "
            f"a package, which has a {MANIFEST_NAME}"
        ) from None
    except OSError as error:
        raise ArtifactError(f"the model file {path} cannot be read: {error.strerror}") from None
    if size_bytes == 0:
        raise ArtifactError(f"the model file {path} is empty; export the model again")
    return f"sha256:{sha.hexdigest()}", size_bytes

"""The manifest of a package: what is in it, by digest, and where it comes from.

Takes and gives `package.json`, which has one form only (`canonical`), so that one package has one
digest: no time stamps, no paths of a machine, no host names. Evidence and signature are detached:
they name the digest and do not change it. Must not look at any other file of the package.
"""

import hashlib
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError

from modelway.errors import PackageError
from modelway.spec.model_file import Tensor
from modelway.spec.part import Name, Part

MANIFEST_NAME = "package.json"
MODEL_NAME: Literal["model.onnx"] = "model.onnx"
SAMPLES_NAME = "samples.jsonl"
ENVIRONMENT_NAME = "environment.txt"
CARD_NAME = "MODEL_CARD.md"
SIGNATURE_NAME = "model.sig"
EVIDENCE_FOLDER = "evidence"
"""Of the detached statements about a package, one JSON file each."""

SCHEMA = "modelway.package/1"

MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024
"""Greatest manifest that is read; ours have a few kilobytes."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""Hexadecimal, without a prefix."""


class SourceFormat(StrEnum):
    """What a package can be made of."""

    ONNX = "onnx"
    SKLEARN_JOBLIB = "sklearn-joblib"
    SKLEARN_PICKLE = "sklearn-pickle"
    SKOPS = "skops"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"


class ManifestPart(Part):
    """As a part of a spec; some names of JSON are none that Python allows."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class PackagedFile(ManifestPart):
    """One content file."""

    path: str
    """Relative to the package's folder, with `/`."""
    sha256: Sha256
    size_bytes: int = Field(ge=0)


class PackagedModel(ManifestPart):
    """The model that is served."""

    format: Literal["onnx"] = "onnx"
    path: Literal["model.onnx"] = MODEL_NAME
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    opset: dict[str, int]
    """Versions of the operator sets by domain; the empty domain is ONNX's own."""
    variant: str | None = None
    """What was made of the model to be smaller or quicker (`optimise.variants`). Default: nothing,
    and the manifest does not speak of it."""


class Source(ManifestPart):
    """What was trained."""

    format: SourceFormat
    sha256: Sha256
    """Of the source file; for ONNX with external data, of the listing of all its files."""
    class_name: str | None = Field(default=None, alias="class")
    """The estimator's class, such as `sklearn.svm._classes.SVC`; None for ONNX."""


class RegisteredModel(ManifestPart):
    """The version of another registry that a package was made of."""

    registry: Literal["mlflow"]
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    run_id: str | None = None
    source: str | None = None
    """Where the registry has it, as a URI without credentials. None where that is a path."""

    def __str__(self) -> str:
        """Give `mlflow: NAME VERSION`."""
        return f"{self.registry}: {self.name} {self.version}"


class Lineage(ManifestPart):
    """Where the model comes from, as far as the user said."""

    training_job: str | None = None
    data_snapshot: str | None = None
    source_sha256: Sha256
    registered: RegisteredModel | None = None
    """Default: it was in no registry, and the manifest does not speak of it."""


class Manifest(ManifestPart):
    """All that a package says of itself."""

    schema_: Literal["modelway.package/1"] = Field(default=SCHEMA, alias="schema")
    name: Name
    version: str = Field(min_length=1)
    files: tuple[PackagedFile, ...]
    """Every content file, sorted by path; not the manifest, evidence and signature."""
    model: PackagedModel
    source: Source
    environment: dict[str, str]
    """Versions of Python and of the libraries that trained and converted, by name."""
    licence: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict[str, float])
    lineage: Lineage


def canonical(manifest: Manifest) -> bytes:
    """Give the only form of a manifest: sorted keys, no spaces, UTF-8, one newline at the end."""
    plain = manifest.model_dump(mode="json", by_alias=True)
    if manifest.model.variant is None:
        # Packages from before there were any keep their digests.
        del plain["model"]["variant"]
    if manifest.lineage.registered is None:
        del plain["lineage"]["registered"]
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"


def package_digest(manifest: bytes) -> str:
    """Give `sha256:` and the digest of a manifest's bytes, which names the package."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Read a manifest's bytes.

    Args:
        content: of `package.json`.
        where: the package as the user knows it, for messages.

    Raises:
        PackageError: it is no manifest, or not in canonical form; every problem at once.
    """
    if len(content) > MANIFEST_LIMIT_BYTES:
        raise PackageError(
            f"the manifest of the package {where} is larger than {MANIFEST_LIMIT_BYTES} bytes; "
            "make the package again"
        )
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        problems = "; ".join(
            f"`{'.'.join(map(str, each['loc'])) or MANIFEST_NAME}`: {each['msg']}"
            for each in error.errors(include_url=False)
        )
        raise PackageError(
            f"the manifest of the package {where} is not one of {SCHEMA}: {problems}. Make the "
            "package again with `modelway package`"
        ) from None
    if canonical(manifest) != content:
        raise PackageError(
            f"the manifest of the package {where} was edited: it is not in canonical form. Make "
            "the package again with `modelway package`"
        )
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a package folder.

    Raises:
        PackageError: there is none, or it is none.
    """
    return parse_manifest(read_manifest_bytes(folder), str(folder))


def read_manifest_bytes(folder: Path) -> bytes:
    """Read `package.json` itself; a link is not followed.

    Raises:
        PackageError: there is none that can be read.
    """
    path = folder / MANIFEST_NAME
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(MANIFEST_LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise PackageError(
            f"the folder {folder} is no package: it has no {MANIFEST_NAME}. Make one with "
            "`modelway package SOURCE`, or name a package's folder"
        ) from None
    except OSError as error:
        raise PackageError(
            f"the manifest {path} of a package cannot be read: {error.strerror}"
        ) from None

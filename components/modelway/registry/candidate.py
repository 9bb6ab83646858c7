"""A package that is to become a version of a registry.

Takes a package's folder and the image that is to serve it, gives a `Candidate`, or refuses it. Must
not ask any registry.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from modelway.errors import ArtifactError, ModelRegistryError, PackageError
from modelway.package import read_artifact
from modelway.package.contents import check_package
from modelway.package.manifest import SIGNATURE_NAME
from modelway.package.signature import claimed_key_id
from modelway.package.verify import verify_package
from modelway.registry.version import Candidate
from modelway.spec.model_file import Model

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def read_candidate(folder: Path, image: str, trusted_keys: Sequence[Path] = ()) -> Candidate:
    """Read a package.

    Args:
        folder: of the package.
        image: `REPOSITORY@sha256:...`.
        trusted_keys: PEM files of public keys, of which one must have signed it. Default: the
            signature is not verified.

    Raises:
        ModelRegistryError: the image is not named by digest.
        PackageError: the folder is no package, or it is not what was signed.
    """
    if _BY_DIGEST.fullmatch(image) is None:
        raise ModelRegistryError(
            f"registering {folder}: the image {image!r} is not named by digest, so what serves the "
            "package could change; give REPOSITORY@sha256:<64 hexadecimal digits>"
        )
    if trusted_keys:
        verify_package(folder, trusted_keys)
    package = check_package(folder)
    try:
        artifact = read_artifact(Model(path=str(folder)))
    except ArtifactError as error:
        raise PackageError(str(error)) from None
    signature = artifact.beside.get(SIGNATURE_NAME)
    signed_by = "" if signature is None else claimed_key_id(signature)
    return Candidate(package, artifact, signed_by, image)

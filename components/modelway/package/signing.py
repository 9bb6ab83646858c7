"""Sign a package: write `model.sig`, an OpenSSF model signature, into its folder.

Takes a folder that is what its manifest says, and a private key. The signature is made by
`model-signing`, over the content files and the manifest and nothing else, so that evidence can be
added later. What is signed must be what the manifest says, digest by digest.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import PackageError
from modelway.package.contents import check_package
from modelway.package.keys import SigningKey, key_id
from modelway.package.manifest import EVIDENCE_FOLDER, MANIFEST_NAME, SIGNATURE_NAME

if TYPE_CHECKING:
    from model_signing.manifest import Manifest as Hashed


def sign_package(folder: Path, key: SigningKey) -> str:
    """Sign a package, in place of any signature that it has.

    Args:
        folder: of the package.
        key: private, of one of `keys.CURVES`.

    Returns:
        The key's id, by which the signature names it.

    Raises:
        PackageError: the folder is not what its manifest says, or the signature cannot be made or
            written.
    """
    package = check_package(folder)
    wanted = {file.path: file.sha256 for file in package.manifest.files}
    wanted[MANIFEST_NAME] = package.digest.removeprefix("sha256:")
    hashed = _hashed(folder, wanted)
    if {each.identifier: each.digest.digest_hex for each in hashed.resource_descriptors()} != (
        wanted
    ):
        raise PackageError(
            f"the package {folder} cannot be signed: it changed meanwhile; sign it again when "
            "nothing writes to it"
        )
    _write(folder, hashed, key)
    return key_id(key.public_key())


def _hashed(folder: Path, files: Mapping[str, str]) -> "Hashed":
    """Let model-signing hash exactly these files."""
    try:
        from model_signing import hashing
    except ImportError as error:
        raise PackageError(
            f"packages cannot be signed here ({error}): pip install 'modelway[signing]'"
        ) from None
    # Written into the signature, so that others' verifiers ignore the same.
    ignored = (EVIDENCE_FOLDER, SIGNATURE_NAME)
    config = hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=False)
    try:
        return config.hash(folder, files_to_hash=[folder / path for path in files])
    except (OSError, ValueError) as error:
        raise PackageError(f"the package {folder} cannot be signed: {error}") from None


def _write(folder: Path, hashed: "Hashed", key: SigningKey) -> None:
    # Its public interface takes keys in files alone; one in KMS needs the class behind it.
    from model_signing._signing.sign_ec_key import Signer
    from model_signing._signing.signing import Payload

    class _Signer(Signer):
        def __init__(self) -> None:
            self._private_key = key

    destination = folder / SIGNATURE_NAME
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{SIGNATURE_NAME}-")
        os.close(handle)
        try:
            _Signer().sign(Payload(hashed)).write(Path(temporary))
            Path(temporary).chmod(0o644)
            Path(temporary).replace(destination)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PackageError(f"the signature {destination} cannot be written: {error}") from None

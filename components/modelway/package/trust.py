"""Whether a server that loads signed packages alone would load a spec's model.

Takes a model's path and the server's setting, raises an `ArtifactError` that says why it would not.
Knows only keys that stand in the spec: those in a file or folder lie in the image.
"""

import tempfile
from pathlib import Path

from modelway.errors import ArtifactError, PackageError
from modelway.package.keys import read_trusted_keys
from modelway.package.manifest import MANIFEST_NAME
from modelway.package.verify import verify_package

TRUSTED_KEYS = "MODEL_SERVER_TRUSTED_KEYS"
"""The model server's setting: public keys in PEM, or a path in the image."""

_PEM = "-----BEGIN "


def check_trusted(package: Path, trusted_keys: str) -> None:
    """Verify a package as the server will, before anything is deployed.

    Args:
        package: what the spec's model is.
        trusted_keys: the setting, as the spec has it; nothing is verified without keys in it.

    Raises:
        ArtifactError: the keys cannot be used, or none of them signed the package as it is.
    """
    if not trusted_keys.strip().startswith(_PEM):
        return
    with tempfile.TemporaryDirectory(prefix="modelway-trust-") as folder:
        file = Path(folder) / TRUSTED_KEYS
        file.write_text(trusted_keys, encoding="utf-8")
        try:
            read_trusted_keys([file])
        except PackageError as error:
            raise ArtifactError(
                _named(error, file), f"serving.environment.{TRUSTED_KEYS}"
            ) from error
        if not (package / MANIFEST_NAME).is_file():
            raise ArtifactError(
                f"{package} is no package, and with {TRUSTED_KEYS} the server loads signed "
                "packages alone; make it one with `modelway package` and sign it with `modelway "
                "sign`"
            )
        try:
            verify_package(package, [file])
        except PackageError as error:
            raise ArtifactError(
                f"with {TRUSTED_KEYS} the server will not load it: {_named(error, file)}, or sign "
                f"it: `modelway sign {package} --key FILE`"
            ) from error


def _named(error: PackageError, file: Path) -> str:
    """Give the message with the setting in place of the file that was made of it."""
    return str(error).replace(str(file), TRUSTED_KEYS)

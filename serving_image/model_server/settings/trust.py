"""Whose models are served.

Takes a `Reader` and the model folders, gives a frozen `TrustSettings`. Must not read any key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_server.settings.reader import Reader


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Public keys of those whose packages may be loaded."""

    trusted_keys: str | None = None
    """``MODEL_SERVER_TRUSTED_KEYS``: public keys in PEM, or the path of a file of them, or of a
    folder with files ``*.pem``. Default none: models need no signature.

    With keys, only packages are loaded that one of them signed. They are read at every load, and
    must not lie inside a model folder: an artifact never says whom to trust.
    """

    @classmethod
    def read(cls, reader: Reader, model_dirs: Sequence[Path]) -> Self:
        """Read the settings; what is wrong with them is in the reader's problems."""
        name = "MODEL_SERVER_TRUSTED_KEYS"
        text = reader.text(name)
        if text is None:
            if reader.is_set(name):
                # A template that was filled with nothing must not switch signatures off.
                reader.problems.append(f"{name} is empty; name keys, or do not set it")
            return cls()
        if not text.startswith("-----BEGIN "):
            path = Path(text).resolve()
            if not path.exists():
                reader.problems.append(f"{name} is {text!r}, which is no file and no folder")
            elif any(path.is_relative_to(folder.resolve()) for folder in model_dirs):
                reader.problems.append(
                    f"{name} is {text!r}, inside a model folder; keys never come with a model "
                    "artifact, so put them into the image"
                )
        return cls(trusted_keys=text)

"""Which models are served, under which names.

Takes a `Reader`, gives a frozen `RepositorySettings`. Must not look into any folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_server.settings.reader import Reader

MODELS_DIR = "/opt/ml/models"
"""Where SageMaker unpacks the models of a multi-model endpoint
(docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html, read 2026-11)."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names that need no quoting in a path, a metric or a log."""


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """Names, versions and the multi-model mode."""

    model_name: str = "model"
    """``MODEL_SERVER_MODEL_NAME``: what callers call the model, 1 to 128 letters, digits and
    ``._-``. Default model."""

    versions: int = 2
    """``MODEL_SERVER_MODEL_VERSIONS``: newest versions that are loaded where the model folder has
    a folder for each, 1-100. Default 2: the newest answers, the one before can be asked for.

    A new version is loaded beside as many others, so memory is needed for one more than this, or
    for two where it is 1.
    """

    watch_seconds: float = 0.0
    """``MODEL_SERVER_WATCH_SECONDS``: how often the model folder is looked at for a new version
    or file, 0 or 1 to 86400. Default 0: only when told by SIGHUP."""

    multi_model: bool = False
    """``SAGEMAKER_MULTI_MODEL``: models are loaded and unloaded by ``/models``, as SageMaker's
    multi-model endpoints do. Default false."""

    models_dir: Path = Path(MODELS_DIR)
    """``MODEL_SERVER_MODELS_DIR``: the folder in which every model of the multi-model mode lies.
    Default ``/opt/ml/models``."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; what is wrong with them is in the reader's problems."""
        name = reader.text("MODEL_SERVER_MODEL_NAME") or "model"
        if NAME.fullmatch(name) is None:
            reader.problems.append(
                f"MODEL_SERVER_MODEL_NAME is {name!r}; it takes 1 to 128 letters, digits, '.', "
                "'_' and '-', the first being a letter or a digit"
            )
        watch = reader.number("MODEL_SERVER_WATCH_SECONDS", float, 0.0, 0.0, 86400.0)
        if 0 < watch < 1:
            reader.problems.append(
                f"MODEL_SERVER_WATCH_SECONDS is {watch}; it takes 0 or a number from 1 to 86400"
            )
        return cls(
            model_name=name,
            versions=reader.number("MODEL_SERVER_MODEL_VERSIONS", int, 2, 1, 100),
            watch_seconds=watch,
            multi_model=reader.flag("SAGEMAKER_MULTI_MODEL", default=False),
            models_dir=Path(reader.text("MODEL_SERVER_MODELS_DIR") or MODELS_DIR),
        )

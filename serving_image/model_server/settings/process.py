"""How many processes serve.

Takes a `Reader`, gives a frozen `ProcessSettings`. Must not know models or CPUs; `process.plan`
decides.
"""

from dataclasses import dataclass
from typing import Self

from model_server.settings.reader import Reader

MAX_WORKERS = 256
"""More than the CPUs of the largest SageMaker instance (192 of ml.c7i.48xlarge and the like)."""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Settings of the front process."""

    workers: int | None = None
    """``MODEL_SERVER_WORKERS``: processes that serve, 1-256.

    Default, also where it is empty: one a usable CPU for a small, short model; one for any other.
    """

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; problems are collected by the reader."""
        if reader.text("MODEL_SERVER_WORKERS") is None:
            return cls()
        return cls(workers=reader.optional_number("MODEL_SERVER_WORKERS", int, 1, MAX_WORKERS))

"""How many processes serve.

Takes a `Reader`, gives a frozen `ProcessSettings`. Must not know models or CPUs; `process.plan`
decides.
"""

from dataclasses import dataclass
from typing import Self

from model_server.settings.reader import Reader

MAX_TIMEOUT_SECONDS = 3600.0
"""Of a worker that does not answer: as long as the longest request that a batch job may send."""

MAX_WORKERS = 256
"""More than the CPUs of the largest SageMaker instance (192 of ml.c7i.48xlarge and the like)."""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Settings of the front process."""

    workers: int | None = None
    """``MODEL_SERVER_WORKERS``: processes that serve, 1-256.

    Default, also where it is empty: one a usable CPU for a small, short model; one for any other.
    """

    worker_timeout_seconds: float = 30.0
    """``MODEL_SERVER_WORKER_TIMEOUT_SECONDS``: a process whose event loop stood still for so long
    is ended and replaced, up to 3600; 0: never, as for a debugger. Default 30, as gunicorn's."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; problems are collected by the reader."""
        workers = None
        if reader.text("MODEL_SERVER_WORKERS") is not None:
            workers = reader.optional_number("MODEL_SERVER_WORKERS", int, 1, MAX_WORKERS)
        timeout_seconds = reader.number(
            "MODEL_SERVER_WORKER_TIMEOUT_SECONDS", float, 30.0, 0.0, MAX_TIMEOUT_SECONDS
        )
        return cls(workers=workers, worker_timeout_seconds=timeout_seconds)

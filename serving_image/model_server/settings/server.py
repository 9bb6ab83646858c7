"""The server's settings, read once from the environment.

Takes a mapping of environment variables, gives a frozen `Settings` or one `SettingsError` that
lists every wrong value. Must not read ``os.environ`` by itself and must not touch the model.

Variables that start with ``SAGEMAKER_`` are set by the platform:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (read 2026-11).
All others are ours and start with ``MODEL_SERVER_``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model_server.settings.access import AccessSettings
from model_server.settings.application import ApplicationSettings
from model_server.settings.batching import BatchingSettings
from model_server.settings.execution import ExecutionSettings
from model_server.settings.grpc import GrpcSettings
from model_server.settings.observe import ObserveSettings
from model_server.settings.process import ProcessSettings
from model_server.settings.reader import Reader, SettingsError
from model_server.settings.repository import RepositorySettings
from model_server.settings.transform import TransformLimits
from model_server.settings.trust import TrustSettings

MODEL_DIR = "/opt/ml/model"
"""Where SageMaker unpacks the model artifact, read-only."""

MAX_BODY_BYTES = 6 * 1024 * 1024
"""The real-time payload limit in botocore's sagemaker-runtime model: 6 291 456 bytes."""

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set from outside."""

    host: str = "127.0.0.1"
    """``MODEL_SERVER_HOST``: address to listen on. Default loopback; the image sets 0.0.0.0."""

    port: int = 8080
    """``SAGEMAKER_BIND_TO_PORT``: port to listen on, 1-65535. Default 8080."""

    model_dir: Path = Path(MODEL_DIR)
    """``MODEL_SERVER_MODEL_DIR``: folder with the model. Default ``/opt/ml/model``."""

    max_body_bytes: int = MAX_BODY_BYTES
    """``MODEL_SERVER_MAX_BODY_BYTES``: largest request body, 1 byte to 1 GiB. Default 6 291 456.

    A setting because newer pages of the SageMaker guide speak of 25 MB. In a batch transform job
    the default is the job's own limit, see `TransformLimits`.
    """

    max_concurrency: int = 1024
    """``MODEL_SERVER_MAX_CONCURRENCY``: requests worked on or waiting at once, 1-65536.

    Default 1024. One more is answered 503 with ``Retry-After``.
    """

    invoke_seconds: float = 58.0
    """``MODEL_SERVER_INVOKE_SECONDS``: longest time for one request, 0.1-3600. Default 58.

    SageMaker gives a container 60 s; a clean 504 has to leave before that. 3598 in a batch
    transform job.
    """

    linger_seconds: float = 2.0
    """``MODEL_SERVER_LINGER_SECONDS``: longest time to go on accepting after SIGTERM, 0-10.

    Default 2. ``/ping`` answers 503 all the while, so that a balancer can turn away. It is
    shorter when no request comes for 0.3 s.
    """

    drain_seconds: float = 25.0
    """``MODEL_SERVER_DRAIN_SECONDS``: time from SIGTERM to exit at most, 0.1-3600. Default 25.

    SageMaker sends SIGKILL 30 s after SIGTERM.
    """

    failure_seconds: float = 2.0
    """``MODEL_SERVER_FAILURE_SECONDS``: how long ``/ping`` tells why the model could not be
    loaded before the process exits with status 3, 0-600. Default 2."""

    threads: int | None = None
    """``MODEL_SERVER_THREADS``: threads of one inference, 1-1024.

    Default: the CPUs this process may use, from its affinity and its cgroup quota.
    """

    log_level: str = "info"
    """``MODEL_SERVER_LOG_LEVEL``: debug, info, warning or error. Default info."""

    documentation: bool = True
    """``MODEL_SERVER_DOCS``: whether ``/docs``, ``/openapi.json`` and ``/schema/{model}`` answer.
    Default yes."""

    access: AccessSettings = field(default_factory=AccessSettings)
    application: ApplicationSettings = field(default_factory=ApplicationSettings)
    batching: BatchingSettings = field(default_factory=BatchingSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    grpc: GrpcSettings = field(default_factory=GrpcSettings)
    observe: ObserveSettings = field(default_factory=ObserveSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
    repository: RepositorySettings = field(default_factory=RepositorySettings)
    trust: TrustSettings = field(default_factory=TrustSettings)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: with one problem for every wrong variable.
        """
        reader = Reader(environment)
        model_dir = Path(environment.get("MODEL_SERVER_MODEL_DIR", MODEL_DIR))
        limits = TransformLimits.read(reader) or cls
        repository = RepositorySettings.read(reader)
        settings = cls(
            host=environment.get("MODEL_SERVER_HOST", cls.host),
            port=reader.number("SAGEMAKER_BIND_TO_PORT", int, cls.port, 1, 65535),
            model_dir=model_dir,
            max_body_bytes=reader.number(
                "MODEL_SERVER_MAX_BODY_BYTES", int, limits.max_body_bytes, 1, 2**30
            ),
            max_concurrency=reader.number(
                "MODEL_SERVER_MAX_CONCURRENCY", int, cls.max_concurrency, 1, 65536
            ),
            invoke_seconds=reader.number(
                "MODEL_SERVER_INVOKE_SECONDS", float, limits.invoke_seconds, 0.1, 3600.0
            ),
            linger_seconds=reader.number(
                "MODEL_SERVER_LINGER_SECONDS", float, cls.linger_seconds, 0.0, 10.0
            ),
            drain_seconds=reader.number(
                "MODEL_SERVER_DRAIN_SECONDS", float, cls.drain_seconds, 0.1, 3600.0
            ),
            failure_seconds=reader.number(
                "MODEL_SERVER_FAILURE_SECONDS", float, cls.failure_seconds, 0.0, 600.0
            ),
            threads=reader.optional_number("MODEL_SERVER_THREADS", int, 1, 1024),
            log_level=reader.choice("MODEL_SERVER_LOG_LEVEL", LOG_LEVELS, cls.log_level),
            documentation=reader.flag("MODEL_SERVER_DOCS", default=True),
            access=AccessSettings.read(reader),
            application=ApplicationSettings.read(reader, model_dir),
            batching=BatchingSettings.read(reader),
            execution=ExecutionSettings.read(reader),
            grpc=GrpcSettings.read(reader),
            observe=ObserveSettings.read(reader),
            process=ProcessSettings.read(reader),
            repository=repository,
            trust=TrustSettings.read(reader, (model_dir, repository.models_dir)),
        )
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings

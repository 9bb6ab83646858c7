"""Settings of what the server tells of itself: metrics, prediction log, traces, CloudWatch.

Takes a `Reader`, gives frozen dataclasses; a part that is switched off is None. Must not open
files or connections, and must not import what a part needs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from model_server.settings.reader import Reader

MIB = 2**20

MAX_FIREHOSE_RECORD_BYTES = 1_024_000
"""One record: 1,000 KiB. https://docs.aws.amazon.com/firehose/latest/dev/limits.html (2026-11)."""

MAX_EMF_DIMENSIONS = 29
"""CloudWatch takes 30, of which the model is one.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
(read 2026-11)."""


@dataclass(frozen=True, slots=True)
class PredictionLogSettings:
    """Where predictions are written, and how many of them."""

    destination: str
    """``MODEL_SERVER_PREDICTION_LOG``: ``stdout``, a folder (``/var/log/predictions`` or
    ``file:///var/log/predictions``), ``s3://bucket/prefix`` or ``firehose://stream``.

    Default: no prediction log.
    """

    format: str = "jsonl"
    """``MODEL_SERVER_PREDICTION_LOG_FORMAT``: ``jsonl`` or ``parquet``. Default ``jsonl``.

    Parquet needs pyarrow, and goes to a folder or to S3.
    """

    sample: float = 1.0
    """``MODEL_SERVER_PREDICTION_LOG_SAMPLE``: share of the requests that is written, 0-1.

    Default 1. Chosen by the request id, so that a retry under the same id is written too, or not.
    """

    redact: tuple[str, ...] = ()
    """``MODEL_SERVER_PREDICTION_LOG_REDACT``: fields whose values are never written, separated by
    commas: a tensor, ``tensor.column``, a column, or a member of the JSON at any depth.

    Default: none. Bodies that are no JSON are left out whole as soon as there is one.
    """

    max_record_bytes: int = 1_000_000
    """``MODEL_SERVER_PREDICTION_LOG_MAX_RECORD_BYTES``: longest record, 2048 bytes to 64 MiB.

    Default 1 000 000, which fits Firehose's limit. Longer bodies are cut and marked.
    """

    queue_bytes: int = 64 * MIB
    """``MODEL_SERVER_PREDICTION_LOG_QUEUE_MIB``: memory of the records that wait, 1-4096 MiB for
    each worker.

    Default 64: half a second at the 20 000 rows of 6 kB a second that one core serves, or a
    minute at 150. What comes beyond it is dropped and counted.
    """

    queue_records: int = 100_000
    """``MODEL_SERVER_PREDICTION_LOG_QUEUE_RECORDS``: records that wait, 1 to 10 million for each
    worker. Default 100 000: 4 s of the most requests that one core serves."""

    file_bytes: int = 256 * MIB
    """``MODEL_SERVER_PREDICTION_LOG_FILE_MIB``: a file is finished at this size, 1-65536 MiB.
    Default 256."""

    file_seconds: float = 3600.0
    """``MODEL_SERVER_PREDICTION_LOG_FILE_SECONDS``: or at this age, 1-86400. Default 3600."""

    disk_bytes: int = 10_240 * MIB
    """``MODEL_SERVER_PREDICTION_LOG_DISK_MIB``: all files of the folder together, 4 MiB to 64 TiB.
    Default 10 240 MiB. The oldest finished files are deleted to stay below it."""

    gzip: bool = False
    """``MODEL_SERVER_PREDICTION_LOG_GZIP``: whether finished files are compressed. Default no: 6 kB
    of JSON take 150 us, more than serving the request did. Objects in S3 always are."""

    part_bytes: int = 16 * MIB
    """``MODEL_SERVER_PREDICTION_LOG_PART_MIB``: an object in S3, or a Parquet file, is finished
    at this size before compression, 1-1024 MiB. Default 16; it waits in memory, so half of the
    queue is the most that is used."""

    part_seconds: float = 60.0
    """``MODEL_SERVER_PREDICTION_LOG_PART_SECONDS``: or at this age, 1-3600. Default 60. That much
    is lost when the process is killed."""

    retry_seconds: float = 300.0
    """``MODEL_SERVER_PREDICTION_LOG_RETRY_SECONDS``: how long records that cannot be written are
    tried again before they are dropped, 0-86400. Default 300."""

    @property
    def kind(self) -> str:
        """``stdout``, ``file``, ``s3`` or ``firehose``."""
        return _kind(self.destination) or "file"

    @property
    def folder(self) -> Path:
        """Where files go."""
        return Path(self.destination.removeprefix("file://"))

    @classmethod
    def read(cls, reader: Reader) -> Self | None:
        """Read them; None where no destination is set."""
        prefix = "MODEL_SERVER_PREDICTION_LOG"
        destination = reader.text(prefix)
        if destination is None:
            return None

        def mebibytes(name: str, default: int, low: int, high: int) -> int:
            return reader.number(f"{prefix}_{name}", int, default // MIB, low, high) * MIB

        settings = cls(
            destination=destination,
            format=reader.choice(f"{prefix}_FORMAT", ("jsonl", "parquet"), "jsonl"),
            sample=reader.number(f"{prefix}_SAMPLE", float, 1.0, 0.0, 1.0),
            redact=reader.words(f"{prefix}_REDACT"),
            max_record_bytes=reader.number(
                f"{prefix}_MAX_RECORD_BYTES", int, 1_000_000, 2048, 64 * MIB
            ),
            queue_bytes=mebibytes("QUEUE_MIB", 64 * MIB, 1, 4096),
            queue_records=reader.number(f"{prefix}_QUEUE_RECORDS", int, 100_000, 1, 10_000_000),
            file_bytes=mebibytes("FILE_MIB", 256 * MIB, 1, 65_536),
            file_seconds=reader.number(f"{prefix}_FILE_SECONDS", float, 3600.0, 1.0, 86_400.0),
            disk_bytes=mebibytes("DISK_MIB", 10_240 * MIB, 4, 64 * MIB),
            gzip=reader.flag(f"{prefix}_GZIP", default=False),
            part_bytes=mebibytes("PART_MIB", 16 * MIB, 1, 1024),
            part_seconds=reader.number(f"{prefix}_PART_SECONDS", float, 60.0, 1.0, 3600.0),
            retry_seconds=reader.number(f"{prefix}_RETRY_SECONDS", float, 300.0, 0.0, 86_400.0),
        )
        reader.problems += settings._problems(prefix)
        return settings

    def _problems(self, prefix: str) -> list[str]:
        kind = _kind(self.destination)
        found: list[str] = []
        if kind is None:
            found.append(
                f"{prefix} is {self.destination!r}; it takes stdout, an absolute folder, "
                "s3://bucket/prefix or firehose://stream"
            )
        if self.format == "parquet" and kind in ("stdout", "firehose"):
            found.append(f"{prefix}_FORMAT is 'parquet', which goes to a folder or to S3 only")
        if kind == "firehose" and self.max_record_bytes > MAX_FIREHOSE_RECORD_BYTES:
            found.append(
                f"{prefix}_MAX_RECORD_BYTES is {self.max_record_bytes}; Firehose takes records of "
                f"up to {MAX_FIREHOSE_RECORD_BYTES} bytes"
            )
        if self.file_bytes * 2 > self.disk_bytes:
            found.append(
                f"{prefix}_FILE_MIB is {self.file_bytes // MIB}; it takes at most half of "
                f"{prefix}_DISK_MIB, which is {self.disk_bytes // MIB}"
            )
        return found


def _kind(destination: str) -> str | None:
    if destination == "stdout":
        return "stdout"
    if destination.startswith("/"):
        return "file"
    parts = urlsplit(destination)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return "file"
    if parts.scheme == "s3" and parts.netloc:
        return "s3"
    if parts.scheme == "firehose" and parts.netloc and parts.path in ("", "/"):
        return "firehose"
    return None


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Where traces go."""

    endpoint: str
    """``MODEL_SERVER_OTLP_ENDPOINT``, else ``OTEL_EXPORTER_OTLP_ENDPOINT``: an OTLP collector's
    HTTP address, such as ``http://collector:4318``. Default: no traces.

    The other variables of OpenTelemetry's exporter apply, such as ``OTEL_EXPORTER_OTLP_HEADERS``
    and ``OTEL_EXPORTER_OTLP_CERTIFICATE``.
    """

    ratio: float = 1.0
    """``MODEL_SERVER_TRACE_RATIO``: share of the requests that is traced where the caller does
    not say, 0-1. Default 1, as OpenTelemetry's own. A caller's ``traceparent`` decides first."""

    logs: bool = False
    """``MODEL_SERVER_OTLP_LOGS``: whether the server's log is sent there too. Default no."""

    service: str = "model-server"
    """``OTEL_SERVICE_NAME``: what the service is called. Default ``model-server``."""

    @classmethod
    def read(cls, reader: Reader) -> Self | None:
        """Read them; None where no endpoint is set."""
        name = "MODEL_SERVER_OTLP_ENDPOINT"
        endpoint = reader.text(name)
        if endpoint is None:
            name = "OTEL_EXPORTER_OTLP_ENDPOINT"
            endpoint = reader.text(name)
        ratio = reader.number("MODEL_SERVER_TRACE_RATIO", float, 1.0, 0.0, 1.0)
        logs = reader.flag("MODEL_SERVER_OTLP_LOGS", default=False)
        if endpoint is None:
            if logs:
                reader.problems.append(
                    "MODEL_SERVER_OTLP_LOGS is set without MODEL_SERVER_OTLP_ENDPOINT"
                )
            return None
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            reader.problems.append(
                f"{name} is {endpoint!r}; it takes an address such as http://collector:4318"
            )
        return cls(
            endpoint=endpoint,
            ratio=ratio,
            logs=logs,
            service=reader.text("OTEL_SERVICE_NAME") or "model-server",
        )


@dataclass(frozen=True, slots=True)
class EmfSettings:
    """How figures are written for CloudWatch."""

    namespace: str
    """``MODEL_SERVER_EMF_NAMESPACE``: CloudWatch's namespace, 1-255 characters. Default: no such
    lines."""

    dimensions: tuple[tuple[str, str], ...] = ()
    """``MODEL_SERVER_EMF_DIMENSIONS``: names and values beside the model's, as in
    ``Endpoint=fraud,Variant=blue``; at most 29. Default: none."""

    seconds: float = 60.0
    """``MODEL_SERVER_EMF_SECONDS``: time between lines, 1-3600. Default 60, CloudWatch's own
    standard resolution."""

    @classmethod
    def read(cls, reader: Reader) -> Self | None:
        """Read them; None where no namespace is set."""
        namespace = reader.text("MODEL_SERVER_EMF_NAMESPACE")
        if namespace is None:
            return None
        if len(namespace) > 255:
            reader.problems.append(
                f"MODEL_SERVER_EMF_NAMESPACE has {len(namespace)} characters; it takes 1 to 255"
            )
        words = reader.words("MODEL_SERVER_EMF_DIMENSIONS")
        pairs = tuple(tuple(part.strip() for part in word.split("=", 1)) for word in words)
        named = {pair[0] for pair in pairs}
        if (
            any(len(pair) != 2 or not all(pair) for pair in pairs)
            or len(pairs) > MAX_EMF_DIMENSIONS
            or len(named) < len(pairs)
            or "Model" in named
        ):
            reader.problems.append(
                f"MODEL_SERVER_EMF_DIMENSIONS is {','.join(words)!r}; it takes up to "
                f"{MAX_EMF_DIMENSIONS} different names with values, as in Endpoint=fraud, and "
                "none is called Model"
            )
            pairs = ()
        return cls(
            namespace=namespace,
            dimensions=tuple((pair[0], pair[1]) for pair in pairs),
            seconds=reader.number("MODEL_SERVER_EMF_SECONDS", float, 60.0, 1.0, 3600.0),
        )


@dataclass(frozen=True, slots=True)
class ObserveSettings:
    """Everything that the server tells of itself."""

    metrics: bool = True
    """``MODEL_SERVER_METRICS``: whether requests are counted and ``GET /metrics`` answers. Default
    yes."""

    prediction_log: PredictionLogSettings | None = None
    """None: predictions are not written."""

    traces: TraceSettings | None = None
    """None: requests are not traced."""

    emf: EmfSettings | None = None
    """None: no lines for CloudWatch."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read them; what is wrong is added to the reader's problems."""
        return cls(
            metrics=reader.flag("MODEL_SERVER_METRICS", default=True),
            prediction_log=PredictionLogSettings.read(reader),
            traces=TraceSettings.read(reader),
            emf=EmfSettings.read(reader),
        )

"""From settings to a prediction log that can be started.

Takes the settings, gives a `PredictionLog` with its sink. What a place needs is looked for here, so
that a wrong setting or a missing package is told before the server listens; it is imported in the
log's own thread.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from model_server.log import Log
from model_server.observe.errors import ObserveUnusable
from model_server.observe.prediction_log import PredictionLog
from model_server.observe.records import Bodies, Lines
from model_server.observe.redaction import Redactor
from model_server.observe.sinks.file_sink import FileSink
from model_server.observe.sinks.firehose_sink import FirehoseSink
from model_server.observe.sinks.folder import Folder
from model_server.observe.sinks.parquet import Parquet
from model_server.observe.sinks.part_sink import Form, JsonLines, PartSink, Store
from model_server.observe.sinks.sink import Sink
from model_server.observe.sinks.stdout_sink import StdoutSink
from model_server.observe.sinks.stores import FolderStore, S3Store
from model_server.settings.observe import PredictionLogSettings


def prediction_log(settings: PredictionLogSettings, log: Log) -> PredictionLog:
    """Give the log that the settings ask for; `PredictionLog.start` starts it.

    Raises:
        ObserveUnusable: a package is missing, or the folder cannot be written.
    """
    if settings.kind in ("s3", "firehose"):
        _need("botocore", "aws", settings.destination)
    if settings.format == "parquet":
        _need("pyarrow", "parquet", "MODEL_SERVER_PREDICTION_LOG_FORMAT=parquet")
    if settings.kind == "file":
        _need_folder(settings.folder)
    redactor = Redactor(settings.redact) if settings.redact else None
    bodies = Bodies(settings.max_record_bytes, redactor)
    return PredictionLog(
        _sink(settings, bodies, log),
        log,
        sample=settings.sample,
        queue_bytes=settings.queue_bytes,
        queue_records=settings.queue_records,
        retry_seconds=settings.retry_seconds,
        redactor=redactor,
    )


def _sink(settings: PredictionLogSettings, bodies: Bodies, log: Log) -> Sink:
    lines = Lines(bodies)
    if settings.kind == "stdout":
        return StdoutSink(lines)
    place = urlsplit(settings.destination)
    if settings.kind == "firehose":
        return FirehoseSink(place.netloc, lines)
    form: Form = Parquet(bodies) if settings.format == "parquet" else JsonLines(lines)
    store: Store
    if settings.kind == "s3":
        store = S3Store(place.netloc, place.path)
    else:
        folder = Folder(
            settings.folder,
            settings.disk_bytes,
            lambda name: log.warning("prediction_log_file_deleted", file=name),
        )
        if settings.format == "jsonl":
            return FileSink(
                folder,
                lines,
                settings.file_bytes,
                settings.file_seconds,
                compress=settings.gzip,
            )
        store = FolderStore(folder)
    return PartSink(form, store, settings.part_bytes, settings.part_seconds)


def _need(package: str, extra: str, what: str) -> None:
    if find_spec(package) is None:
        raise ObserveUnusable(
            f"{what} needs {package}, which is not installed: pip install 'model-server[{extra}]'"
        )


def _need_folder(folder: Path) -> None:
    try:
        folder.mkdir(0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise ObserveUnusable(
            f"MODEL_SERVER_PREDICTION_LOG: {folder} cannot be made: {error.strerror}"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ObserveUnusable(
            f"MODEL_SERVER_PREDICTION_LOG: {folder} cannot be written by user {os.getuid()}"
        )

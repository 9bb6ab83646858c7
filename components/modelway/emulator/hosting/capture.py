"""Data capture: requests and answers of sampled invocations, as JSON lines in S3.

Takes what a variant was asked and answered, gives objects named
`<destination>/<endpoint>/<variant>/<yyyy>/<mm>/<dd>/<hh>/<minute>-<second>-<ms>-<uuid>.jsonl`, in
the format of the developer guide's page "Capture data from real-time endpoint" (read 2026-11).
Lines are gathered and written within a virtual minute: AWS says "a couple of minutes". Only answers
of 2xx are captured. AWS draws which requests it samples; here they are spread evenly in time, and a
shadow's answer is captured when the champion's is, so that the two can be compared. Must never make
a request wait for S3.
"""

import base64
import json
import logging
import threading
import uuid
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.services import Services

log = logging.getLogger(__name__)

FLUSH_VIRTUAL_SECONDS = 60.0
"""Longest virtual time from an answer to its object, unless FLUSH_REAL_SECONDS is longer."""

FLUSH_REAL_SECONDS = 0.2
"""Real time: at a high time scale a virtual minute is too short to write in."""

MOST_LINES = 50_000
"""Lines of one variant that are held; more are dropped, as AWS stops capturing under load."""

_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"

Store = Callable[[str, str, str, bytes, Mapping[str, str]], int]
"""Puts an object: account, bucket, key, content and headers; gives the HTTP status."""


class EvenSample:
    """Takes a share of what comes by, evenly in time and the same way each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed: dict[Hashable, float] = {}

    def takes(self, key: Hashable, share: float) -> bool:
        """Say whether the next one of this key is taken; `share` is 0 to 1."""
        with self._lock:
            owed = self._owed.get(key, 0.0) + share
            taken = owed >= 1 - 1e-9
            self._owed[key] = owed - 1 if taken else owed
        return taken


@dataclass(frozen=True)
class Exchange:
    """One request that a variant answered."""

    variant: str
    request: bytes
    request_headers: Mapping[str, str]
    """As sent to the container."""
    answer: bytes
    answer_content_type: str


@dataclass
class _Batch:
    """Lines that become one object."""

    account: str
    destination: str
    folder: str
    kms_key_id: str
    at: float
    """Virtual time of the first line."""
    lines: list[str] = field(default_factory=list[str])


class Capture:
    """Gathers exchanges and writes them.

    Args:
        services: the clock and the sign to stop.
    """

    def __init__(self, services: Services) -> None:
        self.store: Store = _nowhere
        """Set once the emulator can be asked to put objects."""
        self._services = services
        self._sample = EvenSample()
        self._lock = threading.Lock()
        self._batches: dict[Hashable, _Batch] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write from time to time; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
            self._thread.start()

    def wanted(self, record: EndpointRecord, config: Mapping[str, Any]) -> bool:
        """Say whether the next request of this configuration is captured; asked once for each."""
        capture = config.get("DataCaptureConfig")
        if not capture or not capture.get("EnableCapture", True):
            return False
        key = (record.arn, config["EndpointConfigName"])
        return self._sample.takes(key, capture["InitialSamplingPercentage"] / 100)

    def add(self, record: EndpointRecord, config: Mapping[str, Any], exchange: Exchange) -> None:
        """Remember one exchange; `config` is the endpoint configuration that answered it."""
        capture, now = config["DataCaptureConfig"], self._services.clock.now()
        line = json.dumps(_event(capture, exchange, now), separators=(",", ":"))
        hour = datetime.fromtimestamp(now, UTC).strftime("%Y/%m/%d/%H")
        folder = f"{record.endpoint_name}/{exchange.variant}/{hour}"
        destination = str(capture["DestinationS3Uri"])
        with self._lock:
            batch = self._batches.setdefault(
                (record.account_id, destination, folder),
                _Batch(record.account_id, destination, folder, capture.get("KmsKeyId") or "", now),
            )
            if len(batch.lines) < MOST_LINES:
                batch.lines.append(line)

    def flush(self) -> None:
        """Write everything that was gathered."""
        with self._lock:
            batches, self._batches = self._batches, {}
        for batch in batches.values():
            self._write(batch)

    def reset(self) -> None:
        """Forget what was gathered."""
        with self._lock:
            self._batches = {}

    def _write(self, batch: _Batch) -> None:
        bucket, _, prefix = batch.destination.split("://", 1)[1].partition("/")
        at = datetime.fromtimestamp(batch.at, UTC)
        name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        key = "/".join(part for part in (prefix.strip("/"), batch.folder, name) if part)
        headers = {"Content-Type": "application/octet-stream"}
        if batch.kms_key_id:
            headers["x-amz-server-side-encryption"] = "aws:kms"
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = batch.kms_key_id
        content = "".join(f"{line}\n" for line in batch.lines).encode()
        status = self.store(batch.account, bucket, key, content, headers)
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's range of successes
            # A bucket that is gone or closed loses captured data; invocations go on, as on AWS.
            log.warning("captured data lost: putting s3://%s/%s answered %d", bucket, key, status)

    def _run(self) -> None:
        clock = self._services.clock
        pause = max(FLUSH_VIRTUAL_SECONDS, FLUSH_REAL_SECONDS * clock.time_scale)
        # Half the pause, so that with the time to write the whole is not exceeded.
        while not clock.sleep(pause / 2, self._services.stopping):
            self.flush()


def _event(capture: Mapping[str, Any], exchange: Exchange, now: float) -> dict[str, Any]:
    """Give one line of a captured file."""
    modes = {each["CaptureMode"] for each in capture["CaptureOptions"]}
    both = "InputAndOutput" in modes
    types = capture.get("CaptureContentTypeHeader") or {}
    headers = exchange.request_headers
    data: dict[str, Any] = {}
    if both or "Input" in modes:
        sent = headers.get("Content-Type", "application/octet-stream")
        data["endpointInput"] = _side("INPUT", exchange.request, sent, types)
    if both or "Output" in modes:
        given = exchange.answer_content_type
        data["endpointOutput"] = _side("OUTPUT", exchange.answer, given, types)
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if headers.get(_CUSTOM_ATTRIBUTES):
        metadata["customAttributes"] = [headers[_CUSTOM_ATTRIBUTES]]
    if headers.get(_INFERENCE_ID):
        metadata["inferenceId"] = headers[_INFERENCE_ID]
    at = datetime.fromtimestamp(now, UTC)
    metadata["inferenceTime"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(mode: str, content: bytes, content_type: str, types: Mapping[str, Any]) -> dict[str, str]:
    """Give one side of an exchange; text only where its content type was said to be text."""
    plain = content_type.partition(";")[0].strip().lower()
    encoding = "BASE64"
    if plain in {each.lower() for each in types.get("CsvContentTypes") or ()}:
        encoding = "CSV"
    elif plain in {each.lower() for each in types.get("JsonContentTypes") or ()}:
        encoding = "JSON"
    try:
        text = base64.b64encode(content).decode() if encoding == "BASE64" else content.decode()
    except UnicodeDecodeError:
        encoding, text = "BASE64", base64.b64encode(content).decode()
    return {
        "observedContentType": content_type,
        "mode": mode,
        "data": text,
        "encoding": encoding,
    }


def _nowhere(*_: object) -> int:
    return 503

"""InvokeEndpoint: from a request to a container and back, in AWS's words.

Takes an endpoint and a request, gives status, headers and body as SageMaker's runtime gives them,
and records the metrics that SageMaker publishes for it. Error shapes are those of botocore's
sagemaker-runtime model; wordings are AWS's own where one is known. Must not choose replicas (that
is `routing`).
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import urllib3

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.capture import Capture, Exchange
from modelway.emulator.hosting.endpoint import Endpoint
from modelway.emulator.hosting.mirror import Copy, Mirror
from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.hosting.routing import Choice, Lease, NoHealthyReplica, NoSuchVariant
from modelway.emulator.services import Services

MAX_BODY_BYTES = 6_291_456
"""The real-time payload limit (botocore, sagemaker-runtime, BodyBlob)."""

Answer = tuple[int, dict[str, str], bytes]

_FORWARDED = {
    "content-type": "Content-Type",
    "accept": "Accept",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
}
"""What reaches the container; SageMaker strips all other headers of the request."""

_RETURNED = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")

_SERVING = frozenset(
    {"InService", "Updating", "RollingBack", "SystemUpdating", "UpdateRollbackFailed"}
)

_TRIES = 3
"""Containers tried when connections are refused, which means that no request was taken."""


_UNAVAILABLE = "The service is unavailable. Try your call again."

_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than the container's own."""

    def __init__(self, status: int, error: str, message: str, **fields: object) -> None:
        super().__init__(message)
        self.status, self.error = status, error
        self.fields = {"Message": message, **fields}


@dataclass(frozen=True)
class Call:
    """What a container made of one request."""

    status: int
    """HTTP status; 0 when there was no HTTP answer."""
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    """Real time between sending the request and holding the whole answer."""


class Invoker:
    """Answers requests to endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.capture = Capture(services)
        self._mirror = Mirror(self._send, self._measure, self.capture)
        self._timeout = urllib3.Timeout(connect=timing.CONNECT_SECONDS, read=timing.INVOKE_SECONDS)

    def invoke(
        self,
        account: str,
        name: str,
        endpoint: Endpoint | None,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        """Answer one request.

        Args:
            account: the caller's account.
            name: the endpoint's name as the caller wrote it.
            endpoint: the endpoint of that name, or None.
            body: the request's body.
            headers: the request's headers, names in lower case.
        """
        if len(body) > MAX_BODY_BYTES:
            # Refused before SageMaker itself sees it: not JSON, and botocore shows code 413.
            text = f"HTTP content length exceeded {MAX_BODY_BYTES} bytes."
            return 413, {"Content-Type": "text/plain"}, text.encode()
        try:
            return self._invoke(account, name, endpoint, body, headers)
        except Refusal as refusal:
            return (
                refusal.status,
                {
                    "Content-Type": "application/json",
                    "x-amzn-ErrorType": refusal.error,
                    "x-amzn-RequestId": str(uuid.uuid4()),
                },
                json.dumps(refusal.fields).encode(),
            )

    def _invoke(
        self,
        account: str,
        name: str,
        endpoint: Endpoint | None,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        begun = time.perf_counter()
        if endpoint is None or endpoint.record.endpoint_status not in _SERVING:
            raise Refusal(
                400, "ValidationError", f"Endpoint {name} of account {account} not found."
            )
        record = endpoint.record
        if not self._services.settings.replicas:
            _model_error(
                record,
                0,
                "this emulator was started without replicas (--no-replicas); nothing can answer",
            )
        # A restart of the emulator has no counterpart on AWS: its users wait instead of failing.
        endpoint.resumed.wait(timing.INVOKE_SECONDS)
        sent = {_FORWARDED[key]: value for key, value in headers.items() if key in _FORWARDED}
        sent.setdefault("Content-Type", "application/octet-stream")
        target = headers.get("x-amzn-sagemaker-target-variant")
        choice, call = self._call(endpoint, account, target, body, sent)
        if call is None:
            self._measure(record, choice, None, time.perf_counter() - begun)
            raise Refusal(503, "ServiceUnavailable", _UNAVAILABLE)
        self._measure(record, choice, call, time.perf_counter() - begun)
        self._repeat_and_capture(endpoint, choice, body, sent, call)
        if not 200 <= call.status < 300:  # noqa: PLR2004 - HTTP's range of successes
            _model_error(record, call.status, call.body.decode("utf-8", errors="replace"))
        answer = {
            "x-Amzn-Invoked-Production-Variant": choice.variant,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        answer |= {key: call.headers[key] for key in _RETURNED if key in call.headers}
        return 200, answer, call.body

    def close(self) -> None:
        """Send nothing more to shadows, and write what was captured."""
        self._mirror.close()
        self.capture.flush()

    def _repeat_and_capture(
        self, endpoint: Endpoint, choice: Choice, body: bytes, sent: Mapping[str, str], call: Call
    ) -> None:
        """Hand the request on to the shadow and to data capture; neither makes it wait."""
        fleets = (each for each in endpoint.fleets if each.config_name == choice.config_name)
        fleet = next(fleets, None)
        if fleet is None:
            return
        record, config = endpoint.record, fleet.deployment.config
        captured = self.capture.wanted(record, config)
        self._mirror.offer(Copy(record, fleet, body, sent, captured))
        if captured and 200 <= call.status < 300:  # noqa: PLR2004 - HTTP's range of successes
            given = call.headers.get("Content-Type", "application/octet-stream")
            exchange = Exchange(choice.variant, body, sent, call.body, given)
            self.capture.add(record, config, exchange)

    def _call(
        self,
        endpoint: Endpoint,
        account: str,
        target: str | None,
        body: bytes,
        headers: Mapping[str, str],
    ) -> tuple[Choice, Call | None]:
        """Send the request to a container; no call where no container took it."""
        choice: Choice | None = None
        for _ in range(_TRIES):
            try:
                lease = endpoint.router.lease(target)
            except NoHealthyReplica as none:
                return none.chosen, None
            except NoSuchVariant:
                name = endpoint.record.endpoint_name
                if target is None:
                    raise Refusal(
                        400, "ValidationError", f"Endpoint {name} of account {account} not found."
                    ) from None
                raise Refusal(
                    400,
                    "ValidationError",
                    f"Variant {target} of endpoint {name} of account {account} not found.",
                ) from None
            choice = lease.choice
            try:
                call = self._disturbed(endpoint.record, choice, self._send(lease, body, headers))
            finally:
                lease.replica.release()
            if call is not None:
                return choice, call
            lease.replica.suspect()
        if choice is None:
            raise AssertionError
        return choice, None

    def _send(self, lease: Lease, body: bytes, headers: Mapping[str, str]) -> Call | None:
        """Give the container's answer; None when it did not take the request."""
        pool = lease.replica.pool
        running = lease.replica.running
        if pool is None or running is None:
            return None
        begun = time.perf_counter()
        for last in (False, True):
            try:
                answer = pool.request(
                    "POST", "/invocations", body=body, headers=headers, timeout=self._timeout
                )
            except (
                urllib3.exceptions.NewConnectionError,
                urllib3.exceptions.ConnectTimeoutError,
                urllib3.exceptions.ClosedPoolError,
            ):
                return None
            except urllib3.exceptions.TimeoutError:
                return _silence(_TIMED_OUT, time.perf_counter() - begun)
            except (urllib3.exceptions.HTTPError, OSError):
                # A server may close an idle connection at the very moment it is used again. The
                # server lives and never saw the request; if it died, the request may be the cause.
                if last or running.exit_status() is not None:
                    lease.replica.suspect()
                    return _silence(
                        "The connection to container primary was lost before it answered.",
                        time.perf_counter() - begun,
                    )
            else:
                seconds = time.perf_counter() - begun
                return Call(answer.status, answer.headers, answer.data, seconds)
        raise AssertionError

    def _disturbed(self, record: EndpointRecord, choice: Choice, call: Call | None) -> Call | None:
        """Give the answer as it is with the faults that hold for its fleet."""
        disturbance = self._services.faults.disturbance(record.endpoint_name, choice.config_name)
        if call is None or disturbance is None:
            return call
        left = max(0.0, timing.INVOKE_SECONDS - call.seconds)
        delay = min(disturbance.delay_ms / 1000, left)
        self._services.stopping.wait(delay)
        seconds = call.seconds + delay
        if seconds >= timing.INVOKE_SECONDS:
            return _silence(_TIMED_OUT, seconds)
        if disturbance.status is None:
            return replace(call, seconds=seconds)
        said = f"fault errors: the container's answer is replaced by status {disturbance.status}"
        return Call(disturbance.status, {"Content-Type": "text/plain"}, said.encode(), seconds)

    def _measure(
        self, record: EndpointRecord, choice: Choice, call: Call | None, seconds: float
    ) -> None:
        """Record what SageMaker publishes for one request.

        Names, values and units: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
        (read 2026-11). With the dimension EndpointConfigName the two fleets of a blue/green update
        can be told apart ("Auto-Rollback Configuration and Monitoring").
        """
        status = 503 if call is None else call.status
        model_seconds = 0.0 if call is None else call.seconds
        values: list[tuple[str, float, str]] = [
            ("Invocations", 1.0, "None"),
            ("InvocationsPerInstance", 1.0 / max(1, choice.healthy), "None"),
            ("Invocation4XXErrors", float(400 <= status < 500), "None"),  # noqa: PLR2004
            # No HTTP answer at all counts as the server's fault.
            ("Invocation5XXErrors", float(status == 0 or status >= 500), "None"),  # noqa: PLR2004
            ("InvocationModelErrors", float(not 200 <= status < 300), "None"),  # noqa: PLR2004
        ]
        if call is not None:
            overhead = max(0.0, seconds - model_seconds)
            values += [
                ("ModelLatency", model_seconds * 1e6, "Microseconds"),
                ("OverheadLatency", overhead * 1e6, "Microseconds"),
            ]
        dimensions = {"EndpointName": record.endpoint_name, "VariantName": choice.variant}
        by_config = dimensions | {"EndpointConfigName": choice.config_name}
        now = self._services.clock.now()
        sink = self._services.faults.sink(
            self._services.metrics, record.endpoint_name, choice.config_name
        )
        for name, value, unit in values:
            for each in (dimensions, by_config):
                sink.record("AWS/SageMaker", name, each, value, unit, now)


def _silence(message: str, seconds: float) -> Call:
    return Call(0, {}, message.encode(), seconds)


def _model_error(record: EndpointRecord, status: int, said: str) -> NoReturn:
    """Raise SageMaker's ModelError: 424, with what the container said and where its logs are."""
    region, account = record.region, record.account_id
    group = f"/aws/sagemaker/Endpoints/{record.endpoint_name}"
    side = "client" if 400 <= status < 500 else "server"  # noqa: PLR2004 - HTTP's client errors
    raise Refusal(
        424,
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{said}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={group} in account {account} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:{group}",
    )

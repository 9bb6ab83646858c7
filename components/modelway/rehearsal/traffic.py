"""Traffic for one endpoint of an emulator, in an open loop.

Takes an endpoint, payloads and a rate per virtual minute, or arrivals; gives what became of each
call. Calls leave by the clock, however slowly the answers come. A rate that this machine cannot
produce is refused before traffic starts. It calls loopback addresses only, so that a rehearsal can
never reach AWS, and it changes nothing but the endpoint's metrics.

    traffic = Traffic("fraud-local", rows, 600, time_scale=60, client=partial(runtime_client, url))
    with traffic:
        ...                                   # pulumi up, for example
    print(traffic.summary().p99_ms)
"""

import ipaddress
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from modelway.errors import RehearsalError
from modelway.rehearsal.arrivals import Arrivals
from modelway.rehearsal.calls import Call, Summary, summarize

SHARE_OF_PROBE = 0.7
"""How much of the probed rate may be asked for; the rest is for what else happens meanwhile."""
MOST_WORKERS = 64
_PROBE_CALLS = 3
_BURST_CALLS_PER_WORKER = 3
_BURST_WORKERS = 2 * (os.cpu_count() or 1)
_JOIN_SECONDS = 65.0
"""A call in flight ends by SageMaker's 60 s at the latest."""


class Traffic:
    """Calls one endpoint until it is stopped; to be started once.

    Args:
        endpoint_name: the endpoint.
        payloads: request bodies, sent in turn; one or more.
        invocations_per_minute: the rate per virtual minute, above 0.
        time_scale: virtual seconds per real second, as the emulator was started with.
        client: makes a boto3 `sagemaker-runtime` client of a loopback address, with retries off.
        content_type: of the payloads. Default: text/csv.
        accept: what is asked for. Default: application/json.
        arrivals: when calls are due. Default: at equal distances.
        version_of: tells from a payload's number and the answer's body which version of the model
            answered. Default: nobody tells.
        inference_ids: what InferenceId begins with; the call's number follows. Default: none is
            sent, and captured data cannot be joined.
        workers: how many calls may be in flight, up to 64. Default: what the rate needs at four
            times the latency that the first calls have.

    Raises:
        RehearsalError: no payload, a rate not above 0, or an address that is not loopback.
    """

    def __init__(
        self,
        endpoint_name: str,
        payloads: Sequence[bytes],
        invocations_per_minute: float,
        *,
        time_scale: float,
        client: Callable[[], Any],
        content_type: str = "text/csv",
        accept: str = "application/json",
        arrivals: Arrivals | None = None,
        version_of: Callable[[int, bytes], str] | None = None,
        inference_ids: str | None = None,
        workers: int | None = None,
    ) -> None:
        doing = f"sending traffic to {endpoint_name}"
        if not payloads:
            raise RehearsalError(f"{doing}: there is no payload; give one request body or more")
        if invocations_per_minute <= 0 or time_scale <= 0:
            raise RehearsalError(
                f"{doing}: invocations_per_minute is {invocations_per_minute} and time_scale "
                f"{time_scale}; both must be above 0"
            )
        self._doing = doing
        self._name, self._payloads = endpoint_name, payloads
        self._per_minute, self._time_scale = invocations_per_minute, time_scale
        self._per_second = invocations_per_minute / 60 * time_scale
        self._arrivals = Arrivals(self._per_second) if arrivals is None else arrivals
        self._version_of = version_of
        self._inference_ids = inference_ids
        self._workers = workers
        self._types = {"ContentType": content_type, "Accept": accept}
        self._client = client()
        _refuse_other_than_loopback(doing, self._client.meta.endpoint_url)
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._next = 0
        self._began = self._ended = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Find out whether the rate can be produced, then begin.

        Raises:
            RehearsalError: the machine cannot produce the rate, or the endpoint does not exist.
        """
        latency_seconds = self._probe()
        in_flight = self._workers or math.ceil(self._per_second * latency_seconds * 4) + 2
        self._began = time.monotonic()
        self._threads = [
            threading.Thread(target=self._work, name=f"traffic-{number}", daemon=True)
            for number in range(min(in_flight, MOST_WORKERS))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more; returns when the calls in flight have ended."""
        if not self._stopping.is_set():
            self._ended = time.monotonic()
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def run(self, virtual_minutes: float) -> Summary:
        """Start, wait so long in virtual time, stop."""
        with self:
            self._stopping.wait(virtual_minutes * 60 / self._time_scale)
        return self.summary()

    def calls(self) -> list[Call]:
        """Give every call so far, in the order of their ends."""
        with self._lock:
            return list(self._calls)

    def summary(self) -> Summary:
        """Sum up the calls so far."""
        until = self._ended if self._stopping.is_set() else time.monotonic()
        return summarize(self.calls(), (until - self._began) * self._time_scale / 60)

    def change_rate(self, per_second: float) -> None:
        """Let another rate hold from now on, in calls per real second; 0 sends nothing."""
        with self._changed:
            self._arrivals.change(time.monotonic() - self._began, per_second)
            self._changed.notify_all()

    @property
    def began(self) -> float:
        """When traffic began, as `time.monotonic` has it; 0 before."""
        return self._began

    def _work(self) -> None:
        while True:
            with self._turn:
                # One thread waits for the next arrival, the others for their turn.
                due = self._await_arrival()
                if due is None:
                    return
                number = self._next
                self._next += 1
            call = self._call(number, self._began + due, self._names(number))
            with self._lock:
                self._calls.append(call)

    def _await_arrival(self) -> float | None:
        """Wait until a call is due and give its time; None when traffic has been stopped."""
        with self._changed:
            while not self._stopping.is_set():
                left = self._began + self._arrivals.due - time.monotonic()
                if left <= 0:
                    return self._arrivals.take()
                self._changed.wait(None if math.isinf(left) else left)
        return None

    def _names(self, number: int) -> dict[str, str]:
        if self._inference_ids is None:
            return {}
        return {"InferenceId": f"{self._inference_ids}-{number}"}

    def _call(self, number: int, due: float, names: Mapping[str, str] | None = None) -> Call:
        from botocore.exceptions import BotoCoreError, ClientError

        variant = error = version = ""
        body = b""
        which = number % len(self._payloads)
        sent = time.monotonic()
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name,
                Body=self._payloads[which],
                **self._types,
                **(names or {}),
            )
            body = answer["Body"].read()
            status = int(answer["ResponseMetadata"]["HTTPStatusCode"])
            variant = answer.get("InvokedProductionVariant", "")
        except ClientError as problem:
            status = int(problem.response["ResponseMetadata"]["HTTPStatusCode"])
            error = problem.response["Error"]["Code"]
        except (BotoCoreError, OSError) as problem:
            status, error = 0, type(problem).__name__
        ended = time.monotonic()
        if not error and self._version_of is not None:
            version = self._version_of(which, body)
        return Call(
            at_seconds=due - self._began,
            status=status,
            latency_ms=(ended - sent) * 1000,
            late_ms=max(sent - due, 0.0) * 1000,
            variant=variant,
            error=error,
            version=version,
        )

    def _probe(self) -> float:
        """Give the latency in seconds; refuse a rate that the machine cannot produce.

        A few calls one after the other show a rate that is surely possible. Only when more is asked
        for, a short burst shows what calls side by side reach.
        """
        first = [self._call(number, time.monotonic()) for number in range(_PROBE_CALLS)]
        if first[-1].error in ("ValidationError", "EndpointConnectionError"):
            raise RehearsalError(
                f"{self._doing}: a first call was answered with {first[-1].error}; "
                "the endpoint must be in service before traffic starts"
            )
        latency_seconds = min(call.latency_ms for call in first) / 1000
        possible = 1 / latency_seconds
        if self._per_second > SHARE_OF_PROBE * possible:
            possible = max(possible, self._burst(latency_seconds))
        if self._per_second > SHARE_OF_PROBE * possible:
            most = SHARE_OF_PROBE * possible / self._time_scale * 60
            raise RehearsalError(
                f"{self._doing}: {self._per_minute:g} invocations per virtual minute at time "
                f"scale {self._time_scale:g} are {self._per_second:.0f} calls per real second; "
                f"this machine reached {possible:.0f}, and {SHARE_OF_PROBE:.0%} of that may be "
                f"asked for. Ask for {most:.0f} per virtual minute or fewer, or start the "
                "emulator with a lower --time-scale"
            )
        return latency_seconds

    def _burst(self, latency_seconds: float) -> float:
        """Give the calls per real second that as many threads reach as the rate would need."""
        needed = math.ceil(self._per_second * latency_seconds * 2)
        workers = min(max(needed, _BURST_WORKERS), MOST_WORKERS)
        count = workers * _BURST_CALLS_PER_WORKER
        began = time.monotonic()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda number: self._call(number, began), range(count)))
        return count / (time.monotonic() - began)


def runtime_client(url: str, region: str = "us-east-1") -> Any:
    """Make a boto3 `sagemaker-runtime` client of an emulator: no retries, no proxy, dummy keys."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        max_pool_connections=MOST_WORKERS,
        read_timeout=_JOIN_SECONDS,
        proxies={},
    )
    session = boto3.Session(
        aws_access_key_id="emulator", aws_secret_access_key="emulator", region_name=region
    )
    return session.client("sagemaker-runtime", endpoint_url=url, config=config)


def _refuse_other_than_loopback(doing: str, url: str) -> None:
    host = urlsplit(url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise RehearsalError(
            f"{doing}: the client's address is {url}; traffic goes to an emulator on loopback only"
        )

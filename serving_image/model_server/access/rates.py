"""How often a caller may ask, and how many of its requests may be under way at once.

Takes the account that a request counts under, gives the headers for its answer or `OverLimit`. A
token bucket for each account: it holds up to ``burst`` tokens, a request takes one, and they come
back at ``per_second``. Must not know how a caller was recognised.

Nothing here is shared between processes: each of several workers keeps its own buckets and gives
out its share of every limit, so that all together never give out more than what was set. A caller
whose connections all end at one worker gets that worker's share only; the answer's headers speak
of the share.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10 (read 2026-11)::

    RateLimit-Policy: "default";q=100;w=1      100 requests in 1 second
    RateLimit: "default";r=50;t=1              50 left; all 100 again in 1 second
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from model_server.core.errors import RateLimited

Headers = tuple[tuple[bytes, bytes], ...]

MAX_ACCOUNTS = 10_000
"""Accounts that are remembered; beyond that the one that asked longest ago is forgotten. About
250 bytes each."""

MAX_PREPARED = 1024
"""Header values kept ready for one rate."""

MAX_RATE_PER_SECOND, MAX_BURST = 1_000_000.0, 1_000_000
"""Far over what one machine answers: a greater number is a slip of the keyboard."""

MIN_RATE_PER_SECOND = 0.001
"""About four requests an hour."""

BUSY_SECONDS = 1.0
"""When to ask again where too many requests are under way: nobody knows when one will end."""


class OverLimit(RateLimited):
    """The caller asks more often, or more at once, than it may."""

    def __init__(self, message: str, retry_after_seconds: float, headers: Headers = ()) -> None:
        super().__init__(message, retry_after_seconds)
        self.headers = headers
        """RateLimit headers for the answer; their ``t`` is when Retry-After says."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a caller may ask."""

    per_second: float
    """Requests a second in the long run, 0.001 to 1 000 000."""

    burst: int
    """Requests at once after a pause, 1 to 1 000 000."""


class Policy:
    """A worker's share of a rate, with the headers that speak of it prepared."""

    __slots__ = ("_prepared", "_text", "burst", "per_second", "rate")

    def __init__(self, rate: Rate, share: float) -> None:
        self.rate = rate
        self.per_second = rate.per_second * share
        self.burst = float(max(1, math.floor(rate.burst * share)))
        # Whole numbers that never say more than the long-run rate.
        window, quota = 1, math.floor(self.per_second)
        if self.burst >= self.per_second:
            window, quota = math.ceil(self.burst / self.per_second), int(self.burst)
        self._text = b'"default";q=%d;w=%d' % (quota, window)
        self._prepared: dict[int, Headers] = {}

    def headers(self, left: int) -> Headers:
        """Give the headers for an answer after which this many requests are left."""
        found = self._prepared.get(left)
        if found is None:
            seconds = max(1, math.ceil((self.burst - left) / self.per_second))
            found = self._headers(left, seconds)
            if len(self._prepared) >= MAX_PREPARED:
                self._prepared.clear()
            self._prepared[left] = found
        return found

    def refused(self, seconds: float) -> Headers:
        """Give the headers for a refusal; the next request may come after these seconds."""
        return self._headers(0, max(1, math.ceil(seconds)))

    def _headers(self, left: int, seconds: int) -> Headers:
        return (
            (b"ratelimit-policy", self._text),
            (b"ratelimit", b'"default";r=%d;t=%d' % (left, seconds)),
        )


class Bucket:
    """What is counted of one account."""

    __slots__ = ("policy", "running", "tokens", "updated")

    def __init__(self, policy: Policy | None, now: float) -> None:
        self.policy = policy
        self.tokens = 0.0 if policy is None else policy.burst
        self.updated = now
        self.running = 0


class Limits:
    """The limits of one worker."""

    def __init__(
        self,
        default: Rate | None = None,
        max_running: int | None = None,
        share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what was set for all workers together.

        Args:
            default: the rate of a caller that has none of its own; None: no limit.
            max_running: requests of one caller under way at once; None: no limit.
            share: this worker's part of every limit, over 0 to 1; with four workers 0.25. A part
                of less than one request is rounded up to one.
            clock: seconds that never jump, as wall clocks do.
        """
        self._share = share
        self._clock = clock
        self._policies: dict[Rate, Policy] = {}
        self._default = None if default is None else self._policy(default)
        self._max_running = None if max_running is None else max(1, math.floor(max_running * share))
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self.active = default is not None or max_running is not None
        """Whether every caller is limited in some way."""

    def __len__(self) -> int:
        """Give how many accounts are remembered."""
        return len(self._buckets)

    def enter(self, account: str, own: Rate | None = None) -> tuple[Bucket, Headers]:
        """Count a request.

        Args:
            account: what it counts under.
            own: the caller's own rate, which goes before the default.

        Raises:
            OverLimit: the caller has to wait; nothing was counted.
        """
        bucket = self._buckets.get(account)
        now = self._clock()
        if bucket is None:
            bucket = self._open(account, now)
        else:
            self._buckets.move_to_end(account)
        policy = bucket.policy
        if own is not None:
            if policy is None or policy.rate is not own:
                policy = self._change(bucket, self._policy(own))
        elif policy is not self._default:
            policy = self._change(bucket, self._default)
        if self._max_running is not None and bucket.running >= self._max_running:
            raise OverLimit(
                f"{bucket.running} of your requests are under way, which is as many as there may "
                "be; wait until one is answered",
                BUSY_SECONDS,
            )
        headers: Headers = ()
        if policy is not None:
            tokens = bucket.tokens
            elapsed = now - bucket.updated
            if elapsed > 0.0:  # time that ran backwards gives nothing and takes nothing
                tokens += elapsed * policy.per_second
                if tokens > policy.burst:  # noqa: PLR1730  # min() takes three times as long
                    tokens = policy.burst
            bucket.updated = now
            if tokens < 1.0:
                bucket.tokens = tokens
                raise _too_often(policy, tokens)
            bucket.tokens = tokens = tokens - 1.0
            headers = policy.headers(int(tokens))
        bucket.running += 1
        return bucket, headers

    def leave(self, bucket: Bucket) -> None:
        """Count a request's end."""
        bucket.running -= 1

    def _open(self, account: str, now: float) -> Bucket:
        """Begin to count an account, and forget another where there are too many."""
        buckets = self._buckets
        if len(buckets) >= MAX_ACCOUNTS:
            for _ in range(MAX_ACCOUNTS):
                oldest, idle = next(iter(buckets.items()))
                if not idle.running:
                    break
                # Forgotten, it would begin again with nothing under way.
                buckets.move_to_end(oldest)
            buckets.popitem(last=False)
        bucket = buckets[account] = Bucket(self._default, now)
        return bucket

    def _change(self, bucket: Bucket, policy: Policy | None) -> Policy | None:
        """Put an account under another rate; what it has used of the old one stays used."""
        old = bucket.policy
        if policy is not None and old is not policy:
            used = 0.0 if old is None else old.burst - bucket.tokens
            bucket.tokens = max(0.0, policy.burst - used)
        bucket.policy = policy
        return policy

    def _policy(self, rate: Rate) -> Policy:
        policy = self._policies.get(rate)
        if policy is None:
            if len(self._policies) >= MAX_ACCOUNTS:
                self._policies.clear()
            policy = self._policies[rate] = Policy(rate, self._share)
        return policy


def _too_often(policy: Policy, tokens: float) -> OverLimit:
    seconds = (1.0 - tokens) / policy.per_second
    return OverLimit(
        f"you may ask {policy.per_second:g} times a second, and {policy.burst:g} times at once "
        f"after a pause; ask again in {seconds:.3g} s",
        seconds,
        policy.refused(seconds),
    )

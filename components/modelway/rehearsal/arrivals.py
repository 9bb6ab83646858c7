"""When requests are due, in an open loop whose rate may change.

Takes a rate, a kind and a seed, gives the times of arrivals in real seconds after the start. The
same seed gives the same arrivals, whatever the rate: a change of rate stretches or shrinks what is
still to come. Must not wait and must not read clocks.

    arrivals = Arrivals(20, kind="poisson", seed=7)
    arrivals.due                      # when the next request is to be sent; math.inf: none is
    arrivals.take()                   # it was sent: look at the one after it
    arrivals.change(3.5, 0)           # 3.5 s after the start, traffic ends
"""

import math
import random
from typing import Literal

Kind = Literal["constant", "poisson"]
"""Equal distances, or exponential ones, as callers that know nothing of each other cause."""


class Arrivals:
    """The times of one stream of requests.

    Args:
        per_second: requests per real second, 0 or more.
        kind: default: constant.
        seed: of the distances of a Poisson stream. Default: 1.
    """

    def __init__(self, per_second: float, *, kind: Kind = "constant", seed: int = 1) -> None:
        self._per_second = per_second
        self._kind = kind
        # Not for secrets: the same scenario must send the same traffic.
        self._random = random.Random(seed)  # noqa: S311
        self._from = 0.0
        # The first request is due at once where the distances are equal.
        self._units = 0.0 if kind == "constant" else self._distance()

    @property
    def due(self) -> float:
        """When the next request is to be sent, in seconds after the start."""
        if self._units == 0:
            return self._from if self._per_second > 0 else math.inf
        if self._per_second <= 0:
            return math.inf
        return self._from + self._units / self._per_second

    def take(self) -> float:
        """Give the next time, and go on to the one after it.

        Raises:
            ValueError: the rate is 0, so that there is none.
        """
        due = self.due
        if math.isinf(due):
            message = "taking an arrival: the rate is 0, so nothing is due"
            raise ValueError(message)
        self._from = due
        self._units = self._distance()
        return due

    def change(self, at_seconds: float, per_second: float) -> None:
        """Let another rate hold from a moment on; one before the last arrival counts as that."""
        moment = max(at_seconds, self._from)
        passed = (moment - self._from) * self._per_second
        self._units = max(self._units - passed, 0.0)
        self._from = moment
        self._per_second = per_second

    def _distance(self) -> float:
        """Give a distance in units of the mean one."""
        return 1.0 if self._kind == "constant" else self._random.expovariate(1.0)

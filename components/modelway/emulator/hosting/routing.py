"""Which replica answers a request.

Takes fleets with shares of the traffic; a request goes to a fleet by share, within it to a variant
by weight, within that to the healthy replica with the fewest requests in flight. Fleets and shares
are replaced as a whole, so a request sees either the old routes or the new ones. Must not start,
stop or call anything: fleets are anything with the three methods of `Routable`.
"""

import threading
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from modelway.emulator.hosting.replica import Replica


class Routable(Protocol):
    """What routing needs of a fleet."""

    @property
    def config_name(self) -> str:
        """The endpoint configuration that it runs."""
        ...

    def weights(self) -> Mapping[str, float]:
        """Give each variant's weight."""
        ...

    def healthy(self, variant: str) -> Sequence[Replica]:
        """Give the replicas of a variant that pass their health checks."""
        ...


class NoSuchVariant(LookupError):  # noqa: N818 - named for what is missing
    """The request names a variant that no fleet has."""


class NoHealthyReplica(LookupError):  # noqa: N818 - a state, not a fault of routing
    """The chosen variant has nobody to answer now."""

    def __init__(self, chosen: "Choice") -> None:
        super().__init__(chosen.variant)
        self.chosen = chosen


@dataclass(frozen=True)
class Choice:
    """Where a request goes, before a replica is known."""

    config_name: str
    variant: str
    healthy: int
    """Instances that could answer at that moment; 0 when none."""


@dataclass(frozen=True)
class Lease:
    """A replica that was given one request; `Replica.release` ends it."""

    choice: Choice
    replica: Replica


@dataclass
class SmoothWeights:
    """Spreads choices by weight, evenly in time and the same way each time.

    nginx's smooth weighted round robin (nginx commit 52327e0627): weights 2 and 1 give A B A, never
    A A B. SageMaker does not say how it draws; with this a rehearsal of a 10 % canary sends it
    exactly every tenth request.
    """

    _current: dict[Hashable, float] = field(default_factory=dict)

    def choose(self, weights: Sequence[tuple[Hashable, float]]) -> int:
        """Give the index of the next choice; weights that are all 0 count as equal."""
        total = sum(weight for _, weight in weights)
        best, best_value = 0, float("-inf")
        for index, (key, weight) in enumerate(weights):
            share = weight / total if total > 0 else 1 / len(weights)
            value = self._current.get(key, 0.0) + share
            self._current[key] = value
            # Ties and rounding errors go to the first, so that the order does not depend on them;
            # a weight of 0 never wins, whatever was left over from earlier weights.
            if share > 0 and value > best_value + 1e-9:
                best, best_value = index, value
        self._current[weights[best][0]] -= 1.0
        return best


class Router:
    """The routes of one endpoint. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: tuple[tuple[Routable, float], ...] = ()
        self._fleets = SmoothWeights()
        self._variants: dict[int, SmoothWeights] = {}
        self._turns: dict[str, int] = {}

    def route(self, routes: Sequence[tuple[Routable, float]]) -> None:
        """Replace the routes.

        Args:
            routes: each fleet with its share of the traffic, in any unit, 0 or more.
        """
        with self._lock:
            self._routes = tuple(routes)
            self._fleets = SmoothWeights()
            self._variants = {id(fleet): SmoothWeights() for fleet, _ in self._routes}

    def fleets(self) -> tuple[Routable, ...]:
        """Give the fleets that have a share now."""
        return tuple(fleet for fleet, _ in self._routes)

    def shares_of(self, fleets: Sequence[Routable]) -> tuple[float, ...]:
        """Give these fleets' shares of the traffic, together 1 where one of them has any."""
        routes = self._routes
        total = sum(share for _, share in routes)
        return tuple(
            sum(share for each, share in routes if each is fleet) / total if total else 0.0
            for fleet in fleets
        )

    def shares(self) -> dict[str, float]:
        """Give each configuration's share of the traffic; empty where nothing serves."""
        found = dict[str, float]()
        fleets = self.fleets()
        for fleet, share in zip(fleets, self.shares_of(fleets), strict=True):
            found[fleet.config_name] = round(found.get(fleet.config_name, 0.0) + share, 6)
        return found

    def lease(self, target_variant: str | None = None) -> Lease:
        """Choose a replica for one request and count the request on it.

        Args:
            target_variant: the only variant allowed, whatever its weight. Default: by weight.

        Raises:
            NoSuchVariant: no fleet has `target_variant`, or there is no fleet.
            NoHealthyReplica: the chosen variant has no healthy replica.
        """
        with self._lock:
            fleet, variant = self._choose(target_variant)
            replicas = fleet.healthy(variant)
            choice = Choice(fleet.config_name, variant, len(replicas))
            if not replicas:
                raise NoHealthyReplica(choice)
            turn = self._turns.get(variant, 0)
            self._turns[variant] = turn + 1
            # The turn breaks ties, so that idle replicas take requests one after the other.
            replica = min(
                (replicas[(turn + step) % len(replicas)] for step in range(len(replicas))),
                key=lambda each: each.in_flight,
            )
            replica.take()
            return Lease(choice, replica)

    def _choose(self, target: str | None) -> tuple[Routable, str]:
        routes = [
            (fleet, share)
            for fleet, share in self._routes
            if target is None or target in fleet.weights()
        ]
        if not routes:
            raise NoSuchVariant(target or "")
        index = 0
        if len(routes) > 1:
            index = self._fleets.choose([(id(fleet), share) for fleet, share in routes])
        fleet = routes[index][0]
        if target is not None:
            return fleet, target
        weights = list(fleet.weights().items())
        if len(weights) == 1:
            return fleet, weights[0][0]
        return fleet, weights[self._variants[id(fleet)].choose(weights)][0]

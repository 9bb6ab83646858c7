"""Who gets which request: shares of fleets, weights of variants, replicas in turn."""

from collections import Counter

import pytest

from modelway.emulator.hosting.routing import (
    NoHealthyReplica,
    NoSuchVariant,
    Router,
    SmoothWeights,
)


class FakeReplica:
    def __init__(self, name: str) -> None:
        self.name = name
        self.in_flight = 0

    def take(self) -> None:
        self.in_flight += 1

    def release(self) -> None:
        self.in_flight -= 1


class FakeFleet:
    def __init__(self, config_name: str, weights: dict[str, float], replicas: int = 1) -> None:
        self.config_name = config_name
        self._weights = weights
        self.groups = {
            variant: [
                FakeReplica(f"{config_name}/{variant}/{number}") for number in range(replicas)
            ]
            for variant in weights
        }

    def weights(self) -> dict[str, float]:
        return self._weights

    def healthy(self, variant: str) -> list[FakeReplica]:
        return self.groups[variant]


def routed(router: Router, requests: int, **options: str) -> Counter[str]:
    seen: Counter[str] = Counter()
    for _ in range(requests):
        lease = router.lease(**options)
        lease.replica.release()
        seen[f"{lease.choice.config_name}/{lease.choice.variant}"] += 1
    return seen


def test_weights_two_and_one_alternate_evenly():
    weights = SmoothWeights()

    chosen = [weights.choose([("a", 2.0), ("b", 1.0)]) for _ in range(6)]

    assert chosen == [0, 1, 0, 0, 1, 0]


def test_a_weight_of_zero_gets_nothing():
    weights = SmoothWeights()

    chosen = {weights.choose([("a", 0.0), ("b", 0.5)]) for _ in range(50)}

    assert chosen == {1}


def test_weights_that_are_all_zero_count_as_equal():
    weights = SmoothWeights()

    chosen = Counter(weights.choose([("a", 0.0), ("b", 0.0)]) for _ in range(10))

    assert chosen == {0: 5, 1: 5}


def test_a_ten_percent_canary_gets_every_tenth_request():
    blue, green = FakeFleet("blue", {"primary": 1.0}), FakeFleet("green", {"primary": 1.0})
    router = Router()
    router.route([(blue, 90.0), (green, 10.0)])

    assert routed(router, 200) == {"blue/primary": 180, "green/primary": 20}


def test_variant_weights_hold_within_a_fleet():
    fleet = FakeFleet("config", {"a": 3.0, "b": 1.0})
    router = Router()
    router.route([(fleet, 1.0)])

    assert routed(router, 40) == {"config/a": 30, "config/b": 10}


def test_a_target_variant_is_taken_whatever_its_weight():
    router = Router()
    router.route([(FakeFleet("config", {"a": 1.0, "b": 0.0}), 1.0)])

    assert routed(router, 5, target_variant="b") == {"config/b": 5}


def test_an_unknown_target_variant_is_refused():
    router = Router()
    router.route([(FakeFleet("config", {"a": 1.0}), 1.0)])

    with pytest.raises(NoSuchVariant, match="c"):
        router.lease("c")


def test_nothing_is_routed_before_there_is_a_fleet():
    with pytest.raises(NoSuchVariant):
        Router().lease()


def test_a_variant_without_healthy_replicas_is_named_and_counted_as_none():
    router = Router()
    router.route([(FakeFleet("config", {"a": 1.0}, replicas=0), 1.0)])

    with pytest.raises(NoHealthyReplica) as caught:
        router.lease()

    assert caught.value.chosen.variant == "a"
    assert caught.value.chosen.healthy == 0


def test_idle_replicas_take_requests_in_turn():
    fleet = FakeFleet("config", {"a": 1.0}, replicas=3)
    router = Router()
    router.route([(fleet, 1.0)])

    names = []
    for _ in range(6):
        lease = router.lease()
        names.append(lease.replica.name)
        lease.replica.release()

    assert names == ["config/a/0", "config/a/1", "config/a/2"] * 2


def test_a_busy_replica_is_passed_over():
    fleet = FakeFleet("config", {"a": 1.0}, replicas=2)
    router = Router()
    router.route([(fleet, 1.0)])
    fleet.groups["a"][0].in_flight = 5

    names = {router.lease().replica.name for _ in range(4)}

    assert names == {"config/a/1"}


def test_a_switch_sends_every_following_request_to_the_new_fleet():
    blue, green = FakeFleet("blue", {"primary": 1.0}), FakeFleet("green", {"primary": 1.0})
    router = Router()
    router.route([(blue, 1.0)])
    before = router.lease()

    router.route([(green, 1.0)])

    assert routed(router, 10) == {"green/primary": 10}
    # The request in flight keeps its replica until it is released.
    assert before.choice.config_name == "blue"
    assert before.replica.in_flight == 1


def test_new_weights_leave_no_debt_of_the_old_ones():
    fleet = FakeFleet("config", {"a": 1.0, "b": 1.0})
    router = Router()
    router.route([(fleet, 1.0)])
    routed(router, 3)

    fleet._weights = {"a": 0.0, "b": 1.0}

    assert routed(router, 20) == {"config/b": 20}

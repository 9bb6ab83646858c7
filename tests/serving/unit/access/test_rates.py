"""Token buckets, and the headers that speak of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.access import rates
from model_server.access.rates import Limits, OverLimit, Policy, Rate
from model_server.core.errors import Code


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def passed(limits, account="a", tries=100, own=None):
    """How many of so many requests get through at this moment."""
    count = 0
    for _ in range(tries):
        try:
            limits.enter(account, own)
        except OverLimit:
            continue
        count += 1
    return count


def test_a_burst_gets_through_and_then_the_rate(clock):
    limits = Limits(Rate(10.0, 20), clock=clock)

    first = passed(limits)
    clock.now += 0.5
    second = passed(limits)
    clock.now += 1000.0
    third = passed(limits)

    assert (first, second, third) == (20, 5, 20)


def test_a_refusal_says_when_to_ask_again_and_that_is_true(clock):
    limits = Limits(Rate(4.0, 1), clock=clock)
    limits.enter("a")
    clock.now += 0.125

    with pytest.raises(OverLimit) as refused:
        limits.enter("a")

    assert refused.value.retry_after_seconds == 0.125
    assert refused.value.code == Code.RESOURCE_EXHAUSTED
    assert refused.value.message == (
        "you may ask 4 times a second, and 1 times at once after a pause; ask again in 0.125 s"
    )
    assert refused.value.headers == (
        (b"ratelimit-policy", b'"default";q=4;w=1'),
        (b"ratelimit", b'"default";r=0;t=1'),
    )
    clock.now += 0.125
    limits.enter("a")


def test_refused_requests_use_nothing_up(clock):
    limits = Limits(Rate(1.0, 1), clock=clock)
    limits.enter("a")

    for _ in range(10):
        clock.now += 0.0625
        assert passed(limits, tries=3) == 0
    clock.now += 0.375

    assert passed(limits) == 1


def test_a_clock_that_goes_backwards_gives_nothing_and_locks_nobody_out(clock):
    limits = Limits(Rate(10.0, 5), clock=clock)
    first = passed(limits)

    clock.now -= 500.0
    second = passed(limits)
    clock.now += 0.25
    third = passed(limits)

    assert (first, second, third) == (5, 0, 2)


def test_time_is_taken_from_a_clock_that_nobody_can_set():
    assert rates.time.monotonic is Limits()._clock


def test_a_worker_gives_out_its_share(clock):
    workers = [Limits(Rate(10.0, 20), 8, share=0.25, clock=clock) for _ in range(4)]

    burst = sum(passed(worker, tries=1) for worker in workers for _ in range(2))
    at_once = sum(passed(worker) for worker in workers)

    assert burst == 8
    assert at_once == 0
    limits = Limits(Rate(10.0, 20), share=0.25, clock=clock)
    assert passed(limits) == 5
    clock.now += 1.0
    assert passed(limits) == 2


def test_a_share_of_less_than_one_request_is_one(clock):
    limits = Limits(Rate(2.0, 2), 2, share=0.125, clock=clock)

    assert passed(limits) == 1
    clock.now += 3.9
    assert passed(limits) == 0


@pytest.mark.parametrize(
    ("rate", "share", "left", "policy", "state"),
    [
        (Rate(100.0, 100), 1.0, 50, b"q=100;w=1", b"r=50;t=1"),
        (Rate(100.0, 3000), 1.0, 0, b"q=3000;w=30", b"r=0;t=30"),
        (Rate(1.0, 80), 1.0, 50, b"q=80;w=80", b"r=50;t=30"),
        (Rate(3.0, 10), 1.0, 9, b"q=10;w=4", b"r=9;t=1"),
        (Rate(100.0, 10), 1.0, 9, b"q=100;w=1", b"r=9;t=1"),
        (Rate(2.5, 1), 1.0, 0, b"q=2;w=1", b"r=0;t=1"),
        (Rate(0.1, 1), 1.0, 0, b"q=1;w=10", b"r=0;t=10"),
        (Rate(0.001, 5), 1.0, 4, b"q=5;w=5000", b"r=4;t=1000"),
        (Rate(100.0, 200), 0.5, 99, b"q=100;w=2", b"r=99;t=1"),
        (Rate(100.0, 1), 0.5, 0, b"q=50;w=1", b"r=0;t=1"),
    ],
)
def test_headers_are_those_of_the_ietf_draft(rate, share, left, policy, state):
    assert Policy(rate, share).headers(left) == (
        (b"ratelimit-policy", b'"default";' + policy),
        (b"ratelimit", b'"default";' + state),
    )


@given(
    rate=st.floats(0.001, 1e6),
    burst=st.integers(1, 1_000_000),
    share=st.sampled_from([1.0, 0.5, 1 / 3, 1 / 64]),
)
def test_headers_hold_whole_numbers_and_never_promise_more_than_the_rate(rate, burst, share):
    policy = Policy(Rate(rate, burst), share)

    (_, text), (_, state) = policy.headers(int(policy.burst) - 1)

    quota, window = (int(part.split(b"=")[1]) for part in text.split(b";")[1:])
    left, seconds = (int(part.split(b"=")[1]) for part in state.split(b";")[1:])
    assert quota >= 1
    assert window >= 1
    assert seconds >= 1
    assert left >= 0
    assert quota / window <= policy.per_second * 1.000001 or quota == 1


def test_headers_are_prepared_once_and_not_without_end(monkeypatch):
    monkeypatch.setattr(rates, "MAX_PREPARED", 10)
    policy = Policy(Rate(100.0, 1000), 1.0)

    first = policy.headers(7)

    assert policy.headers(7) is first
    for left in range(1000):
        policy.headers(left)
    assert len(policy._prepared) <= 10


def test_requests_under_way_are_limited_and_use_up_no_rate(clock):
    limits = Limits(Rate(1.0, 5), 2, clock=clock)
    bucket, _ = limits.enter("a")
    limits.enter("a")

    refused = passed(limits, tries=10)
    limits.leave(bucket)

    assert refused == 0
    _, headers = limits.enter("a")
    assert headers[1] == (b"ratelimit", b'"default";r=2;t=3')


def test_a_refused_request_is_not_counted_as_under_way(clock):
    limits = Limits(Rate(1.0, 1), 1, clock=clock)
    bucket, _ = limits.enter("a")
    limits.leave(bucket)
    assert passed(limits) == 0

    clock.now += 1.0

    assert passed(limits) == 1


def test_so_many_accounts_are_remembered_and_the_idlest_goes_first(monkeypatch, clock):
    monkeypatch.setattr(rates, "MAX_ACCOUNTS", 3)
    limits = Limits(Rate(0.001, 1), clock=clock)
    for account in "abc":
        limits.leave(limits.enter(account)[0])
    assert passed(limits, "a") == 0  # asked, so it is not the idlest any more

    limits.enter("d")

    assert len(limits) == 3
    assert passed(limits, "a") == 0
    assert passed(limits, "c") == 0
    assert passed(limits, "b") == 1  # was forgotten
    assert len(limits) == 3


def test_ten_thousand_accounts_are_the_most(clock):
    limits = Limits(Rate(1.0, 1), clock=clock)

    for number in range(12_000):
        limits.leave(limits.enter(str(number))[0])

    assert len(limits) == 10_000


def test_an_account_with_requests_under_way_is_not_forgotten(monkeypatch, clock):
    monkeypatch.setattr(rates, "MAX_ACCOUNTS", 3)
    limits = Limits(None, 1, clock=clock)
    limits.enter("busy")

    for number in range(20):
        limits.leave(limits.enter(str(number))[0])

    assert passed(limits, "busy") == 0
    assert len(limits) == 3


def test_the_table_stays_bounded_even_when_all_are_busy(monkeypatch, clock):
    monkeypatch.setattr(rates, "MAX_ACCOUNTS", 3)
    limits = Limits(None, 1, clock=clock)

    for number in range(20):
        limits.enter(str(number))

    assert len(limits) == 3


def test_a_rate_of_ones_own_goes_before_the_default_and_can_change(clock):
    limits = Limits(Rate(1.0, 2), clock=clock)

    assert passed(limits, own=Rate(1.0, 5)) == 5
    assert passed(limits, own=Rate(1.0, 8)) == 3  # what was used stays used
    assert passed(limits, own=Rate(1.0, 2)) == 0
    assert passed(limits, own=None) == 0
    assert passed(limits, "other") == 2


def test_equal_rates_of_two_entries_are_one_rate(clock):
    limits = Limits(clock=clock)

    assert passed(limits, own=Rate(1.0, 3)) == 3
    assert passed(limits, own=Rate(1.0, 3)) == 0


@given(
    rate=st.floats(0.5, 50.0),
    burst=st.integers(1, 20),
    steps=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60),
)
def test_never_more_than_burst_and_rate_allow_get_through(rate, burst, steps):
    clock = Clock()
    limits = Limits(Rate(rate, burst), clock=clock)
    begun = clock.now

    through = 0
    for step in steps:
        clock.now += step
        through += passed(limits, tries=5)
        assert through <= burst + (clock.now - begun) * rate + 1e-6

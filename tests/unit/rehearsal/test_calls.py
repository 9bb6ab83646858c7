"""What became of requests, summed up."""

import pytest

from modelway.rehearsal.calls import longest_unavailability_seconds, quantile


def test_unavailability_is_the_longest_time_in_which_every_request_failed(call):
    calls = [
        call(0.0),
        call(1.0, error="ServiceUnavailable"),
        call(1.5),
        call(2.0, error="ModelError"),
        call(3.0, error="ModelError", latency_ms=500),
        call(4.0, latency_ms=100),
    ]

    # From the failure at 2.0 to the answer of 4.0.
    assert longest_unavailability_seconds(calls) == pytest.approx(2.1)


def test_unavailability_that_does_not_end_lasts_to_the_last_failures_end(call):
    calls = [call(0.0), call(1.0, error="x"), call(3.0, error="x", latency_ms=250)]

    assert longest_unavailability_seconds(calls) == pytest.approx(2.25)


def test_without_a_failure_there_is_no_unavailability(call):
    assert longest_unavailability_seconds([call(0.0), call(60.0)]) == 0.0
    assert longest_unavailability_seconds([]) == 0.0


def test_a_quantile_lies_between_the_closest_ranks():
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert quantile([7.0], 0.99) == 7.0


def test_a_call_ends_after_its_lateness_and_its_latency(call):
    made = call(2.0, late_ms=500, latency_ms=250)

    assert (made.sent_seconds, made.ended_seconds) == (2.5, 2.75)

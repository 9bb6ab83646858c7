"""Whether the traffic was split as the weights say."""

import math

import numpy as np

from modelway.experiment.assignment import Split


def test_a_split_as_expected_is_no_evidence():
    assert Split(9000, 1000, 0.1).evidence() < 0
    assert Split(0, 0, 0.1).evidence() == 0
    assert math.isnan(Split(0, 0, 0.1).observed_share)


def test_a_few_percent_too_many_of_many_requests_are_wrong():
    assert not Split(500, 540, 0.5).is_wrong()
    assert Split(50_000, 54_000, 0.5).is_wrong()
    assert Split(50_000, 46_000, 0.5).is_wrong()


def test_a_variant_that_gets_nothing_is_noticed_early():
    assert not Split(5, 0, 0.5).is_wrong()
    assert Split(25, 0, 0.5).is_wrong()


def test_a_right_split_is_hardly_ever_called_wrong_at_any_look():
    generator, wrong = np.random.default_rng(11), 0
    for _ in range(300):
        challenger = np.cumsum(generator.random(5000) < 0.2)
        wrong += any(
            Split(look - int(challenger[look - 1]), int(challenger[look - 1]), 0.2).is_wrong()
            for look in range(50, 5001, 50)
        )

    assert wrong <= 1

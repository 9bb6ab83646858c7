"""Which variant is packaged, from measurements that are given."""

import math

from modelway.package.optimise.choice import Candidate, Choice, Speed, choose, relative_time
from modelway.package.optimise.variants import Variant


def candidate(variant, row_us, batch_us, lost=0.0, **more):
    speed = Speed(row_us, batch_us, batch_rows=32, load_ms=5.0, peak_memory_mib=10.0)
    return Candidate(variant, size_bytes=1000, lost_points=lost, speed=speed, **more)


ORIGINAL = candidate(Variant.ORIGINAL, 100.0, 320.0)


def test_the_fastest_that_loses_little_enough_is_chosen():
    found = choose(
        [
            ORIGINAL,
            candidate(Variant.FP16, 90.0, 288.0),
            candidate(Variant.INT8_STATIC, 50.0, 80.0, lost=1.0),
            candidate(Variant.INT8_DYNAMIC, 10.0, 20.0, lost=1.1),
        ],
        1.0,
    )

    assert found == Choice(
        Variant.INT8_STATIC,
        "it takes 35% of the original's time, the least of those that lose at most 1 points",
    )


def test_when_all_lose_too_much_the_original_stays():
    slow = candidate(Variant.INT8_STATIC, 50.0, 80.0, lost=3.0)

    assert choose([ORIGINAL, slow], 2.0) == Choice(
        Variant.ORIGINAL, "every variant loses more than 2 points"
    )


def test_a_gain_within_the_noise_changes_nothing():
    found = choose([ORIGINAL, candidate(Variant.GRAPH, 96.0, 307.2)], 1.0)

    assert found == Choice(
        Variant.ORIGINAL,
        "no variant that loses at most 1 points takes less than 95% of its time",
    )


def test_without_any_variant_the_original_stays():
    refused = Candidate(Variant.FP16, "it has no MatMul")

    assert choose([ORIGINAL, refused], 100.0) == Choice(
        Variant.ORIGINAL, "no variant could be made"
    )


def test_what_gives_no_number_where_the_original_does_is_never_chosen():
    broken = candidate(Variant.FP16, 1.0, 1.0, largest_difference=math.inf)

    assert choose([ORIGINAL, broken], 100.0).variant is Variant.ORIGINAL


def test_what_cannot_be_joined_takes_the_time_of_one_row_for_every_row():
    """The server answers such requests one by one: 100 us a row and not 320 / 32 = 10."""
    alone = candidate(Variant.INT8_DYNAMIC, 50.0, 160.0, joins=False)

    assert relative_time(alone, ORIGINAL) == math.sqrt(0.5 * 50.0 / 10.0)
    assert choose([ORIGINAL, alone], 1.0).variant is Variant.ORIGINAL

"""What is made apart, as far as it can be seen without onnxruntime's tools."""

import numpy as np
import pytest

from modelway.package.optimise.make import _outwards


@pytest.mark.parametrize(
    ("low", "high", "widened"),
    [
        (-1.0, 1.0, (-1.0, 1.0)),
        (-0.7001, 0.7001, (-0.703125, 0.703125)),
        (0.0, 1000.01, (0.0, 1004.0)),
    ],
)
def test_a_range_is_widened_to_eight_binary_digits(low, high, widened):
    found = (_outwards(low, down=True), _outwards(high, down=False))

    assert found == widened
    assert found[0].dtype == np.float32


def test_the_last_digits_of_another_processor_change_nothing():
    value = np.float32(0.7001)

    neighbours = [np.nextafter(value, np.float32(way)) for way in (0, 1)]

    assert {float(_outwards(float(each), down=False)) for each in [value, *neighbours]} == {
        0.703125
    }

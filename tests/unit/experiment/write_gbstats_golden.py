"""Write gbstats_golden.json: what GrowthBook's statistics library says of differences of means.

gbstats 0.8.0 (MIT, June 2024, the newest on PyPI) needs numpy below 2, which modelway's own tests
do not run with, so it runs in an environment of its own and its answers are kept:

    uv run --no-project --python 3.11 --with gbstats==0.8.0 \
        python tests/unit/experiment/write_gbstats_golden.py
"""

import itertools
import json
from pathlib import Path

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, SampleMeanStatistic

SAMPLES = [
    # count, sum and sum of squares of champion and of challenger
    ((500, 10_000.0, 220_000.0), (500, 10_500.0, 240_000.0)),
    ((9_000, 270_000.0, 9_000_000.0), (1_000, 30_700.0, 1_050_000.0)),
    ((150, 900.0, 6_000.0), (120, 700.0, 4_600.0)),
    ((1_000_000, 5e7, 2.6e9), (1_000_000, 5.001e7, 2.602e9)),
    ((40_000, 123.5, 20.25), (41_000, 140.25, 22.5)),
]
RATES = [
    ((1_000, 100), (1_000, 130)),
    ((90_000, 900), (10_000, 120)),
    ((2_500, 1_250), (2_600, 1_400)),
]
ALPHAS = [0.05, 0.01, 0.2]
TUNINGS = [500, 5000, 100_000]


def _case(kind, champion, challenger, alpha, intended):
    made = SampleMeanStatistic if kind == "mean" else ProportionStatistic
    first, second = (
        made(n=n, sum=sums[0], sum_squares=sums[1]) if kind == "mean" else made(n=n, sum=sums[0])
        for n, *sums in (champion, challenger)
    )
    intervals = {}
    for difference in ("absolute", "relative"):
        config = SequentialConfig(
            difference_type=difference, alpha=alpha, sequential_tuning_parameter=intended
        )
        found = SequentialTwoSidedTTest(first, second, config).compute_result()
        intervals[difference] = [float(found.expected), *(float(end) for end in found.ci)]
    return {
        "kind": kind,
        "alpha": alpha,
        "intended": intended,
        "champion": [first.n, float(first.mean), float(first.variance)],
        "challenger": [second.n, float(second.mean), float(second.variance)],
        **intervals,
    }


cases = [
    _case(kind, champion, challenger, alpha, intended)
    for kind, samples in (("mean", SAMPLES), ("proportion", RATES))
    for (champion, challenger), alpha, intended in itertools.product(samples, ALPHAS, TUNINGS)
]
target = Path(__file__).with_name("gbstats_golden.json")
lines = ",\n".join(json.dumps(case) for case in cases)
target.write_text(f"[\n{lines}\n]\n", encoding="utf-8")

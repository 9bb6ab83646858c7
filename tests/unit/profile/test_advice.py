"""Settings that follow from measurements that are given."""

from modelway.profile.advice import Setting, advise
from modelway.profile.measurement import Cell, Profile


def profile(*cells, cpus=4, joins=True):
    measured = tuple(
        Cell(rows, threads, runs=100, p50_us=p50, p99_us=2 * p50) for threads, rows, p50 in cells
    )
    return Profile(cpus, measured, (), joins, load_ms=5.0, peak_memory_mib=10.0, complete=True)


def test_short_runs_are_answered_by_processes_and_long_ones_by_threads():
    short = advise(profile((1, 1, 88.0), (4, 1, 25.0)))
    long = advise(profile((1, 1, 4800.0), (2, 1, 2600.0), (4, 1, 2500.0)))

    assert short[:2] == (
        Setting(
            "MODEL_SERVER_THREADS", "1", "a row takes 88 us, under 1000: processes answer more"
        ),
        Setting(
            "MODEL_SERVER_WORKERS", "4", "4 CPUs, 1 a run: more would take time from each other"
        ),
    )
    # The last two threads gain 4 %, and would keep two processors from other requests.
    assert long[:2] == (
        Setting("MODEL_SERVER_THREADS", "2", "2 threads take 54% of the time of one"),
        Setting(
            "MODEL_SERVER_WORKERS", "2", "4 CPUs, 2 a run: more would take time from each other"
        ),
    )


def test_threads_that_gain_nothing_are_not_proposed():
    (threads, *_) = advise(profile((1, 1, 5000.0), (4, 1, 4600.0)))

    assert (threads.value, threads.reason) == (
        "1",
        "more threads do not cut the 5000 us of a row by a tenth",
    )


def test_one_cpu_runs_one_thread():
    (threads, workers, *_) = advise(profile((1, 1, 5000.0), cpus=1))

    assert (threads.value, workers.value) == ("1", "1")
    assert threads.reason == "there is one CPU, and a second thread on it halves the speed"


def test_joined_runs_are_as_large_as_brings_nearly_all():
    """10 000, 80 000, 114 000 and 120 000 rows a second."""
    found = advise(profile((1, 1, 100.0), (1, 8, 100.0), (1, 32, 280.0), (1, 64, 533.0)))

    assert found[2] == Setting(
        "MODEL_SERVER_MAX_BATCH_ROWS",
        "32",
        "a run of 32 rows answers 11.4 times as many rows as runs of one, in 0.28 ms",
    )


def test_joining_that_gains_nothing_is_switched_off():
    found = advise(profile((1, 1, 1000.0), (1, 8, 7300.0)))

    assert found[2] == Setting(
        "MODEL_SERVER_BATCHING",
        "false",
        "joined runs answer 1.10 times as many rows, under 1.2: requests would wait for each "
        "other for nothing",
    )


def test_rows_that_depend_on_each_other_are_not_joined():
    found = advise(profile((1, 1, 100.0), (1, 8, 110.0), joins=False))

    assert found[2] == Setting(
        "MODEL_SERVER_BATCHING",
        "false",
        "a row's answer depends on the rows beside it, so requests may not share a run",
    )


def test_nothing_measured_proposes_nothing():
    assert advise(profile()) == ()

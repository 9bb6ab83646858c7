"""How many processes and threads a model gets, and why."""

from dataclasses import replace

import pytest

from model_server.process.plan import Measured, first_threads, plan_processes

MIB = 2**20

SMALL = Measured(
    cpus=4,
    threads=1,
    run_seconds=0.0001,
    model_bytes=3 * MIB,
    memory_bytes=60 * MIB,
    memory_limit_bytes=4096 * MIB,
)


@pytest.mark.parametrize(
    ("changes", "workers", "threads", "reason"),
    [
        ({}, 4, 1, "a row takes 0.1 ms, under 1 ms: processes answer more than threads"),
        ({"cpus": 1}, 1, 1, "there is one CPU"),
        ({"run_seconds": 0.00099}, 4, 1, "a row takes 0.99 ms, under 1 ms: processes"),
        ({"run_seconds": 0.001}, 1, 4, "a row takes 1 ms: threads answer sooner than processes"),
        ({"run_seconds": 0.0048}, 1, 4, "a row takes 4.8 ms: threads"),
        ({"run_seconds": 0.0006, "threads": 2}, 1, 4, "a row takes 0.6 ms with 2 threads: threads"),
        ({"run_seconds": None}, 1, 4, "the time of a run is not known"),
        ({"model_bytes": 256 * MIB}, 4, 1, "a row takes 0.1 ms"),
        ({"model_bytes": 257 * MIB}, 1, 4, "the model has 257 MiB, over 256: one copy in memory"),
        ({"alone": "models are loaded by request"}, 1, 4, "models are loaded by request"),
        ({"memory_limit_bytes": None}, 4, 1, "a row takes 0.1 ms"),
        ({"memory_limit_bytes": 320 * MIB}, 4, 1, "a row takes 0.1 ms"),
        ({"memory_limit_bytes": 319 * MIB}, 3, 1, "memory has room for 3 of 4 processes"),
        ({"memory_limit_bytes": 200 * MIB}, 2, 2, "memory has room for 2 of 4 processes"),
        ({"memory_limit_bytes": 10 * MIB}, 1, 4, "memory has room for 1 of 4 processes"),
        # Not measured: 96 MiB and twice the model's file.
        ({"memory_bytes": None, "memory_limit_bytes": 272 * MIB}, 2, 2, "memory has room for 2"),
    ],
)
def test_processes_follow_the_model_the_cpus_and_the_memory(changes, workers, threads, reason):
    plan = plan_processes(replace(SMALL, **changes), None, None)

    assert (plan.workers, plan.threads) == (workers, threads)
    assert plan.reason.startswith(reason)
    assert plan.warning is None


@pytest.mark.parametrize(
    ("changes", "set_workers", "set_threads", "workers", "threads"),
    [
        ({}, 2, None, 2, 2),
        ({}, 3, None, 3, 1),
        ({}, 8, None, 8, 1),
        ({}, 2, 3, 2, 3),
        ({}, None, 2, 2, 2),
        ({}, None, 3, 1, 3),
        ({}, None, 8, 1, 8),
        ({"run_seconds": 0.1}, None, 2, 1, 2),
        ({"run_seconds": 0.1}, 4, None, 4, 1),
        ({"model_bytes": 999 * MIB}, 2, None, 2, 2),
        ({"cpus": 1}, None, 2, 1, 2),
    ],
)
def test_what_is_set_is_done(changes, set_workers, set_threads, workers, threads):
    plan = plan_processes(replace(SMALL, **changes), set_workers, set_threads)

    assert (plan.workers, plan.threads) == (workers, threads)


def test_more_workers_than_memory_has_room_for_are_started_with_a_warning():
    plan = plan_processes(replace(SMALL, memory_limit_bytes=200 * MIB), 4, None)

    assert (plan.workers, plan.reason) == (4, "MODEL_SERVER_WORKERS says so")
    assert plan.warning == "4 processes take about 240 MiB of 200; 2 leave room for requests"


@pytest.mark.parametrize(
    ("model_bytes", "workers", "threads", "expected"),
    [
        (MIB, None, None, 1),
        (256 * MIB, None, None, 1),
        (257 * MIB, None, None, 4),
        (MIB, 2, None, 2),
        (MIB, 8, None, 1),
        (MIB, None, 3, 3),
        (999 * MIB, 2, 1, 1),
    ],
)
def test_the_first_worker_loads_with_the_threads_that_are_most_likely(
    model_bytes, workers, threads, expected
):
    assert first_threads(4, model_bytes, workers, threads) == expected

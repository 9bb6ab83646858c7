"""Requests share runs, keep their order and their deadlines, and do not fail each other."""

import asyncio
import time

import numpy as np
import pytest

from model_server.core.errors import DeadlineExceeded, InferenceFailed, Overloaded


def test_what_arrives_together_is_one_run_and_each_gets_its_own_rows(bench, doubler):
    async def main():
        at = bench(doubler())
        answers = await asyncio.gather(at.ask(1), at.ask(2, 3), at.ask(4))
        return at.model.runs, [answer["y"][:, 0].tolist() for answer in answers]

    runs, answers = asyncio.run(main())

    assert runs == [4]
    assert answers == [[2.0], [4.0, 6.0], [8.0]]


def test_a_single_request_is_run_as_it_came(bench, doubler):
    async def main():
        at = bench(doubler())
        return await at.ask(7), at.model.runs

    answer, runs = asyncio.run(main())

    assert answer["y"].tolist() == [[14.0, 14.0]]
    assert runs == [1]


def test_a_run_has_no_more_rows_than_allowed_and_a_larger_request_runs_alone(bench, doubler):
    async def main():
        at = bench(doubler(), max_rows=4)
        await asyncio.gather(at.ask(1, 2, 3), at.ask(4, 5), at.ask(6), at.ask(*range(20, 30)))
        return at.model.runs

    assert asyncio.run(main()) == [3, 3, 10]


def test_a_model_whose_rows_depend_on_each_other_is_never_joined(bench, doubler):
    async def main():
        at = bench(doubler())
        at.model.batches = False
        await asyncio.gather(at.ask(1), at.ask(2), at.ask(3))
        return at.model.runs

    assert asyncio.run(main()) == [1, 1, 1]


def test_joining_can_be_switched_off(bench, doubler):
    async def main():
        at = bench(doubler(), enabled=False)
        await asyncio.gather(at.ask(1), at.ask(2))
        return at.model.runs

    assert asyncio.run(main()) == [1, 1]


def test_requests_for_different_outputs_are_not_joined(bench, doubler):
    async def main():
        at = bench(doubler())
        await asyncio.gather(at.ask(1), at.ask(2, outputs=("z",)), at.ask(3))
        return at.model.runs

    assert asyncio.run(main()) == [2, 1]


def test_requests_of_other_inner_lengths_are_not_joined(bench, doubler):
    async def main():
        at = bench(doubler(inner="free"))
        short, long = np.zeros((1, 2), np.float32), np.zeros((1, 5), np.float32)
        await asyncio.gather(at.ask_rows(short), at.ask_rows(long), at.ask_rows(short))
        return at.model.runs

    assert asyncio.run(main()) == [2, 1]


def test_inner_lengths_are_filled_up_where_a_value_for_it_is_given(bench, doubler):
    async def main():
        at = bench(doubler(inner="free"), padding={"x": -1})
        short, long = np.ones((1, 2), np.float32), np.ones((1, 4), np.float32)
        first, _ = await asyncio.gather(at.ask_rows(short), at.ask_rows(long))
        return at.model.runs, first["y"].tolist()

    runs, first = asyncio.run(main())

    assert runs == [2]
    assert first == [[2.0, 2.0, -2.0, -2.0]]


def test_one_failing_request_does_not_fail_its_neighbours(bench, doubler):
    async def main():
        at = bench(doubler())
        return await asyncio.gather(at.ask(1), at.ask(13), at.ask(3), return_exceptions=True)

    first, second, third = asyncio.run(main())

    assert first["y"].tolist() == [[2.0, 2.0]]
    assert isinstance(second, InferenceFailed)
    assert third["y"].tolist() == [[6.0, 6.0]]


def test_what_arrives_during_a_long_run_is_the_next_one(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.02))
        first = at.ask(1)
        await asyncio.sleep(0.005)
        later = [at.ask(value) for value in (2, 3, 4)]
        await asyncio.gather(first, *later)
        return at.model.runs

    assert asyncio.run(main()) == [1, 3]


def test_the_loop_goes_on_while_a_long_run_takes_its_time(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.2))
        running = at.ask(1)
        longest = 0.0
        while not running.done():
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)
        return longest

    assert asyncio.run(main()) < 0.1


def test_a_late_request_is_told_so_and_never_run(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.3))
        first = at.ask(1)
        await asyncio.sleep(0.01)
        at.model.row_seconds = 0.0  # so that it is let wait
        late = at.ask(2, seconds=0.1)
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await late
        waited = time.monotonic() - begun
        await first
        await asyncio.sleep(0.05)
        return waited, at.model.runs

    waited, runs = asyncio.run(main())

    assert 0.05 < waited < 0.28
    assert runs == [1]


def test_a_request_that_comes_too_late_is_not_run(bench, doubler):
    async def main():
        at = bench(doubler())
        with pytest.raises(DeadlineExceeded):
            await at.ask(1, seconds=-0.1)
        return at.model.runs

    assert asyncio.run(main()) == []


def test_a_run_that_nobody_waits_for_is_stopped(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=30.0))
        with pytest.raises(DeadlineExceeded):
            await at.ask(1, seconds=0.1)
        await asyncio.sleep(0.1)
        at.model.row_seconds = 0.0
        begun = time.monotonic()
        await at.ask(2)
        return time.monotonic() - begun

    assert asyncio.run(main()) < 2.0


def test_a_request_that_could_not_be_ready_in_time_is_refused_at_once(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.1))
        first = at.ask(1)
        await asyncio.sleep(0.01)
        waiting = at.ask(2, 3, 4, 5, 6, seconds=5.0)
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await at.ask(7, seconds=0.3)
        first.cancel()
        waiting.cancel()

    asyncio.run(main())


def test_higher_priority_goes_first_among_those_that_wait(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.02), max_rows=1)
        order = []
        first = at.ask(0)
        await asyncio.sleep(0.005)
        waiting = []
        for name, priority in (("low", -1), ("plain", 0), ("high", 5), ("plain too", 0)):
            asked = at.ask(1, priority=priority)
            asked.add_done_callback(lambda _, name=name: order.append(name))
            waiting.append(asked)
        await asyncio.gather(first, *waiting)
        await asyncio.sleep(0)
        return order

    assert asyncio.run(main()) == ["high", "plain", "plain too", "low"]


def test_a_caller_that_left_is_not_run_for(bench, doubler):
    async def main():
        at = bench(doubler(row_seconds=0.05))
        first = at.ask(1)
        await asyncio.sleep(0.01)
        left = at.ask(2)
        await asyncio.sleep(0.01)
        left.cancel()
        await first
        await at.ask(3)
        return at.model.runs

    assert asyncio.run(main()) == [1, 1]


def test_a_delay_gathers_more_and_a_full_run_does_not_wait_for_it(bench, doubler):
    async def main():
        at = bench(doubler(), delay_ms=200.0, max_rows=3)
        begun = time.monotonic()
        first = at.ask(1)
        await asyncio.sleep(0.01)
        await asyncio.gather(first, at.ask(2), at.ask(3))
        return at.model.runs, time.monotonic() - begun

    runs, seconds = asyncio.run(main())

    assert runs == [3]
    assert seconds < 0.15


def test_each_run_is_told_of_with_its_requests(bench, doubler):
    told = []

    async def main():
        def tell(model, requests, start, seconds):
            told.append((len(requests), seconds >= 0, start > 0, model.runs[-1]))

        at = bench(doubler(), on_run=tell)
        await asyncio.gather(at.ask(1, 2), at.ask(3))

    asyncio.run(main())

    assert told == [(2, True, True, 3)]

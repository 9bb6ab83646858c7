"""Which requests are in the prediction log, where a share of them is."""

import pytest

from model_server.observe.prediction_log import PredictionLog


def sampled(sink, log, source, share, ids):
    prediction_log = PredictionLog(sink, log, sample=share)
    for request_id in ids:
        prediction_log.offer(source, 200, 0.1, request_id, "", b"", "", b"")
    return [fields[4] for fields in prediction_log._queue], prediction_log


@pytest.mark.parametrize(
    "ids",
    [
        [f"r-{number}" for number in range(20_000)],
        [f"{number:016x}" for number in range(20_000)],
        [f"4f1c9a2e-{number:04x}-4c1d-9d3b-0242ac120002" for number in range(20_000)],
    ],
)
def test_a_tenth_of_the_requests_is_a_tenth_whatever_ids_look_like(sink, log, source, ids):
    chosen, prediction_log = sampled(sink, log, source, 0.1, ids)

    assert 1800 < len(chosen) < 2200
    assert prediction_log.skipped == 20_000 - len(chosen)


def test_a_retry_under_the_same_id_is_sampled_alike_everywhere(sink, log, source):
    ids = [f"r-{number}" for number in range(1000)]

    first, _ = sampled(sink, log, source, 0.3, ids)
    second, _ = sampled(sink, log, source, 0.3, list(reversed(ids)))

    assert sorted(first) == sorted(second)
    assert first[:3] == ["r-2", "r-7", "r-10"]


def test_a_share_of_nothing_writes_nothing_and_of_one_everything(sink, log, source):
    ids = [f"r-{number}" for number in range(100)]

    assert sampled(sink, log, source, 0.0, ids)[0] == []
    assert sampled(sink, log, source, 1.0, ids)[0] == ids

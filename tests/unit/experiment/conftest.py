"""Making requests, samples and questions with what matters in a test, and the rest as it may be."""

import pytest

from modelway.experiment.captured import Request
from modelway.experiment.line import Line
from modelway.experiment.question import Metric, Question
from modelway.experiment.sample import Arm, Sample


@pytest.fixture
def request_to():
    def make(variant, latency_ms=10.0, status=200, id="", at=None):  # noqa: A002
        return Request(variant, id, at, latency_ms, status)

    return make


@pytest.fixture
def question():
    def make(metric="latency", **fields):
        return Question(metric=Metric(metric), champion="blue", challenger="green", **fields)

    return make


@pytest.fixture
def sample():
    def make(champion, challenger):
        return Sample(
            champion=Arm(requests=len(champion), values=list(champion)),
            challenger=Arm(requests=len(challenger), values=list(challenger)),
        )

    return make


@pytest.fixture
def lines():
    def make(*texts, path="captured.jsonl"):
        return [Line(path, number, text) for number, text in enumerate(texts, 1)]

    return make

"""A model that counts its runs, without onnxruntime."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_server.core.dataplane import Dataplane, InferenceRequest
from model_server.core.errors import InferenceFailed
from model_server.core.tensors import Contract, TensorSpec
from model_server.settings.batching import BatchingSettings

FLOAT = np.dtype(np.float32)


class Options:
    terminate = False


class Doubler:
    """Gives twice what it gets; fails on rows that hold 13."""

    batches = True

    def __init__(self, row_seconds=0.0, inner="fixed"):
        axes = ("batch", 2) if inner == "fixed" else ("batch", "length")
        inputs = (TensorSpec("x", FLOAT, axes),)
        self.contract = Contract(inputs, (TensorSpec("y", FLOAT, ("batch", 2)),))
        self.row_seconds = row_seconds
        self.runs = []
        self.kept = {}

    def is_quick(self, rows):
        return self.row_seconds * rows < 0.001

    def run_seconds(self, rows):
        return self.row_seconds * rows

    def run_options(self):
        return Options()

    def run(self, inputs, outputs, options=None):
        x = inputs["x"]
        self.runs.append(len(x))
        until = time.monotonic() + self.row_seconds * len(x)
        while time.monotonic() < until:
            if options is not None and options.terminate:
                raise InferenceFailed("the model failed", detail="stopped")
            time.sleep(0.001)
        if (x == 13).any():
            raise InferenceFailed("the model failed", detail="13")
        return dict.fromkeys(outputs, x * 2)


class Bench:
    """A dataplane on the running loop, with what the tests ask of it."""

    def __init__(self, model, parallel=1, on_run=None, **settings):
        self.model = model
        self.pool = ThreadPoolExecutor(4)
        self.plane = Dataplane(self.pool, BatchingSettings(**settings), parallel, on_run)

    def ask(self, *values, seconds=5.0, priority=0, outputs=("y",)):
        """Submit one request whose rows are [value, value]; give what becomes its answer."""
        rows = np.array([[value] * 2 for value in values], dtype=np.float32)
        return self.ask_rows(rows, seconds=seconds, priority=priority, outputs=outputs)

    def ask_rows(self, rows, seconds=5.0, priority=0, outputs=("y",)):
        deadline = time.monotonic() + seconds
        request = InferenceRequest(self.model, {"x": rows}, outputs, len(rows), deadline, priority)
        return asyncio.ensure_future(self.plane.infer(request))


@pytest.fixture
def bench():
    return Bench


@pytest.fixture
def doubler():
    return Doubler

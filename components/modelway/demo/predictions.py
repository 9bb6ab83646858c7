"""Sends the held-out rows through the endpoint, as an application would with boto3.

Takes a `sagemaker-runtime` client, an endpoint and rows, gives accuracy and latency. It must not
know whether the endpoint is AWS's or the emulator's.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelway.demo.training import HeldOut


@dataclass(frozen=True)
class Result:
    """What came back for all rows."""

    rows: int
    accuracy: float
    """Share of rows whose label is right, 0 to 1."""
    p50_ms: float
    p99_ms: float
    """Whole calls as the client sees them, one row each, one after the other."""
    labels: np.ndarray
    """int64 (rows,)."""
    probabilities: np.ndarray
    """float32 (rows, classes)."""


def predict(runtime: Any, endpoint_name: str, rows: HeldOut) -> Result:
    """Predict every row with a call of its own and compare with the right labels."""
    latencies_ms, labels, probabilities = [], [], []
    for pixels in rows.pixels:
        body = json.dumps({"instances": [pixels.tolist()]})
        started = time.perf_counter()
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="application/json", Body=body
        )
        content = answer["Body"].read()
        latencies_ms.append((time.perf_counter() - started) * 1000)
        (prediction,) = json.loads(content)["predictions"]
        labels.append(prediction["label"])
        probabilities.append(prediction["probabilities"])
    found = np.array(labels, dtype=np.int64)
    p50_ms, p99_ms = np.percentile(latencies_ms, [50, 99])
    return Result(
        rows=len(found),
        accuracy=float(np.mean(found == rows.labels)),
        p50_ms=float(p50_ms),
        p99_ms=float(p99_ms),
        labels=found,
        probabilities=np.array(probabilities, dtype=np.float32),
    )

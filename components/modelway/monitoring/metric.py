"""One CloudWatch metric with all that an alarm or a graph needs to name it.

Takes plain values or Pulumi outputs, gives arguments for alarms. Must not create anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

INVOCATIONS = "AWS/SageMaker"
"""Namespace of what clients see: counts, errors and latencies."""

INSTANCES = "/aws/sagemaker/Endpoints"
"""Namespace of what instances do: CPU, memory, disk and GPU."""

PERCENTILE_PREFIX = "p"


@dataclass(frozen=True)
class Metric:
    """A metric as an endpoint's `metric_*` methods give it."""

    namespace: str
    name: str
    dimensions: Mapping[str, Any]
    """EndpointName and VariantName; the values may be Pulumi outputs."""
    statistic: str
    """`Average`, `Maximum`, `Minimum`, `SampleCount`, `Sum` or a percentile such as `p99`."""
    period_seconds: int = 60
    """Default: 60, the shortest that SageMaker publishes by itself."""
    unit: str | None = None
    """None for any. `ModelLatency` and `OverheadLatency` are in microseconds."""

    def having(self, **changes: Any) -> "Metric":
        """Give the same metric with, for example, another `statistic` or `period_seconds`."""
        return replace(self, **changes)

    def alarm_args(self) -> dict[str, Any]:
        """Give the metric's part of an alarm's arguments.

        Example:
            aws.cloudwatch.MetricAlarm(
                "slow",
                **deployment.metric_model_latency(statistic="p90").alarm_args(),
                comparison_operator="GreaterThanThreshold",
                threshold=100_000,  # microseconds
                evaluation_periods=3,
            )
        """
        percentile = self.statistic.startswith(PERCENTILE_PREFIX)
        args = {
            "namespace": self.namespace,
            "metric_name": self.name,
            "dimensions": dict(self.dimensions),
            "extended_statistic" if percentile else "statistic": self.statistic,
            "period": self.period_seconds,
        }
        return args if self.unit is None else {**args, "unit": self.unit}

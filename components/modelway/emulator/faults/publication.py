"""Where measurements go while metrics are missing or late.

Takes what hosting records, gives it to CloudWatch later or not at all. Must not know which faults
there are.
"""

from collections.abc import Mapping

from modelway.emulator.services import Metrics


class Lost:
    """Nothing arrives."""

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        unit: str,
        timestamp: float | None = None,
        *,
        delay_seconds: float = 0.0,
    ) -> None:
        """Drop one measurement."""


class Delayed:
    """Everything arrives, but later.

    Args:
        metrics: where it arrives.
        delay_seconds: virtual seconds between a measurement and its arrival.
    """

    def __init__(self, metrics: Metrics, delay_seconds: float) -> None:
        self._metrics, self._delay_seconds = metrics, delay_seconds

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        unit: str,
        timestamp: float | None = None,
        *,
        delay_seconds: float = 0.0,
    ) -> None:
        """Add one measurement that can be read `delay_seconds` later."""
        self._metrics.record(
            namespace,
            name,
            dimensions,
            value,
            unit,
            timestamp,
            delay_seconds=self._delay_seconds + delay_seconds,
        )

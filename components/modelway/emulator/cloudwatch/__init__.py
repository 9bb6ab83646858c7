"""CloudWatch as the emulator has it: metrics, metric math, alarms, history and notices."""

from modelway.emulator.cloudwatch.metrics import MetricStore

__all__ = ["MetricStore"]

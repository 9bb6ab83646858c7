"""SageMaker's endpoints and the replicas behind them."""

from modelway.emulator.hosting.hosting import EndpointHosting

__all__ = ["EndpointHosting"]

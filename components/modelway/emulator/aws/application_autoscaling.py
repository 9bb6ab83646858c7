"""Application Auto Scaling: moto keeps the declarations, the emulator acts on them.

Takes the shared services; changes moto's Application Auto Scaling and starts the scaler.
"""

from modelway.emulator.autoscaling.api import ScalingApi
from modelway.emulator.autoscaling.scaler import Scaler
from modelway.emulator.services import Services


def install(services: Services) -> None:
    """Extend moto's Application Auto Scaling; once, before its first request."""
    ScalingApi(services).install()
    Scaler(services).start()

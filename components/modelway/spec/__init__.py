"""The spec: what a user says about one model's deployment."""

from modelway.spec.load import load_spec, parse_spec
from modelway.spec.model import (
    Alarms,
    DataCapture,
    Datatype,
    Encryption,
    Logging,
    Model,
    ModelSpec,
    Network,
    Objectives,
    Rollout,
    Scaling,
    Schedule,
    Serving,
    Strategy,
    Tensor,
)

__all__ = [
    "Alarms",
    "DataCapture",
    "Datatype",
    "Encryption",
    "Logging",
    "Model",
    "ModelSpec",
    "Network",
    "Objectives",
    "Rollout",
    "Scaling",
    "Schedule",
    "Serving",
    "Strategy",
    "Tensor",
    "load_spec",
    "parse_spec",
]

"""The spec: what a user says about one model's deployment."""

from modelway.spec.load import load_spec, parse_spec
from modelway.spec.model import (
    Alarms,
    DataCapture,
    Encryption,
    Logging,
    ModelSpec,
    Network,
    Objectives,
    Rollout,
    Scaling,
    Schedule,
    Serving,
    Strategy,
)
from modelway.spec.model_file import Datatype, Model, Tensor
from modelway.spec.variants import Challenger, Shadow

__all__ = [
    "Alarms",
    "Challenger",
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
    "Shadow",
    "Strategy",
    "Tensor",
    "load_spec",
    "parse_spec",
]

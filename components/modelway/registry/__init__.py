"""Model registries: where packages wait, version after version, until somebody approves one.

`modelway.registry.version` says what a registry is; `sagemaker` is SageMaker's. Another registry is
one more module with the same methods.
"""

from modelway.registry.reader import ModelReader, Pins
from modelway.registry.version import Candidate, Registry, Status, Version

__all__ = ["Candidate", "ModelReader", "Pins", "Registry", "Status", "Version"]

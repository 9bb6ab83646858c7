"""The model file: read, checked and packed for SageMaker."""

from modelway.package.archive import write_archive
from modelway.package.artifact import read_artifact
from modelway.package.tensors import read_tensors

__all__ = ["read_artifact", "read_tensors", "write_archive"]

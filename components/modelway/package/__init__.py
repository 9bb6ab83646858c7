"""The model file, or the package: read, checked and packed for SageMaker."""

from modelway.package.archive import write_archive
from modelway.package.artifact import model_file, read_artifact
from modelway.package.packing import pack_artifact
from modelway.package.tensors import read_tensors

__all__ = ["model_file", "pack_artifact", "read_artifact", "read_tensors", "write_archive"]

"""The catalogue of SageMaker's hosting instance types.

Takes a type's name, gives its figures from `instances.csv` (which names their sources). The file is
read at the first question, not at import. Must not ask AWS.
"""

import csv
import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

BURSTABLE_FAMILIES = ("t2", "t3")
"""Families whose CPU credits run out; they cannot be scaled automatically (SageMaker developer
guide, "Automatic scaling": burstable types are not supported)."""

_ARM_FAMILY = re.compile(r"[cmr][0-9]+g|p6e")


@dataclass(frozen=True)
class InstanceType:
    """One type, as one instance of it is."""

    name: str
    """As SageMaker writes it, such as `ml.m5.large`."""
    vcpus: int
    """Virtual CPUs. CPUUtilization ranges up to 100 times this."""
    memory_gib: float
    """Main memory in GiB."""
    gpus: int | None
    """NVIDIA GPUs; None when not known."""
    gpu_memory_gib: int | None
    """Memory of all GPUs in GiB; None when not known."""
    local_storage_gb: int | None
    """Local NVMe storage in GB, 0 for none; None when not known."""

    @property
    def family(self) -> str:
        """The part between the dots, such as `m5`."""
        return self.name.split(".")[1]

    @property
    def burstable(self) -> bool:
        """Whether the CPU runs on credits."""
        return self.family in BURSTABLE_FAMILIES

    @property
    def inf1(self) -> bool:
        """Whether deployment guardrails and shadow tests are unavailable for it."""
        return self.family == "inf1"

    @property
    def neuron(self) -> bool:
        """Whether it has Inferentia or Trainium chips."""
        return self.family.startswith(("inf", "trn"))

    @property
    def architecture(self) -> str:
        """`arm64` for Graviton and Grace processors, otherwise `amd64`, as images name them."""
        return "arm64" if _ARM_FAMILY.match(self.family) else "amd64"

    @property
    def takes_volume_key(self) -> bool:
        """Whether its volume is certainly EBS: local NVMe takes no key of the customer."""
        return self.local_storage_gb == 0


@cache
def instance_types() -> dict[str, InstanceType]:
    """Give all types by name, in AWS's order."""
    text = resources.files("modelway.spec").joinpath("instances.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    types: dict[str, InstanceType] = {}
    for row in csv.DictReader(lines):
        types[row["type"]] = InstanceType(
            name=row["type"],
            vcpus=int(row["vcpus"]),
            memory_gib=float(row["memory_gib"]),
            gpus=_number(row["gpus"]),
            gpu_memory_gib=_number(row["gpu_memory_gib"]),
            local_storage_gb=_number(row["local_storage_gb"]),
        )
    return types


def instance_type(name: str) -> InstanceType | None:
    """Find a type by its exact name; None when SageMaker has no such hosting type."""
    return instance_types().get(name)


def nearest_types(name: str) -> list[str]:
    """Give up to three names that look like this one, the likeliest first."""
    wanted = name if name.startswith("ml.") else f"ml.{name}"
    return difflib.get_close_matches(wanted, instance_types(), n=3, cutoff=0.7)


def _number(text: str) -> int | None:
    """Read a figure that may be unknown."""
    return int(text) if text else None

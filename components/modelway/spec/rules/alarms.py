"""Rules of alarms, and of whom they tell.

Takes the spec of one environment, gives `Problem`s.
"""

import re
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec
from modelway.spec.paths import path_text

GPU_FIELDS = ("gpu_utilization_percent", "gpu_memory_utilization_percent")
"""Alarms whose metrics exist only with GPUs."""

_EMAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/.]+\Z")
_URL = re.compile(r"https://[^\s/?#@:]+(:[0-9]{1,5})?([/?#]\S*)?\Z")


def alarm_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check alarms that need a GPU, and every address."""
    machine = instance_type(spec.serving.instance_type)
    for field in GPU_FIELDS:
        value: float | None = getattr(spec.alarms, field)
        if value is None or machine is None or machine.gpus:
            continue
        if machine.gpus is None:
            message = f"cannot be scaled: the number of GPUs of {machine.name} is not known here"
            allowed = "leave it out for this type"
        else:
            message = f"watches a metric that {machine.name}, without a GPU, never publishes"
            allowed = "leave it out, or an instance type with a GPU such as ml.g5.xlarge"
        yield Problem(
            path=f"alarms.{field}",
            message=message,
            value=value,
            allowed=allowed,
            source="SageMaker developer guide, CloudWatch metrics",
        )
    seen: set[str] = set()
    for index, address in enumerate(spec.alarms.notify):
        path = path_text(("alarms", "notify", index))
        if not (_EMAIL.match(address) or _URL.match(address)):
            yield Problem(
                path=path,
                message="is neither an e-mail address nor an https URL",
                value=address,
                allowed="name@example.com or https://example.com/hook",
                source="SNS Subscribe: protocols email and https",
            )
        elif address in seen:
            yield Problem(path, "is listed twice", address, "each address once", "SNS Subscribe")
        seen.add(address)

"""Plans of a good spec with some fields changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelway.plan import Artifact, DeploymentPlan, plan_deployment
from modelway.spec import parse_spec
from modelway.spec.merge import merge

IMAGE = "repository.example/server@sha256:" + "a" * 64
DIGEST = "sha256:" + "c" * 64


@pytest.fixture
def make_plan() -> Callable[..., DeploymentPlan]:
    """Plan a spec for environment `prod`."""

    def make(
        changes: dict[str, Any] | None = None,
        environment: str = "prod",
        size_bytes: int = 1000,
        uri: str | None = None,
    ) -> DeploymentPlan:
        good = {"name": "fraud", "model": {"path": "/models/fraud.onnx"}, "image": IMAGE}
        path = None if uri else Path("/models/fraud.onnx")
        artifact = Artifact(DIGEST, 0 if uri else size_bytes, path, uri)
        spec = parse_spec(merge(good, changes or {}))
        other = Artifact("sha256:" + "d" * 64, size_bytes, Path("/models/b.onnx"))
        beside = {each.name: other for each in spec.beside}
        return plan_deployment(spec, environment, artifact, beside)

    return make


@pytest.fixture
def decision() -> Callable[[DeploymentPlan, str], tuple[object, str, str]]:
    """Give value, reason and source of one decision of a plan."""

    def find(plan: DeploymentPlan, path: str) -> tuple[object, str, str]:
        (found,) = [one for one in plan.decisions if one.path == path]
        return found.value, found.reason, found.source

    return find

"""Specs for tests: a file in a folder, and the rules of one environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelway.errors import Problem
from modelway.spec import ModelSpec, parse_spec, rules
from modelway.spec.merge import merge

IMAGE = "repository.example/server@sha256:" + "a" * 64


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[[str], Path]:
    """Write YAML to `specs/fraud.yaml` and give its path."""

    def write(text: str, name: str = "fraud.yaml") -> Path:
        path = tmp_path / "specs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def problems() -> Callable[..., list[Problem]]:
    """Check a good spec of environment `prod` with some fields changed."""

    def check(changes: dict[str, Any], environment: str = "prod") -> list[Problem]:
        good = {"name": "fraud", "model": {"path": "/models/fraud.onnx"}, "image": IMAGE}
        return rules.check(parse_spec(merge(good, changes)), environment)

    return check


@pytest.fixture
def the_problem(problems) -> Callable[..., Problem]:
    """Check, and expect exactly one problem."""

    def check(changes: dict[str, Any], environment: str = "prod") -> Problem:
        found = problems(changes, environment)
        assert len(found) == 1, found
        return found[0]

    return check


@pytest.fixture
def spec_with() -> Callable[[dict[str, Any]], ModelSpec]:
    """A good spec with some fields changed."""

    def make(changes: dict[str, Any]) -> ModelSpec:
        good = {"name": "fraud", "model": {"path": "/models/fraud.onnx"}, "image": IMAGE}
        return parse_spec(merge(good, changes))

    return make

"""Trained models, saved and packaged.

Converting happens in this process here, so that a family takes a tenth of a second and not three;
the process of its own is tested in `tests/integration/package`.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest

from modelway.package.assemble import Made, make_package
from modelway.package.request import PackageRequest
from modelway.package.sources import isolation
from modelway.package.sources.worker import convert_source


@pytest.fixture
def _converted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(request, folder, meanwhile):
        meanwhile()
        return convert_source(request, folder, "nothing")

    monkeypatch.setattr(isolation, "convert_apart", convert)


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as CSV, with names where there are any."""

    def write(rows: Any, names: list[str] | None = None) -> Path:
        path = tmp_path / "samples.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            if names is not None:
                writer.writerow(names)
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def write_json_lines(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as JSON lines."""

    def write(rows: Any) -> Path:
        path = tmp_path / "samples.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return path

    return write


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    """Save an object with joblib."""

    def write(trained: Any) -> Path:
        path = tmp_path / "model.joblib"
        joblib.dump(trained, path)
        return path

    return write


@pytest.fixture
def package(tmp_path: Path, _converted_here: None) -> Callable[..., Made]:
    """Package a source; options are those of `PackageRequest`."""

    def make(source: Path, samples: Path | None = None, **options: Any) -> Made:
        arguments = {"name": "model", "trust": True, **options}
        request = PackageRequest(source=source, samples=samples, **arguments)
        return make_package(request, tmp_path / "package")

    return make

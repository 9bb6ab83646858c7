"""`modelway package` as a user runs it: the same package from another process, later, elsewhere."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelway.testing import child_environment

pytestmark = pytest.mark.integration


def modelway(folder, *arguments, **variables):
    """Run the command in a folder, with other variables of the environment."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "modelway"), *arguments],
        cwd=folder,
        env=child_environment(variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_two_processes_at_two_times_make_the_same_package(flowers, tmp_path):
    source, samples = flowers
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (there / "another.name").write_bytes(source.read_bytes())
    os.utime(there / "another.name", (1, 1))
    options = ("--name", "flowers", "--trust", "--samples", str(samples), "--json")
    archived = ("--archive", "model.tar.gz")

    first = modelway(here, "package", str(source), *options, *archived, PYTHONHASHSEED="1")
    time.sleep(1.1)  # so that a time stamp of whole seconds would differ
    second = modelway(
        there, "package", "another.name", *options, *archived, PYTHONHASHSEED="2", TZ="Asia/Tokyo"
    )

    assert json.loads(second.stdout)["digest"] == json.loads(first.stdout)["digest"]
    names = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert [str(name) for name in names] == [
        "flowers-1/MODEL_CARD.md",
        "flowers-1/environment.txt",
        "flowers-1/evidence/parity.json",
        "flowers-1/model.onnx",
        "flowers-1/package.json",
        "flowers-1/samples.jsonl",
        "model.tar.gz",
    ]
    for name in names:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name


def test_the_table_shows_how_far_the_model_is_from_its_source(flowers, tmp_path):
    source, samples = flowers

    done = modelway(tmp_path, "package", str(source), "--trust", "--samples", str(samples))

    assert "the ONNX model against its source, on 150 rows" in done.stdout
    for text in ("largest difference", "typical (median)", "agreement", "100.00%", "flowers-1"):
        assert text in done.stdout
    assert "\x1b" not in done.stdout
    shown = modelway(tmp_path, "inspect", "flowers-1")
    assert "against its source, on 150 rows" in shown.stdout

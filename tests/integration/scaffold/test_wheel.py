"""What `modelway init` needs is in the wheel."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from modelway.scaffold.choices import Choices
from modelway.scaffold.repository import repository_files

pytestmark = [pytest.mark.integration]

ROOT = Path(__file__).parents[3]
PROGRAM = """
import json
from modelway.scaffold import repository
files = repository.repository_files(repository.Choices("fraud"))
print(json.dumps([repository.__file__, {path: files[path].hex() for path in files}]))
"""


def test_an_installed_modelway_scaffolds_the_same_repository(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
    )

    module, files = json.loads(done.stdout)
    assert module == str(tmp_path / "installed" / "modelway" / "scaffold" / "repository.py")
    assert {path: bytes.fromhex(content) for path, content in files.items()} == repository_files(
        Choices("fraud")
    )

"""The contract suite of the processes, whole, against the container."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

SUITES = ("test_contract", "test_error_matrix", "test_parity")


def _tests_of(name):
    path = Path(__file__).parents[1] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"container_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {key: value for key, value in vars(module).items() if key.startswith("test_")}


for _name in SUITES:
    globals().update(_tests_of(_name))

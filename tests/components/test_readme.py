"""The README's spec and its Pulumi program do what the README says."""

import re
from pathlib import Path

import pytest

from modelway.demo.training import train
from modelway.spec import load_spec

README = Path(__file__).parents[2] / "README.md"


def blocks(kind: str) -> list[str]:
    """Give the contents of the fenced blocks whose first line is exactly ``` and `kind`."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder with the README's spec and a model beside it."""
    (spec,) = blocks("yaml")
    (tmp_path / "fraud.yaml").write_text(spec)
    train(tmp_path / "fraud.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_the_readmes_spec_is_valid_in_every_environment_it_names(folder):
    spec = load_spec(folder / "fraud.yaml")

    assert sorted(spec.environments) == ["local", "prod"]
    assert spec.for_environment("local").scaling.max_instances == 2
    assert spec.for_environment("prod").scaling.max_instances == 6
    assert spec.for_environment("prod").network.subnet_ids == ("subnet-0a1b2c3d", "subnet-4e5f6a7b")


def test_the_readmes_program_declares_one_platform_and_one_endpoint(folder, declare):
    program = next(block for block in blocks("python") if "ModelPlatform" in block)

    declared = declare(lambda: exec(compile(program, "README.md", "exec"), {}), stack="prod")

    assert declared.one("pulumi-python:dynamic/modelway:Endpoint").inputs["endpoint_name"] == (
        "fraud-prod"
    )
    assert len(declared.all("modelway:index:ModelPlatform")) == 1
    assert len(declared.all("modelway:index:ModelDeployment")) == 1


def test_the_two_first_commands_are_targets_of_the_makefile():
    first = blocks("sh")[0]
    makefile = (README.parent / "Makefile").read_text()

    commands = [line.split("#")[0].strip() for line in first.splitlines()]
    assert commands == ["make demo", "make test"]
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)

"""The README's spec and its Pulumi program do what the README says."""

import re
from pathlib import Path

import pytest
import yaml

from modelway.demo.training import train
from modelway.promotion.policy import read_policy
from modelway.spec import load_spec, parse_spec

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
    program = next(block for block in blocks("python") if "ModelDeployment" in block)

    declared = declare(lambda: exec(compile(program, "README.md", "exec"), {}), stack="prod")

    assert declared.one("pulumi-python:dynamic/modelway:Endpoint").inputs["endpoint_name"] == (
        "fraud-prod"
    )
    assert len(declared.all("modelway:index:ModelPlatform")) == 1
    assert len(declared.all("modelway:index:ModelDeployment")) == 1


def test_the_readmes_registry_is_declared_with_its_approvers_and_deployed_by_its_spec(declare):
    program = next(block for block in blocks("python") if "approvers" in block)
    (spec,) = [block for block in blocks("yml") if "registry: fraud@approved" in block]

    declared = declare(lambda: exec(compile(program, "README.md", "exec"), {}), stack="prod")
    merged = parse_spec(yaml.safe_load(spec)).for_environment("local")

    group = declared.one("aws:sagemaker/modelPackageGroup:ModelPackageGroup").inputs
    policy = declared.one("aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy").inputs
    assert group["modelPackageGroupName"] == "fraud"
    assert "arn:aws:iam::123456789012:role/ml-lead" in policy["resourcePolicy"]
    assert (merged.model.path, merged.model.registry) == ("fraud-1", None)


def test_the_readmes_policy_says_what_its_comments_say(tmp_path):
    (text,) = [block for block in blocks("yml") if "promote_from" in block]
    (tmp_path / "policy.yaml").write_text(text)

    policy = read_policy(tmp_path / "policy.yaml")

    assert policy.of("prod").promote_from == "staging"
    assert policy.of("prod").evidence == ("tests", "parity", "rehearsal")
    assert policy.of("prod").bake_seconds == 3600
    assert len(policy.blocked) == 1


def test_the_two_first_commands_are_targets_of_the_makefile():
    first = blocks("sh")[0]
    makefile = (README.parent / "Makefile").read_text()

    commands = [line.split("#")[0].strip() for line in first.splitlines()]
    assert commands == ["make demo", "make test"]
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)

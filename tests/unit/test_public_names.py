"""The public names: what they are, that they exist, and that importing modelway loads nothing."""

import importlib.metadata
import subprocess
import sys

import pytest

import modelway


def test_the_public_names_are_these_and_sorted():
    assert modelway.__all__ == [
        "ArtifactError",
        "DeploymentError",
        "DeploymentPlan",
        "EmulatorError",
        "EngineError",
        "ImageError",
        "ModelDeployment",
        "ModelPlatform",
        "ModelSpec",
        "ModelwayError",
        "PromotionError",
        "SpecError",
        "load_rollback",
        "load_spec",
        "plan_deployment",
    ]


@pytest.mark.parametrize("name", modelway.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name):
    value = getattr(modelway, name)

    assert value.__name__ == name
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="no attribute 'ModelEndpoint'"):
        _ = modelway.ModelEndpoint


def test_importing_modelway_loads_neither_pulumi_nor_boto3():
    program = "import sys, modelway; print([m for m in ('pulumi', 'boto3') if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_command_and_the_pytest_plugin_are_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="modelway")
    (plugin,) = importlib.metadata.entry_points(group="pytest11", name="modelway")

    assert command.value == "modelway.cli:main"
    assert plugin.value == "modelway.testing"

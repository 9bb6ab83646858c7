"""`model_server check`: what `serve` would load is loaded, and nothing listens."""

import json
import os
import shutil
import subprocess

import pytest

from modelway.image.context import serving_image_directory
from modelway.image.runtime import server_python


@pytest.fixture
def check(tmp_path):
    """Run the command; gives its exit status and the events of its log."""

    def run(*arguments, **settings):
        done = subprocess.run(
            [str(server_python()), "-m", "model_server", "check", *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(serving_image_directory()),
                **{name: str(value) for name, value in settings.items()},
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def folder(models, tmp_path):
    """A copy of a model's folder, to put something beside it."""
    return shutil.copytree(models / "regressor", tmp_path / "model")


def test_a_model_that_can_be_served_is_described_and_the_status_is_0(check, folder):
    status, events = check(folder / "model.onnx")

    assert status == 0
    assert [each["event"] for each in events] == ["model_ready", "usable"]
    assert events[0]["inputs"] == ["'x' (float32 (batch, 4))"]
    assert events[1]["models"] == ["model/1"]


def test_rules_that_do_not_fit_the_model_are_status_3_with_the_reason(check, folder):
    (folder / "input_rules.json").write_text('{"version": 1, "inputs": {"y": {}}}')

    status, events = check(folder)

    assert status == 3
    assert events[-1]["event"] == "not_usable"
    assert "input_rules.json" in events[-1]["reason"]


def test_a_model_that_is_not_there_is_status_3(check, tmp_path):
    status, events = check(tmp_path / "none")

    assert status == 3
    assert [each["event"] for each in events][-1] == "not_usable"


def test_a_handler_is_imported_too(check, folder, tmp_path):
    (tmp_path / "mine.py").write_text("raise RuntimeError('on purpose')\n")

    status, events = check(
        folder,
        MODEL_SERVER_HANDLER="mine",
        PYTHONPATH=f"{serving_image_directory()}{os.pathsep}{tmp_path}",
    )

    assert status == 3
    assert "on purpose" in events[-1]["reason"]


def test_settings_that_are_wrong_are_status_2(check, folder):
    status, events = check(folder, MODEL_SERVER_WORKERS="many")

    assert status == 2
    assert events[-1]["event"] == "wrong_settings"


def test_a_file_of_keys_that_is_not_there_is_status_2(check, folder, tmp_path):
    status, events = check(folder, MODEL_SERVER_API_KEYS_FILE=tmp_path / "none.json")

    assert status == 2
    assert events[-1]["event"] == "wrong_settings"


def test_a_taken_port_is_nothing_to_it(check, folder, run_server, models):
    server = run_server(models / "regressor")
    server.wait()

    assert check(folder, SAGEMAKER_BIND_TO_PORT=server.port)[0] == 0

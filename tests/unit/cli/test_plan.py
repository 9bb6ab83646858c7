"""`modelway plan`."""

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from modelway.cli.plan import plan
from modelway.errors import ArtifactError, SpecError


@pytest.fixture
def spec(tmp_path) -> Path:
    """A spec with a good model file and no image."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["scores"])],
        "identity",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 4])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    path = tmp_path / "fraud.yaml"
    path.write_text(
        "name: fraud\n"
        "model: {path: m.onnx}\n"
        "objectives: {p99_latency_ms: 50}\n"
        "environments:\n"
        "  local:\n"
        "  prod:\n"
        "    scaling: {min_instances: 2}\n"
        "    rollout: {strategy: canary}\n",
        encoding="utf-8",
    )
    return path


def test_what_is_declared_and_every_reason_are_printed(spec, run_command):
    result = run_command(plan, str(spec), "--env", "local")

    assert result.exit_code == 0
    assert "fraud in local" in result.stdout
    assert "│ endpoint " in result.stdout
    assert "│ 1 x ml.m5.large, variant `primary`" in result.stdout
    (threshold,) = [line for line in result.stdout.splitlines() if "p99-latency.threshold" in line]
    assert "│ 50000 " in threshold
    assert "objectives.p99_latency_ms is 50; the metric is in microseconds" in threshold
    assert result.stderr == ""


def test_how_an_update_goes_is_printed(spec, run_command):
    spec.write_text(
        spec.read_text().replace("canary}", "canary, expected_requests_per_minute: 600}"),
        encoding="utf-8",
    )

    shown = run_command(plan, str(spec), "--env", "prod").stdout

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    assert ["canary", "10 %", "300 s", "420 to 900 s", "2 + 2"] in rows
    assert ["the rest", "100 %", "300 s", "720 to 1200 s", "2 + 2"] in rows
    assert "An update takes 720 to 1200 s: waits of 600 s" in shown
    assert "At most 4 instances run at one time." in shown
    assert "fraud-prod-rollout-too-few-requests" in shown
    assert any(row[:2] == ["new-p99-latency", "60 during canary"] for row in rows)


def test_an_update_that_nothing_watches_has_no_table_of_alarms(spec, run_command):
    shown = run_command(plan, str(spec), "--env", "local").stdout

    assert "NOTHING ROLLS BACK A BAD MODEL: this roll-out has no alarm." in shown
    assert "what rolls it back" not in shown


def test_output_that_is_not_a_terminal_has_no_colour(spec, run_command):
    assert "\x1b[" not in run_command(plan, str(spec), "--env", "local").stdout


def test_json_has_the_whole_plan(spec, run_command):
    result = run_command(plan, str(spec), "--env", "prod", "--json")

    found = json.loads(result.stdout)
    assert found["names"]["endpoint"] == "fraud-prod"
    assert found["protect"] is True
    assert found["variants"][0]["initial_instance_count"] == 2
    assert found["containers"]["primary"]["artifact"]["path"] == str(spec.parent / "m.onnx")
    assert found["rollout"]["deployment_config"]["AutoRollbackConfiguration"] == {
        "Alarms": [
            {"AlarmName": "fraud-prod-rollout-new-p99-latency"},
            {"AlarmName": "fraud-prod-rollout-too-few-requests"},
        ]
    }


def test_json_has_the_outlook_on_an_update(spec, run_command):
    result = run_command(plan, str(spec), "--env", "prod", "--json")

    found = json.loads(result.stdout)["rollout_outlook"]
    assert [stage["traffic_percent"] for stage in found["stages"]] == [10.0, 100.0]
    assert found["waits_seconds"] == 600
    assert found["duration_seconds"] == [720, 1200]
    assert found["peak_instances"] == 4
    assert found["detection_limits"] == []


def test_a_missing_image_is_told_but_the_plan_is_shown(spec, run_command):
    result = run_command(plan, str(spec), "--env", "prod")

    assert result.exit_code == 0
    assert "fraud in prod" in result.stdout
    assert result.stderr.startswith(f"not ready to deploy: {spec}:1: image: is missing")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("image: server:latest\n", ":9: image: does not name an image by digest"),
        ("logging: {retention_days: 2}\n", ":9: logging.retention_days: is not a retention"),
        ("color: red\n", ":9: color: is not a field"),
    ],
)
def test_a_spec_that_breaks_rules_has_no_plan(spec, run_command, extra, message):
    spec.write_text(spec.read_text() + extra, encoding="utf-8")

    result = run_command(plan, str(spec), "--env", "prod")

    assert isinstance(result.exception, SpecError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_a_model_file_that_cannot_be_loaded_stops_the_plan(spec, run_command):
    (spec.parent / "m.onnx").write_bytes(b"broken")

    result = run_command(plan, str(spec), "--env", "prod")

    assert isinstance(result.exception, ArtifactError)
    assert result.stdout == ""

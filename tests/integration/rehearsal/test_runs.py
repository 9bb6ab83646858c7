"""Runs of small scenarios: what is told, what is left, and what an own program deploys."""

import tempfile
import time

import pytest

from modelway.emulator.process import find
from modelway.errors import RehearsalError
from modelway.rehearsal.scenario_file import SHIPPED

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("rehearsal")]

PROGRAM = """\
from pathlib import Path
import pulumi
from modelway import ModelDeployment, load_spec

model = ModelDeployment("mine", spec=load_spec(Path(__file__).parent / "specs" / "mine.yaml"))
pulumi.export("endpoint_name", model.endpoint_name)
"""


def test_what_goes_against_an_expectation_is_found(rehearsed, scenario_file):
    path = scenario_file(
        change={
            "set": {"scaling": {"min_instances": 2}},
            "expect": {"outcome": "rolled-back", "message": ["rolled the update back"]},
        },
        expect={"client_errors": "none", "versions_at_end": ["2"], "instances_at_end": 2},
    )

    done, broken, said = rehearsed(path)

    assert [each.partition(":")[0] for each in broken] == [
        "change.expect.outcome",
        "change.expect.message",
        "expect.versions_at_end",
    ]
    assert done.ups[1].outcome == "promoted"
    assert [event.kind for event in done.ups[1].events][:3] == [
        *("step-started", "up-started", "update-started"),
    ]
    assert "starting an emulator" in said
    assert {sent.call.version for sent in done.calls} == {"1"}


def test_a_first_up_that_fails_ends_the_rehearsal_with_its_output(rehearsed, scenario_file):
    spec = {
        "name": "greeter",
        "model": {"path": str(SHIPPED / "models" / "one.onnx")},
        "serving": {"environment": {"MODEL_SERVER_THREADS": "many"}},
        "rollout": {"timeout_seconds": 600},
    }

    with pytest.raises(RehearsalError, match=r"the first `pulumi up` failed") as caught:
        rehearsed(scenario_file(spec=spec, traffic=None))

    assert "ping health check" in str(caught.value)


def test_a_fault_whose_moment_does_not_come_never_comes_and_clients_are_heard_at_the_end(
    rehearsed, scenario_file
):
    path = scenario_file(
        change={"faults": [{"kind": "capacity"}], "expect": {"outcome": "unchanged"}},
        then=[{"set": {"scaling": {"min_instances": 2}}, "expect": {"outcome": "promoted"}}],
        # Clients are heard even where nobody said for how long.
        tail_seconds=0,
        expect={"versions_at_end": ["1"]},
    )

    done, broken, _said = rehearsed(path)

    assert broken == []
    assert "fault" not in {event.kind for event in done.events}


def test_a_program_of_your_own_is_deployed_from_a_copy(rehearsed, scenario_file, tmp_path):
    folder = tmp_path / "program"
    (folder / "specs").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: own\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    path = scenario_file(
        spec="program/specs/mine.yaml",
        program="program",
        traffic={"requests_per_second": 5},
        change={"set": {"scaling": {"min_instances": 2}}, "expect": {"outcome": "promoted"}},
        expect={"client_errors": "none", "instances_at_end": 2},
    )
    spec = folder / "specs" / "mine.yaml"
    spec.write_text(f"name: mine\nmodel: {{path: {SHIPPED / 'models' / 'one.onnx'}}}\n")
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}

    done, broken, _said = rehearsed(path)

    assert broken == []
    assert done.endpoint == "mine-local"
    assert {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()} == before


def test_an_emulator_that_is_kept_goes_on_serving(rehearsed, scenario_file, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done, _broken, said = rehearsed(scenario_file(traffic=None), keep=True)

    port = int(said[-1].split("--port ")[1].split("`")[0])
    emulator = find(port)
    try:
        assert emulator is not None
        assert [each["name"] for each in emulator.status()["endpoints"]] == [done.endpoint]
    finally:
        if emulator is not None:
            emulator.stop()


def test_sigterm_in_the_middle_leaves_nothing(command, scenario_file, left_over):
    process = command(str(scenario_file()))
    for line in process.stderr:
        if "create-started" in line:
            break
    assert left_over() != []

    process.terminate()
    _, errors = process.communicate(timeout=90)

    assert process.returncode == 130, errors
    deadline = time.monotonic() + 10
    while left_over() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_over() == []


def test_the_command_prints_the_report_and_says_by_its_status_what_held(
    command, scenario_file, left_over, tmp_path
):
    expect = {"client_errors": {"at_least": 1}}

    process = command(str(scenario_file(expect=expect)), "--out", "out", "--time-scale", "120")
    report, talk = process.communicate(timeout=280)

    assert process.returncode == 1, talk
    assert "**1 of 3 expectations did not hold.**" in report
    assert "at 120 times real time" in report
    assert "create-ended" in talk
    assert (tmp_path / "out" / "plot.svg").read_text().startswith("<svg ")
    assert left_over() == []

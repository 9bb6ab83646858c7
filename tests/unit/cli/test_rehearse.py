"""`modelway rehearse` without a rehearsal: lists, schema, and what is refused."""

import pytest

from modelway.cli.rehearse import rehearse
from modelway.errors import SpecError


def test_the_list_has_every_scenario_with_its_description(run_command):
    result = run_command(rehearse, "--list")

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 13
    assert "healthy-canary " in result.stdout
    assert "gets half of the traffic" in result.stdout


def test_no_scenario_is_a_wrong_command_line(run_command):
    result = run_command(rehearse)

    assert result.exit_code == 2
    assert "name a scenario, or see --list" in result.output


def test_a_bad_scenario_stops_before_anything_runs(run_command, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nspec: {}\nchange: {}\n")

    result = run_command(rehearse, str(path))

    assert isinstance(result.exception, SpecError)
    assert result.exception.exit_status == 2
    assert f"{path}:2: spec.name: is missing" in str(result.exception)


@pytest.mark.parametrize("scale", ["0", "100000"])
def test_a_time_scale_out_of_range_is_refused(run_command, scale):
    result = run_command(rehearse, "healthy-canary", "--time-scale", scale)

    assert isinstance(result.exception, SpecError)
    assert "time_scale: is out of range" in str(result.exception)

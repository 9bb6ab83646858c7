"""`modelway shadow` on captured files."""

import json

import pytest

from modelway.cli.shadow import shadow
from modelway.errors import ExperimentError


@pytest.fixture
def captured(tmp_path):
    """Write answers by variant and inference id as data capture lays them out."""

    def write(**variants):
        for variant, answers in variants.items():
            folder = tmp_path / "fraud-prod" / variant / "2026" / "11" / "28" / "10"
            folder.mkdir(parents=True)
            lines = [
                json.dumps(
                    {
                        "captureData": {"endpointOutput": {"data": data, "encoding": "JSON"}},
                        "eventMetadata": {"inferenceId": key},
                    }
                )
                for key, data in answers.items()
            ]
            (folder / "00-00-000-x.jsonl").write_text("\n".join(lines))
        return str(tmp_path)

    return write


def test_answers_that_agree_end_with_status_0(captured, run_command):
    folder = captured(primary={"1": "[0.5]"}, shadow={"1": "[0.5]"})

    result = run_command(shadow, "--captured", folder)

    assert result.exit_code == 0
    assert "All 1 answers that were compared agree." in result.stdout


def test_a_difference_ends_with_status_1_and_is_drawn(captured, run_command):
    folder = captured(primary={"1": "[0.5]", "2": "[1.0]"}, shadow={"1": "[0.5]", "2": "[2.0]"})

    result = run_command(shadow, "--captured", folder)

    assert result.exit_code == 1
    assert "shadow against primary" in result.stdout
    assert "differing inference ids: 2" in result.stdout
    assert "1 of 2 answers agree (50 %); most differences are in `answer`, by 1 at most." in (
        result.stdout
    )


def test_a_tolerance_lets_small_differences_pass(captured, run_command):
    folder = captured(primary={"1": "[1.0]"}, shadow={"1": "[1.25]"})

    assert run_command(shadow, "--captured", folder, "--tolerance", "0.3").exit_code == 0


def test_nothing_to_compare_ends_with_status_3(captured, run_command):
    folder = captured(primary={"1": "[1.0]"}, shadow={"2": "[1.0]"})

    result = run_command(shadow, "--captured", folder)

    assert result.exit_code == 3
    assert "not compared: 1 only production" in result.stdout


def test_json_names_the_variants(captured, run_command):
    folder = captured(a={"1": "[1.5]"}, b={"1": "[1.5]"})

    result = run_command(
        shadow, "--captured", folder, "--production", "a", "--shadow", "b", "--json"
    )

    found = json.loads(result.stdout)
    assert (found["production"], found["shadow"], found["compared"]) == ("a", "b", 1)


@pytest.mark.parametrize("arguments", [[], ["fraud", "--captured", "folder"]])
def test_an_endpoint_or_captured_data_is_needed_and_not_both(run_command, arguments):
    result = run_command(shadow, *arguments)

    assert isinstance(result.exception, ExperimentError)
    assert result.exception.exit_status == 2
    assert str(result.exception) == (
        "comparing a shadow: give an endpoint's name or --captured, and not both"
    )

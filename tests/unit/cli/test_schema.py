"""`modelway schema`."""

import json

from modelway.cli.schema import schema
from modelway.errors import ModelwayError


def test_the_schema_is_printed_as_json(run_command):
    result = run_command(schema)

    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "modelway spec"


def test_the_schema_of_scenarios_is_printed_on_request(run_command):
    result = run_command(schema, "--scenario")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "modelway scenario"


def test_the_schema_is_written_to_a_file(run_command, tmp_path):
    path = tmp_path / "modelway.schema.json"

    result = run_command(schema, "--output", str(path))

    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads(path.read_text(encoding="utf-8"))["required"] == ["name", "model"]


def test_a_file_that_cannot_be_written_is_an_error_that_says_so(run_command, tmp_path):
    result = run_command(schema, "--output", str(tmp_path / "none" / "schema.json"))

    assert isinstance(result.exception, ModelwayError)
    assert "No such file or directory; give --output a file" in str(result.exception)

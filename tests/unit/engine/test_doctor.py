import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from modelway.cli import doctor


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `doctor` on a machine with an empty home, an empty PATH and no emulator."""
    app = typer.Typer()
    app.command()(doctor.doctor)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("modelway.emulator.process.find", lambda: None)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def write_pending_state(root: Path) -> str:
    latest = {"pending_operations": [{"resource": {"urn": "the-urn"}, "type": "creating"}]}
    file = root / ".pulumi" / "stacks" / "tiny" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return root.as_uri()


def test_a_missing_engine_fails_and_says_how_to_get_one(run):
    result = run()

    assert result.exit_code == 1
    assert "missing  Pulumi engine" in result.stdout
    assert "modelway doctor --setup" in result.stdout
    assert "absent   Docker" in result.stdout


def test_a_machine_with_an_engine_passes(run, tmp_path, add_pulumi):
    add_pulumi(tmp_path / "bin", "3.250.0")

    result = run("--json")

    [engine, *others] = json.loads(result.stdout)["findings"]
    assert result.exit_code == 0
    assert engine["state"] == "ok"
    assert engine["detail"] == f"3.250.0, on PATH, {tmp_path}/bin/pulumi"
    assert [finding["subject"] for finding in others] == [
        "emulator",
        "aws provider",
        "AWS credentials",
        "Docker",
    ]


def test_a_stack_in_need_of_repair_fails_until_it_is_repaired(run, tmp_path, add_pulumi):
    add_pulumi(tmp_path / "bin", "3.250.0")
    url = write_pending_state(tmp_path / "state")

    before = run("--backend", url)
    repairing = run("--backend", url, "--repair")
    after = run("--backend", url, "--repair")

    assert before.exit_code == 1
    assert "broken   stack organization/tiny/dev: creating the-urn" in before.stdout
    assert "modelway doctor --repair --stack tiny/dev" in before.stdout
    assert repairing.exit_code == 0
    assert "repaired organization/tiny/dev: settled-operation creating the-urn" in repairing.stdout
    assert after.stdout.startswith("nothing to repair\n")


def test_repair_without_a_backend_says_how_to_name_one(run):
    result = run("--repair")

    assert result.exit_code == 1
    assert "--backend file:///" in str(result.exception)


def test_setup_without_a_network_fails_with_the_reasons(run, monkeypatch):
    monkeypatch.setenv("MODELWAY_ENGINE_OFFLINE", "1")

    result = run("--setup")

    assert result.exit_code == 1
    assert "no `pulumi` >= 3.225.0, < 4 on PATH" in str(result.exception)


def test_the_folders_that_path_needs_are_printed_alone(run, tmp_path, add_pulumi):
    add_pulumi(tmp_path / "bin", "3.250.0")

    result = run("--path")

    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path}/bin\n"


def test_without_an_engine_there_are_no_folders_but_an_error(run):
    result = run("--path")

    assert result.stdout == ""
    assert str(result.exception) == (
        "looking for the Pulumi engine: there is none; add --setup to get one"
    )

"""`modelway due`: which stacks a commit deploys."""

import json

import pytest
import typer.testing
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from modelway.cli.due import due
from modelway.cli.release import release
from modelway.rehearsal.scenario_file import SHIPPED

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/models@sha256:{'a' * 64}"
SPEC = f"""
name: fraud
model: {{path: ../m.onnx}}
image: {IMAGE}
environments: {{dev: {{}}, prod: {{}}}}
"""


@pytest.fixture
def run():
    def go(command, *arguments):
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(command)
        return typer.testing.CliRunner().invoke(app, list(arguments))

    return go


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose prod takes releases from dev, with a key in `key.pem`."""
    stacks = tmp_path / "stacks"
    (stacks / "specs").mkdir(parents=True)
    (stacks / "releases" / "keys").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: fraud\nruntime: python\nmain: stacks/\n")
    (stacks / "specs" / "fraud.yaml").write_text(SPEC)
    (stacks / "m.onnx").write_bytes((SHIPPED / "models" / "one.onnx").read_bytes())
    (stacks / "releases" / "policy.yaml").write_text("stacks: {prod: {promote_from: dev}}\n")
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(private)
    (stacks / "releases" / "keys" / "ci.pem").write_bytes(public)
    monkeypatch.setenv("MODELWAY_RELEASE_KEY", "key.pem")
    monkeypatch.setenv("MODELWAY_APPROVER", "ada@example.com")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdicts(result):
    found = json.loads(result.stdout)
    return found["stacks"], [(each["stack"], each["verdict"]) for each in found["models"]]


def test_without_records_a_stack_is_due_unless_the_policy_asks_for_one(project, run):
    result = run(due, "dev", "prod", "--json")

    assert result.exit_code == 0
    assert verdicts(result) == (["dev"], [("dev", "due"), ("prod", "waits")])
    assert "Run `modelway promote fraud --from dev --to prod`" in result.stdout


def test_a_spec_that_changed_since_its_release_waits(project, run):
    assert run(release, "fraud", "--stack", "dev").exit_code == 0
    assert verdicts(run(due, "dev", "--json")) == (["dev"], [("dev", "due")])

    file = project / "stacks" / "specs" / "fraud.yaml"
    file.write_text(SPEC + "serving: {instance_type: ml.c5.large}\n")

    result = run(due, "dev", "--json")
    assert result.exit_code == 0
    assert verdicts(result) == ([], [("dev", "waits")])


def test_a_stack_with_one_model_that_waits_is_not_due(project, run):
    run(release, "fraud", "--stack", "dev")
    second = SPEC.replace("name: fraud", "name: risk")
    (project / "stacks" / "specs" / "risk.yaml").write_text(second)
    assert verdicts(run(due, "dev", "--json"))[0] == ["dev"]

    file = project / "stacks" / "specs" / "fraud.yaml"
    file.write_text(SPEC + "serving: {instance_type: ml.c5.large}\n")

    assert verdicts(run(due, "dev", "--json")) == ([], [("dev", "waits"), ("dev", "due")])


def test_records_that_were_edited_fail_it_and_nothing_is_due(project, run):
    run(release, "fraud", "--stack", "dev")
    folder = project / "stacks" / "releases" / "dev" / "fraud"
    (record,) = [path for path in folder.glob("*.json") if ".dsse" not in path.name]
    record.write_text(record.read_text().replace("ada@", "eve@"))
    output = project / "output"

    result = run(due, "dev", "--github-output", str(output))

    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert result.stderr == "nothing is to be deployed: release records are wrong\n"
    assert not output.exists()


def test_github_gets_the_stacks_as_an_output(project, run):
    output = project / "output"
    output.write_text("before=1\n")

    run(due, "dev", "prod", "--github-output", str(output))

    assert output.read_text() == 'before=1\nstacks=["dev"]\n'


def test_a_folder_without_specs_is_refused(project, run):
    (project / "stacks" / "specs" / "fraud.yaml").unlink()

    result = run(due, "dev")

    assert "looking for specs: stacks/specs has none." in str(result.exception)

"""`release`, `promote`, `releases` and `plan` over one project; AWS's answers are given."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import onnx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from onnx import TensorProto, helper

from modelway.cli.plan import plan
from modelway.cli.promote import promote
from modelway.cli.release import release
from modelway.cli.releases import releases
from modelway.errors import DeploymentError, PromotionError, SpecError
from modelway.package import read_artifact
from modelway.promotion.gate import Live, LiveAlarm
from modelway.spec import Model

IMAGE = f"r.example.com/fraud@sha256:{'a' * 64}"
SPEC = f"""\
name: fraud
model: {{path: ../m.onnx}}
image: {IMAGE}
environments:
  local: {{}}
  dev: {{}}
  prod:
    scaling: {{min_instances: 2}}
"""
ROUND = ["--approver", "ada@example.com"]
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def write_model(path, doc=""):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["scores"])],
        "identity",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 4])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=8, doc_string=doc), str(path)
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a spec, a model, a trusted key, and the key itself in `key.pem`."""
    stacks = tmp_path / "stacks"
    (stacks / "specs").mkdir(parents=True)
    (stacks / "releases" / "keys").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: fraud\nruntime: python\nmain: stacks/\n")
    (stacks / "specs" / "fraud.yaml").write_text(SPEC)
    write_model(stacks / "m.onnx")
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(private)
    (stacks / "releases" / "keys" / "ci.pem").write_bytes(public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MODELWAY_RELEASE_KEY", "key.pem")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def live(monkeypatch, project):
    """What the endpoint `fraud-dev` does; a test changes it, or says that there is none."""
    digest = read_artifact(Model(path=str(project / "stacks" / "m.onnx"))).digest
    state = {
        "fraud-dev": Live(
            endpoint="fraud-dev",
            status="InService",
            images=frozenset({f"sha256:{'a' * 64}"}),
            models=frozenset({digest}),
            untold=(),
            alarms=(LiveAlarm("fraud-dev-cpu", "OK"),),
            since=AT - timedelta(hours=2),
            now=AT,
        )
    }
    monkeypatch.setattr(
        "modelway.promotion.live.read_live",
        lambda endpoint, _region, **_watch: state.get(endpoint),
    )
    return state


def records(project, stack):
    folder = project / "stacks" / "releases" / stack / "fraud"
    return sorted(each for each in folder.glob("*.json") if ".dsse" not in each.name)


def test_a_release_is_recorded_with_digests_and_plans_of_every_stack(project, run_command):
    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert result.exit_code == 0
    (path,) = records(project, "dev")
    record = json.loads(path.read_text())
    assert record["image"] == f"sha256:{'a' * 64}"
    assert sorted(record["plans"]) == ["dev", "prod"]
    assert record["approver"] == "ada@example.com"
    assert record["tools"]["server"].startswith("0.1.0+")
    assert "│ same digests in every stack │ pass" in result.stdout
    assert result.stderr == (
        f"written to stacks/releases/dev/fraud/{path.name}; commit it with its signature\n"
    )


def test_a_model_that_all_stacks_share_is_read_once(project, run_command, monkeypatch):
    read = []

    def reading(model):
        read.append(model.path)
        return read_artifact(model)

    monkeypatch.setattr("modelway.registry.reader.read_artifact", reading)

    assert run_command(release, "fraud", "--stack", "dev", *ROUND).exit_code == 0

    assert read == [str(project / "stacks" / "m.onnx")]


def test_the_whole_way_from_a_spec_to_prod(project, live, run_command):
    (project / "junit.xml").write_text('<testsuite tests="2" failures="0" errors="0"/>')
    (project / "stacks" / "releases" / "policy.yaml").write_text(
        "stacks: {prod: {promote_from: dev, evidence: [tests], bake_seconds: 3600}}"
    )
    evidence = ["--evidence", "tests=junit.xml"]
    assert run_command(release, "fraud", "--stack", "dev", *ROUND, *evidence).exit_code == 0

    result = run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND)

    assert result.exit_code == 0
    (first,), (second,) = records(project, "dev"), records(project, "prod")
    before, after = json.loads(first.read_text()), json.loads(second.read_text())
    assert {key: before[key] for key in ("image", "models", "spec", "plans")} == {
        key: after[key] for key in ("image", "models", "spec", "plans")
    }
    assert after["promoted_from"]["stack"] == "dev"
    assert after["promoted_from"]["id"].startswith(f"sha256:{first.stem[5:]}")
    assert [each["kind"] for each in after["evidence"]] == ["bake", "tests"]
    kept = project / "stacks" / "releases" / "evidence"
    assert sorted(f"sha256:{each.stem}" for each in kept.iterdir()) == sorted(
        each["sha256"] for each in after["evidence"]
    )
    assert "│ bake" in result.stdout
    assert "FAIL" not in result.stdout

    again = run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND)
    assert again.exit_code == 1
    assert f"{second.stem} of prod says the same already" in again.stdout
    assert records(project, "prod") == [second]


def test_a_refused_promotion_prints_every_rule_writes_nothing_and_can_be_run_again(
    project, live, run_command
):
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    quiet = live["fraud-dev"]
    live["fraud-dev"] = Live(
        **{**quiet.__dict__, "alarms": (LiveAlarm("fraud-dev-cpu", "ALARM", "95 %"),)}
    )

    refused = run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND, "--json")

    assert refused.exit_code == 1
    printed = json.loads(refused.stdout)
    assert printed["recorded"] is None
    assert [rule for rule in printed["rules"] if not rule["passed"]] == [
        {"name": "alarms", "passed": False, "found": "fraud-dev-cpu fires: 95 %"}
    ]
    assert len(printed["rules"]) == 13
    assert refused.stderr == "fraud is not promoted to prod; nothing was written\n"
    assert not (project / "stacks" / "releases" / "prod").exists()

    live["fraud-dev"] = quiet
    assert run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND).exit_code == 0


def test_a_changed_model_is_not_promoted(project, live, run_command):
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    write_model(project / "stacks" / "m.onnx", doc="another one")

    refused = run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND)

    assert refused.exit_code == 1
    (model,) = [line for line in refused.stdout.splitlines() if "│ model digest " in line]
    assert "│ FAIL    │ primary: recorded sha256:" in model


def test_a_stack_without_records_cannot_be_promoted_from(project, live, run_command):
    refused = run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND)

    assert refused.exit_code == 1
    assert "dev has no record of fraud; run `modelway release` for it first" in refused.stdout


def test_checking_needs_no_key_and_writes_nothing(project, live, run_command, monkeypatch):
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    monkeypatch.delenv("MODELWAY_RELEASE_KEY")

    checked = run_command(promote, "fraud", "--from", "dev", "--to", "prod", "--check", *ROUND)

    assert checked.exit_code == 0
    assert records(project, "prod") == []


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "no key was given. Give --key KEY.pem, or set MODELWAY_RELEASE_KEY"),
        ("none.pem", "reading the signing key none.pem: No such file or directory"),
        ("other.pem", "the key is not one of those that are trusted in stacks/releases/keys"),
    ],
)
def test_a_key_that_would_not_count_is_refused_before_anything_is_written(
    project, run_command, monkeypatch, key, message
):
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (project / "other.pem").write_bytes(pem)
    if key is None:
        monkeypatch.delenv("MODELWAY_RELEASE_KEY")
    else:
        monkeypatch.setenv("MODELWAY_RELEASE_KEY", key)

    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert isinstance(result.exception, PromotionError)
    assert message in str(result.exception)
    assert not (project / "stacks" / "releases" / "dev").exists()


def test_the_policy_says_whose_key_a_stack_takes(project, run_command):
    (project / "stacks" / "releases" / "policy.yaml").write_text("stacks: {dev: {signers: [lead]}}")

    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert "the key is ci's, and the policy allows lead." in str(result.exception)


def test_a_spec_without_an_image_is_not_released(project, run_command):
    spec = project / "stacks" / "specs" / "fraud.yaml"
    spec.write_text(SPEC.replace(f"image: {IMAGE}\n", ""))

    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert isinstance(result.exception, SpecError)
    assert "image" in str(result.exception)

    spec.write_text("name: fraud\nmodel: {path: ../m.onnx}\n")
    local = run_command(release, "fraud", "--stack", "local", *ROUND)
    assert "the spec names no image, and a release is named by digests" in str(local.exception)


def test_an_environment_with_another_image_is_not_released(project, run_command):
    spec = project / "stacks" / "specs" / "fraud.yaml"
    spec.write_text(SPEC + f"    image: {IMAGE.replace('a' * 64, 'b' * 64)}\n")

    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert result.exit_code == 1
    assert f"dev differs: prod has sha256:{'b' * 64} and sha256:" in result.stdout
    assert not (project / "stacks" / "releases" / "dev").exists()


def test_a_problem_of_several_stacks_is_told_once_with_their_names(project, run_command):
    spec = project / "stacks" / "specs" / "fraud.yaml"
    more_in_prod = SPEC.replace("min_instances: 2", "max_instances: 3")
    spec.write_text(more_in_prod + "serving: {instance_type: ml.none.large}\n")

    result = run_command(release, "fraud", "--stack", "dev", *ROUND)

    assert isinstance(result.exception, SpecError)
    instance_type, target = str(result.exception).splitlines()
    assert instance_type.startswith("serving.instance_type: is not an instance type that SageMaker")
    assert "(in dev, prod)" in instance_type
    assert target.startswith("scaling.target_invocations_per_instance_per_minute: is missing:")
    assert "(in prod)" in target


def test_evidence_may_speak_of_the_package_that_the_model_lies_in(project, run_command):
    manifest = b'{"schema":"modelway.package/1"}\n'
    (project / "stacks" / "package.json").write_bytes(manifest)
    package = "sha256:" + hashlib.sha256(manifest).hexdigest()
    parity = project / "parity.json"
    parity.write_text(json.dumps({"outcome": "passed", "subject": package}))
    evidence = ["--evidence", "parity=parity.json"]

    assert run_command(release, "fraud", "--stack", "dev", *ROUND, *evidence).exit_code == 0
    parity.write_text(json.dumps({"outcome": "passed", "subject": f"sha256:{'9' * 64}"}))
    refused = run_command(release, "fraud", "--stack", "dev", *ROUND, *evidence)
    assert "which is not in this release" in str(refused.exception)


def test_a_name_that_no_spec_has_is_refused_with_those_that_there_are(project, run_command):
    result = run_command(release, "froud", "--stack", "dev", *ROUND)

    assert "looking for the spec of froud: none has this name." in str(result.exception)
    assert "fraud (stacks/specs/fraud.yaml)" in str(result.exception)


def test_releases_are_listed_with_what_is_live(project, live, run_command):
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    run_command(promote, "fraud", "--from", "dev", "--to", "prod", *ROUND)

    listed = run_command(releases, "--json")

    rows = json.loads(listed.stdout)["releases"]
    assert [(row["stack"], row["release"][:4], row["origin"], row["live"]) for row in rows] == [
        ("dev", "0001", "spec", "live"),
        ("prod", "0001", "dev 0001", ""),
    ]
    assert rows[0]["signed by"] == ["ci"]
    only = json.loads(run_command(releases, "fraud", "--stack", "prod", "--json").stdout)
    assert [row["stack"] for row in only["releases"]] == ["prod"]
    assert list(rows[0]["models"]) == ["primary"]
    assert rows[0]["image"] == f"sha256:{'a' * 64}"
    (line,) = [line for line in run_command(releases).stdout.splitlines() if "dev 0001" in line]
    assert line.startswith(f"│ prod  │ fraud │ {rows[1]['release']} │ aaaaaaaaaaaa │ ")


def test_where_aws_cannot_be_asked_releases_are_still_listed(project, run_command, monkeypatch):
    run_command(release, "fraud", "--stack", "dev", *ROUND)

    def unreachable(_endpoint, _region):
        raise DeploymentError("showing endpoint fraud-dev: no credentials")

    monkeypatch.setattr("modelway.promotion.live.read_live", unreachable)

    listed = run_command(releases, "--json")

    assert listed.exit_code == 0
    assert json.loads(listed.stdout)["releases"][0]["live"] == "?"
    assert listed.stderr == "note: showing endpoint fraud-dev: no credentials\n"
    assert run_command(releases, "--offline").stderr == ""


def test_records_that_were_edited_are_told_and_fail_the_listing(project, run_command):
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    (path,) = records(project, "dev")
    path.write_text(path.read_text().replace("ada@", "eve@"))

    listed = run_command(releases, "--offline")

    assert listed.exit_code == 1
    assert f"not as modelway wrote it: stacks/releases/dev/fraud/{path.name}: was edited" in (
        listed.stderr
    )


def test_without_records_the_folder_is_named(project, run_command):
    listed = run_command(releases)

    assert listed.exit_code == 0
    assert listed.stderr == "no release records in stacks/releases\n"


def test_the_plan_says_whether_the_stack_has_records(project, run_command):
    spec = str(Path("stacks/specs/fraud.yaml"))
    assert "fraud in dev: no release records, the spec is deployed as is" in (
        run_command(plan, spec, "--env", "dev").stdout
    )
    run_command(release, "fraud", "--stack", "dev", *ROUND)
    (path,) = records(project, "dev")
    said = f"fraud in dev: release {path.stem}, approved by ada@example.com"

    assert said in run_command(plan, spec, "--env", "dev").stdout
    assert json.loads(run_command(plan, spec, "--env", "dev", "--json").stdout)["release"] == said

    write_model(project / "stacks" / "m.onnx", doc="another one")
    refused = run_command(plan, spec, "--env", "dev")
    assert refused.exit_code == 0
    assert "fraud in dev: not what the release records say" in refused.stdout
    assert "not ready to deploy: deploying fraud in dev: release 0001-" in refused.stderr
    assert "models.primary: the record says sha256:" in refused.stderr

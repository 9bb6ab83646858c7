"""`modelway rollback` in a stack with release records; the stack's answers are given."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from modelway.cli.rollback import rollback
from modelway.errors import DeploymentError, PromotionError
from modelway.promotion.ledger import append, read_ledger
from modelway.promotion.record import ReleaseRecord, canonical
from modelway.promotion.release import rollback_digest
from modelway.promotion.signing import sign, trusted_keys

GO = ["--stack", "prod", "--approver", "ada@example.com", "--key", "key.pem", "--write-only"]


def digest(letter):
    return f"sha256:{letter * 64}"


def content(letter):
    model = {
        "image": f"r@{digest(letter)}",
        "model_data_url": f"s3://b/models/fraud/{'1' * 64}/model.tar.gz",
        "environment": {},
        "execution_role_arn": "arn:aws:iam::123456789012:role/x",
        "enable_network_isolation": True,
    }
    variant = {
        "name": "primary",
        "model": "primary",
        "instance_type": "ml.m5.large",
        "initial_instance_count": 1,
        "initial_weight": 1.0,
    }
    return {"models": {"primary": model}, "variants": [variant]}


class Stack:
    """A stack that serves the second version; the first is kept."""

    def __init__(self, folder):
        self.program_folder = folder
        self.wanted = "fraud-prod-2"
        self.live = {
            "endpoint_name": "fraud-prod",
            "owner": "o/p/prod",
            "endpoint_config_name": "fraud-prod-2",
            "model_names": [],
            "history_limit": 3,
            "timeout_seconds": 600,
            "history": [
                {
                    "endpoint_config_name": "fraud-prod-1",
                    "model_names": [],
                    "content": content("a"),
                }
            ],
            **content("b"),
        }

    def environment_name(self):
        return "prod"

    def endpoint(self, _name):
        return self.live

    def wanted_config_name(self, _name):
        return self.wanted


@pytest.fixture
def stack(tmp_path, monkeypatch):
    (tmp_path / "Pulumi.yaml").write_text("name: fraud\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    opened = Stack(tmp_path)
    monkeypatch.setattr("modelway.cli.rollback._opened", lambda *_arguments: opened)
    return opened


@pytest.fixture
def key(stack, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "releases" / "keys").mkdir(parents=True)
    (tmp_path / "releases" / "keys" / "ci.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return key


@pytest.fixture
def ledger(tmp_path, key):
    """Read the records of the stack; at first there are two, of the two versions."""
    folder = tmp_path / "releases"

    def read():
        return read_ledger(folder, "prod", "fraud", trusted_keys(folder / "keys"))

    for number, letter in enumerate("ab", 1):
        before = read()
        record = ReleaseRecord.model_validate(
            {
                "schema": "modelway.release/1",
                "stack": "prod",
                "model": "fraud",
                "number": number,
                "previous": before.newest and before.newest.id,
                "image": digest(letter),
                "models": {"primary": digest("1")},
                "spec": digest(str(number + 4)),
                "plans": {"prod": digest(str(number + 6))},
                "tools": {"modelway": "0.1.0", "pulumi": "3.272.0", "server": "0.1.0"},
                "evidence": [],
                "approver": "ada@example.com",
                "promoted_from": None,
                "rollback": None,
                "created_at": "2026-11-28T10:00:00Z",
            }
        )
        append(before, record, sign(canonical(record), key))
    return read


def file_of(folder):
    return folder / "rollbacks" / "prod" / "fraud.json"


def test_without_records_only_the_rollback_file_is_written(stack, tmp_path, run_command):
    result = run_command(rollback, "fraud", "--stack", "prod", "--write-only")

    assert result.exit_code == 0
    assert json.loads(file_of(tmp_path).read_text())["back_to"] == "fraud-prod-1"
    assert not (tmp_path / "releases").exists()


def test_with_records_a_new_record_points_back_to_the_earlier_one(ledger, tmp_path, run_command):
    result = run_command(rollback, "fraud", *GO)

    assert result.exit_code == 0
    first, second, third = ledger().verified().entries
    written = json.loads(file_of(tmp_path).read_text())
    assert third.record.image == digest("a")
    assert third.record.spec == second.record.spec
    assert third.record.rollback.to == first.id
    assert third.record.rollback.content == rollback_digest(written)
    assert written["instead_of"] == "fraud-prod-2"
    assert f"recorded as {third.path.relative_to(tmp_path)}; commit it" in result.stderr


def test_going_forward_again_is_a_record_too_and_ends_the_rollback_file(
    ledger, stack, tmp_path, run_command
):
    run_command(rollback, "fraud", *GO)
    live = stack.live
    stack.wanted = "fraud-prod-1"
    stack.live = live | {
        "endpoint_config_name": "fraud-prod-1",
        "history": [
            {
                "endpoint_config_name": "fraud-prod-2",
                "model_names": [],
                "content": content("b"),
            }
        ],
    }

    result = run_command(rollback, "fraud", *GO)

    assert result.exit_code == 0
    _first, second, _third, fourth = ledger().verified().entries
    assert fourth.record.rollback.to == second.id
    assert fourth.record.rollback.content is None
    assert fourth.record.image == digest("b")
    assert not file_of(tmp_path).exists()


def test_what_the_spec_leads_to_needs_no_way_back(ledger, stack, run_command):
    stack.wanted = "fraud-prod-1"

    result = run_command(rollback, "fraud", *GO)

    assert isinstance(result.exception, DeploymentError)
    assert "Nothing is to be done but `pulumi up`." in str(result.exception)
    assert len(ledger().entries) == 2


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("stacks: {prod: {approvers: [lead@example.com]}}", "approver: ada@example.com; allowed"),
        (f"blocked: {{'{digest('a')}': CVE}}", f"not blocked: {digest('a')}: CVE"),
        ("stacks: {prod: {signers: [lead]}}", "the policy allows lead"),
    ],
)
def test_what_the_policy_refuses_writes_neither_record_nor_file(
    ledger, tmp_path, run_command, policy, message
):
    (tmp_path / "releases" / "policy.yaml").write_text(policy)

    result = run_command(rollback, "fraud", *GO)

    assert isinstance(result.exception, PromotionError)
    assert message in str(result.exception)
    assert not file_of(tmp_path).exists()
    assert len(ledger().entries) == 2


def test_records_that_were_edited_stop_a_rollback(ledger, tmp_path, run_command):
    path = ledger().newest.path
    path.write_text(path.read_text().replace("ada@", "eve@"))

    result = run_command(rollback, "fraud", *GO)

    assert "was edited" in str(result.exception)
    assert not file_of(tmp_path).exists()

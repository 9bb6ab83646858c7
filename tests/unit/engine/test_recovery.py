import json
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelway.engine import RepairAction, diagnose, repair
from modelway.errors import EngineError, StackLocked

URN = "urn:pulumi:dev::tiny::a:b:C::name"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A backend with stack tiny/dev, in which a creation is pending."""
    latest = {
        "resources": [{"urn": "kept"}],
        "pending_operations": [{"resource": {"urn": URN}, "type": "creating"}],
    }
    file = tmp_path / ".pulumi" / "stacks" / "tiny" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return tmp_path


def add_lock(root: Path, stack: str, hostname: str | None = None) -> Path:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    file = root / ".pulumi" / "locks" / "organization" / stack / "id.json"
    file.parent.mkdir(parents=True)
    content = {
        "pid": process.pid,
        "username": "ann",
        "hostname": socket.gethostname() if hostname is None else hostname,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    file.write_text(json.dumps(content))
    return file


def test_a_pending_operation_is_settled_though_the_lock_is_gone_already(root):
    [condition] = diagnose(root.as_uri())

    assert condition.needs_repair
    assert repair(root.as_uri()) == [
        RepairAction(
            "organization/tiny/dev",
            "settled-operation",
            f"creating {URN}",
            "forgotten: it may exist without being in the state. modelway's own resources are "
            "adopted by the next `pulumi up`; anything else can be taken in with `pulumi import`",
        )
    ]
    assert not diagnose(root.as_uri())[0].needs_repair
    assert list((root / ".pulumi" / "locks").rglob("*.json")) == []


def test_a_dead_engines_lock_is_removed_last(root):
    file = add_lock(root, "tiny/dev")

    actions = repair(root.as_uri(), "tiny/dev")

    assert [action.action for action in actions] == ["settled-operation", "removed-lock"]
    assert not file.exists()


def test_a_pending_creation_is_named_as_it_may_exist_outside(root):
    (file,) = (root / ".pulumi/stacks").rglob("dev.json")
    document = json.loads(file.read_text())
    (pending,) = document["checkpoint"]["latest"]["pending_operations"]
    pending["resource"]["inputs"] = {"bucket": "models-1a2b3c4"}
    file.write_text(json.dumps(document))

    (action,) = repair(root.as_uri(), "tiny/dev")

    assert action.detail.endswith("`pulumi import`; its name would be models-1a2b3c4")


def test_a_stack_that_may_be_in_use_is_refused_by_name_and_passed_over_otherwise(root):
    file = add_lock(root, "tiny/dev", hostname="elsewhere")

    with pytest.raises(StackLocked, match="elsewhere"):
        repair(root.as_uri(), "dev")

    assert repair(root.as_uri()) == []
    assert file.exists()
    assert len(diagnose(root.as_uri())[0].pending) == 1


def test_an_unknown_stack_is_refused_with_those_that_there_are(root):
    with pytest.raises(EngineError, match=r"there is none; it has: organization/tiny/dev"):
        diagnose(root.as_uri(), "prod")


def test_a_name_of_several_stacks_is_refused(root):
    add_lock(root, "other/dev")

    with pytest.raises(EngineError, match="several have that name"):
        diagnose(root.as_uri(), "dev")

    assert diagnose(root.as_uri(), "other/dev")[0].stack == "organization/other/dev"

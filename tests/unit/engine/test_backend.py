import gzip
import json
from pathlib import Path

import pytest

from modelway.engine.backend import FileBackend, PendingOperation, configured_backend
from modelway.errors import EngineError

URN = "urn:pulumi:dev::tiny::a:b:C::name"


def state(*pending: tuple[str, str]) -> dict:
    latest = {"manifest": {"time": "t"}, "resources": [{"urn": "kept"}], "metadata": {}}
    if pending:
        latest["pending_operations"] = [
            {"resource": {"urn": urn, "inputs": {"secret": "cipher"}}, "type": kind}
            for kind, urn in pending
        ]
    return {"version": 3, "checkpoint": {"stack": "organization/tiny/dev", "latest": latest}}


def write_state(root: Path, document: object, name: str = "tiny/dev.json") -> Path:
    file = root / ".pulumi" / "stacks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(document).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def test_the_urls_of_file_backends_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    assert FileBackend.from_url("file:///srv/a%20b").root == Path("/srv/a b")
    assert FileBackend.from_url("file:///srv/x?no_tmp_dir=true").root == Path("/srv/x")
    assert FileBackend.from_url("file://~/state").root == tmp_path / "home" / "state"
    assert FileBackend.from_url("file://~").root == tmp_path / "home"
    assert FileBackend.from_url("file://./state").root == tmp_path / "state"


@pytest.mark.parametrize("url", ["s3://bucket", "https://api.example", "/srv/state", ""])
def test_another_kind_of_backend_is_refused_with_the_way_out(url):
    with pytest.raises(EngineError, match="pulumi cancel"):
        FileBackend.from_url(url)


def test_stacks_are_those_with_a_state_or_a_lock(tmp_path):
    write_state(tmp_path, state())
    write_state(tmp_path, state(), "tiny/prod.json.gz")
    write_state(tmp_path, state(), "tiny/dev.json.bak")
    write_state(tmp_path, state(), "tiny/dev.json.attrs")
    write_state(tmp_path, state(), "old.json")
    lock = tmp_path / ".pulumi" / "locks" / "organization" / "tiny" / "new" / "id.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")

    assert FileBackend(tmp_path).stacks() == [
        "old",
        "organization/tiny/dev",
        "organization/tiny/new",
        "organization/tiny/prod",
    ]


@pytest.mark.parametrize("name", ["tiny/dev.json", "tiny/dev.json.gz"])
def test_pending_operations_are_dropped_and_all_else_is_kept(tmp_path, name):
    file = write_state(tmp_path, state(("creating", URN), ("deleting", "other")), name)
    before = file.read_bytes()
    file.with_name(f"{file.name}.attrs").write_text("{}")
    backend = FileBackend(tmp_path)

    listed = backend.pending_operations("organization/tiny/dev")
    backend.drop_pending_operations("organization/tiny/dev")

    data = file.read_bytes()
    document = json.loads(gzip.decompress(data) if name.endswith("gz") else data)
    [backup] = (tmp_path / ".pulumi" / "backups" / "tiny" / "dev").iterdir()
    assert listed == (PendingOperation("creating", URN), PendingOperation("deleting", "other"))
    assert document == state()
    assert backend.pending_operations("organization/tiny/dev") == ()
    assert backup.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_state_without_pending_operations_is_not_written(tmp_path):
    file = write_state(tmp_path, state())
    before = file.stat().st_mtime_ns

    FileBackend(tmp_path).drop_pending_operations("organization/tiny/dev")

    assert file.stat().st_mtime_ns == before
    assert not (tmp_path / ".pulumi" / "backups").exists()


def test_a_stack_that_was_never_updated_has_nothing_pending(tmp_path):
    write_state(tmp_path, {"version": 3, "checkpoint": {"stack": "s"}})

    assert FileBackend(tmp_path).pending_operations("organization/tiny/dev") == ()
    assert FileBackend(tmp_path).pending_operations("organization/tiny/none") == ()


@pytest.mark.parametrize(
    ("document", "reason"),
    [({"version": 4}, "version is not 3"), ([], "version is not 3"), ({"version": 3}, "backups")],
)
def test_a_state_of_another_kind_is_refused(tmp_path, document, reason):
    write_state(tmp_path, document)

    with pytest.raises(EngineError, match=reason):
        FileBackend(tmp_path).pending_operations("organization/tiny/dev")


def test_a_truncated_state_is_refused_by_its_path(tmp_path):
    file = write_state(tmp_path, state())
    file.write_text('{"version": 3, "check')

    with pytest.raises(EngineError, match=r"tiny/dev\.json"):
        FileBackend(tmp_path).pending_operations("organization/tiny/dev")


def test_the_backend_is_the_one_that_pulumi_would_use(tmp_path):
    (tmp_path / "project" / "below").mkdir(parents=True)
    (tmp_path / "home" / ".pulumi").mkdir(parents=True)
    (tmp_path / "project" / "Pulumi.yaml").write_text("name: x\nbackend:\n  url: file://./p\n")
    (tmp_path / "home" / ".pulumi" / "credentials.json").write_text('{"current": "file:///c"}')
    home = {"HOME": str(tmp_path / "home")}
    below = tmp_path / "project" / "below"

    assert configured_backend(home | {"PULUMI_BACKEND_URL": "file:///v"}, below) == "file:///v"
    assert configured_backend(home, below) == "file://./p"
    assert configured_backend(home, tmp_path) == "file:///c"
    assert configured_backend({"HOME": str(tmp_path)}, tmp_path) is None

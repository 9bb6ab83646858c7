"""What modelway packages and signs is what the model server loads, and both refuse the same.

The two never import each other; model-signing's own verifier is the third opinion.
"""

import json
import shutil

import pytest

from model_server.core.artifact import inspect
from model_server.core.errors import ModelUnusable
from model_server.core.model import load_model
from modelway.errors import PackageError
from modelway.package.assemble import make_package
from modelway.package.keys import read_private_key
from modelway.package.packing import pack_package
from modelway.package.request import PackageRequest
from modelway.package.signing import sign_package
from modelway.package.unpacking import open_archive
from modelway.package.verify import verify_package
from onnx_models import refers_to
from packages import (
    WEIGHTS,
    accepted_by_model_signing,
    change_byte,
    edit_manifest,
    saved,
    sign,
    write_keys,
    write_manifest,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    """A package of an ONNX file with external data, made and signed by modelway."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/w.bin").write_bytes(WEIGHTS)
    saved(refers_to("weights/w.bin"), tmp_path / "fraud.onnx")
    request = PackageRequest(source=tmp_path / "fraud.onnx", name="fraud", version="1")
    folder = make_package(request, tmp_path / "fraud-1").folder
    sign_package(folder, read_private_key(keys[0], None))
    return folder


def accepted_by_modelway(folder, public):
    try:
        verify_package(folder, [public])
    except PackageError:
        return False
    return True


def accepted_by_the_server(folder, public):
    try:
        load_model(inspect(folder, str(public)), 1)
    except ModelUnusable:
        return False
    return True


def opinions(folder, public):
    return (
        accepted_by_modelway(folder, public),
        accepted_by_the_server(folder, public),
        accepted_by_model_signing(folder, public),
    )


def test_all_three_accept_what_modelway_made_and_signed(package, keys):
    assert opinions(package, keys[1]) == (True, True, True)


def test_all_three_accept_it_after_a_way_through_an_archive(package, keys, tmp_path):
    pack_package(package, tmp_path / "model.tar.gz")
    open_archive(tmp_path / "model.tar.gz", tmp_path / "unpacked")

    assert opinions(tmp_path / "unpacked", keys[1]) == (True, True, True)


def test_all_three_accept_what_model_signing_signed(package, keys):
    (package / "model.sig").unlink()
    sign(package, keys[0])

    assert opinions(package, keys[1]) == (True, True, True)


def replaced_by_a_link(path):
    moved = path.parents[1] / "moved"
    shutil.move(path, moved)
    path.symlink_to(moved)


def changed_payload(folder):
    bundle = json.loads((folder / "model.sig").read_text())
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = payload[:40] + payload[41:44] + "A" + payload[44:]
    (folder / "model.sig").write_text(json.dumps(bundle))


def without(folder, name):
    (folder / name).unlink()


TAMPERINGS = {
    "a changed byte of the model": lambda folder: change_byte(folder / "model.onnx"),
    "a changed byte of the weights": lambda folder: change_byte(folder / "weights/w.bin"),
    "a changed byte of the card": lambda folder: change_byte(folder / "MODEL_CARD.md"),
    "a changed manifest": lambda folder: edit_manifest(folder, lambda it: it.update(version="2")),
    "a changed file and manifest": lambda folder: (
        change_byte(folder / "weights/w.bin"),
        write_manifest(folder),
    ),
    "a missing model": lambda folder: without(folder, "model.onnx"),
    "missing weights": lambda folder: without(folder, "weights/w.bin"),
    "a missing manifest": lambda folder: without(folder, "package.json"),
    "no signature": lambda folder: without(folder, "model.sig"),
    "an empty signature": lambda folder: (folder / "model.sig").write_text(""),
    "a changed signature": changed_payload,
    "an extra file": lambda folder: (folder / "extra.bin").write_text("x"),
    "an extra model": lambda folder: (folder / "other.onnx").write_text("x"),
    "an extra file among the weights": lambda folder: (folder / "weights/x").write_text("x"),
    "a linked model": lambda folder: replaced_by_a_link(folder / "model.onnx"),
    "a linked card": lambda folder: replaced_by_a_link(folder / "MODEL_CARD.md"),
    "a linked folder": lambda folder: replaced_by_a_link(folder / "weights"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_all_three_refuse_what_was_tampered_with(package, keys, name):
    TAMPERINGS[name](package)

    assert opinions(package, keys[1]) == (False, False, False)


def test_all_three_refuse_another_key(package, tmp_path):
    others = write_keys(tmp_path / "others")

    assert opinions(package, others[1]) == (False, False, False)


LIES = {
    "weights outside": lambda folder: saved(refers_to("../w.bin"), folder / "model.onnx"),
    "weights that are absent": lambda folder: saved(refers_to("w.bin"), folder / "model.onnx"),
    "a path that leaves": lambda manifest: manifest["files"][0].update(path="../x"),
    "an absolute path": lambda manifest: manifest["files"][0].update(path="/etc/passwd"),
    "another order": lambda manifest: manifest["files"].reverse(),
    "a file twice": lambda manifest: manifest["files"].append(manifest["files"][-1]),
    "a file that is not listed": lambda manifest: manifest["files"].pop(),
}


@pytest.mark.parametrize("name", LIES)
def test_both_refuse_lies_that_were_signed(package, keys, name):
    """model-signing cannot know: it signs whatever lies there."""
    if name.startswith("weights"):
        LIES[name](package)
        write_manifest(package)
    else:
        edit_manifest(package, LIES[name])
    (package / "model.sig").unlink()
    sign(package, keys[0])

    assert opinions(package, keys[1]) == (False, False, True)


def test_both_refuse_a_manifest_in_another_form_though_it_is_signed(package, keys):
    manifest = package / "package.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()), indent=2))
    (package / "model.sig").unlink()
    sign(package, keys[0])

    assert opinions(package, keys[1]) == (False, False, True)


def test_a_manifest_with_everything_is_canonical_to_both(tmp_path, keys):
    """Numbers and letters that are written in several ways elsewhere."""
    saved(refers_to("w.bin"), tmp_path / "fraud.onnx")
    (tmp_path / "w.bin").write_bytes(WEIGHTS)
    request = PackageRequest(
        source=tmp_path / "fraud.onnx",
        name="fraud",
        version="1 \u00fc <b> \U0001f600",
        licence="Apache-2.0",
        metrics={"auc": 0.1 + 0.2, "rows": 1e22, "loss": 5e-324, "zero": -0.0, "f1": 1.0},
        training_job='say "hello" \\ \u2028 there',
    )
    folder = make_package(request, tmp_path / "fraud-1").folder
    sign_package(folder, read_private_key(keys[0], None))

    assert opinions(folder, keys[1]) == (True, True, True)

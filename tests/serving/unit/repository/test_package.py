"""Packages are checked before they are loaded, and with trusted keys nothing else is loaded.

Signed with model-signing's own interface; each tampering is shown to its own verifier too.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from model_server.core.artifact import inspect
from model_server.core.errors import ModelUnusable
from model_server.core.model import load_model
from onnx_models import in_a_subgraph, plain, refers_to, two_locations, unmarked
from package_refusals import refused_by_server as refused
from packages import (
    accepted_by_model_signing,
    as_bytes,
    change_byte,
    edit_manifest,
    saved,
    sign,
    sign_again,
    write_keys,
    write_manifest,
    write_package,
    write_signed_package,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    return write_signed_package(tmp_path / "model", keys[0])


@pytest.fixture
def loads(monkeypatch):
    """Files that onnxruntime was given."""
    from model_server.core import model

    given = []
    original = model.open_session

    def remembered(path, *more):
        given.append(path.name)
        return original(path, *more)

    monkeypatch.setattr(model, "open_session", remembered)
    return given


@pytest.fixture
def opened():
    """Names of files that Python opens while the test looks."""
    names, active = [], [True]

    def hook(event, arguments):
        if active[0] and event == "open":
            names.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield names
    active[0] = False


def load(folder, trusted):
    return load_model(inspect(folder, str(trusted)), 1)


def test_the_packages_digest_and_the_key_are_told(package, keys):
    bundle = json.loads((package / "model.sig").read_text())

    found = inspect(package, str(keys[1])).package

    assert found.key_id == bundle["verificationMaterial"]["publicKey"]["hint"]
    assert found.digest.startswith("sha256:")


def test_the_digest_of_a_packaged_model_is_that_of_the_model_alone(package, keys, tmp_path):
    alone = tmp_path / "alone"
    (alone / "weights").mkdir(parents=True)
    for name in ("model.onnx", "weights/w.bin"):
        shutil.copy(package / name, alone / name)

    assert inspect(package, str(keys[1])).digest == inspect(alone).digest


def test_each_file_is_read_for_its_hash_once(package, keys, monkeypatch):
    from model_server.core import artifact
    from model_server.core import package as checked

    hashed = []
    original = checked.hash_of

    def remembered(descriptor):
        hashed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        return original(descriptor)

    monkeypatch.setattr(checked, "hash_of", remembered)
    monkeypatch.setattr(artifact, "hash_of", remembered)

    inspect(package, str(keys[1]))

    assert sorted(name.removeprefix(f"{package}/") for name in hashed) == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "weights/w.bin",
    ]


def test_only_files_of_the_manifest_are_opened(package, keys, opened):
    load(package, keys[1])

    inside = {name.removeprefix(f"{package}/") for name in opened if str(package) in name}
    assert inside == {
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "model.sig",
        "package.json",
        "weights/w.bin",
    }


def test_of_an_unsigned_package_nothing_is_read_but_the_manifest(package, keys, opened):
    (package / "model.sig").unlink()

    refused(package, keys[1])

    inside = [name.removeprefix(f"{package}/") for name in opened if str(package) in name]
    assert inside == ["package.json", "model.sig"]


def test_evidence_may_be_added_after_signing(package, keys):
    (package / "evidence/rehearsal.json").write_text("{}")

    assert load(package, keys[1])


@pytest.mark.parametrize(
    "path", ["model.onnx", "weights/w.bin", "MODEL_CARD.md", "environment.txt"]
)
def test_a_changed_byte_is_refused(package, keys, path):
    change_byte(package / path)

    assert f"{path!r} was changed" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_a_changed_manifest_is_refused(package, keys):
    edit_manifest(package, lambda manifest: manifest.update(version="2"))

    assert "another 'package.json' was signed" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_a_changed_file_with_a_manifest_to_match_is_refused(package, keys):
    change_byte(package / "weights/w.bin")
    write_manifest(package)

    message = refused(package, keys[1])

    assert "another 'package.json' was signed; another 'weights/w.bin' was signed" in message


def test_a_longer_file_is_refused(package, keys):
    with (package / "weights/w.bin").open("ab") as file:
        file.write(b"x")

    assert "'weights/w.bin' has 49 bytes, and was packaged with 48" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize("path", ["model.onnx", "weights/w.bin", "MODEL_CARD.md"])
def test_a_missing_file_is_refused(package, keys, path):
    (package / path).unlink()

    assert f"{path!r} is missing" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize(
    "path", ["other.onnx", "input_rules.json", ".hidden", "weights/x", "evidence/x.bin"]
)
def test_an_extra_file_is_refused(package, keys, path):
    (package / path).write_bytes(b"{}")

    assert f"{path!r} is not in the manifest" in refused(package, keys[1])


def test_a_folder_that_is_no_package_is_refused_with_keys(save, linear_model, keys):
    folder = save(linear_model(1))

    assert "has no package.json; with MODEL_SERVER_TRUSTED_KEYS only signed packages" in (
        refused(folder, keys[1])
    )
    assert "the model is a file" in refused(folder / "model.onnx", keys[1])


@pytest.mark.parametrize("path", ["model.onnx", "MODEL_CARD.md", "weights/w.bin", "weights"])
def test_a_link_is_refused(package, keys, tmp_path, path):
    shutil.move(package / path, tmp_path / "moved")
    (package / path).symlink_to(tmp_path / "moved")

    assert f"{path!r} is a link" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


@pytest.mark.parametrize("name", ["model.sig", "package.json"])
def test_a_link_in_place_of_manifest_or_signature_is_refused(package, keys, tmp_path, name):
    shutil.move(package / name, tmp_path / "moved")
    (package / name).symlink_to(tmp_path / "moved")

    assert f"{name} could not be read" in refused(package, keys[1])


def test_a_link_within_the_folder_is_refused(package, keys):
    (package / "evidence/x.json").symlink_to("parity.json")

    assert "'evidence/x.json' is a link" in refused(package, keys[1])


def test_a_pipe_is_refused_and_not_waited_for(package, keys):
    (package / "MODEL_CARD.md").unlink()
    os.mkfifo(package / "MODEL_CARD.md")

    assert "'MODEL_CARD.md' is no ordinary file" in refused(package, keys[1])


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../fraud.bin", "weights/../../x", "./model.onnx", "a//b", "a\\b"),
        *("", ".", "model.sig", "package.json", "evidence/x.json", "a\nb", 7, None),
    ],
)
def test_a_manifest_that_lists_what_is_no_content_is_refused(package, keys, path):
    edit_manifest(package, lambda manifest: manifest["files"][0].update(path=path))

    message = refused(*sign_again(package, keys))

    assert message.startswith(("package.json lists a file without", "package.json is no manifest"))


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["files"].append(manifest["files"][0]),
        lambda manifest: manifest["files"].reverse(),
        lambda manifest: manifest["files"][0].update(sha256="x"),
        lambda manifest: manifest["files"][0].update(size_bytes=-1),
        lambda manifest: manifest["files"][0].update(size_bytes=True),
        lambda manifest: manifest["files"][0].pop("sha256"),
        lambda manifest: manifest["model"].update(path="other.onnx"),
        lambda manifest: manifest["model"].update(path=["model.onnx"]),
        lambda manifest: manifest.update(schema="modelway.package/2"),
        lambda manifest: manifest.update(files=None),
        lambda manifest: manifest.pop("model"),
    ],
)
def test_a_manifest_that_is_not_well_formed_is_refused(package, keys, change):
    edit_manifest(package, change)

    assert refused(*sign_again(package, keys)).startswith("package.json ")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b":", b": "),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b'"name":', b'"name":"x","name":', 1),
        lambda text: text.replace(b'"fraud"', b'"\\u0066raud"', 1),
    ],
)
def test_a_manifest_in_another_form_is_refused(package, keys, change):
    manifest = package / "package.json"
    manifest.write_bytes(change(manifest.read_bytes()))

    assert "it is not in canonical form" in refused(*sign_again(package, keys))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (refers_to("../w.bin"), "leaves the model folder with '..'"),
        (refers_to("/etc/passwd"), "has an absolute path"),
        (in_a_subgraph("../w.bin"), "leaves the model folder with '..'"),
        (unmarked(), "leaves the model folder with '..'"),
        (two_locations(), "leaves the model folder with '..'"),
        (refers_to("evidence/parity.json"), "not in the package's manifest"),
        (refers_to("weights/x.bin"), "is missing"),
    ],
)
def test_weights_outside_the_package_are_refused(package, keys, model, reason):
    saved_bytes = as_bytes(model)
    (package / "model.onnx").write_bytes(saved_bytes)
    (package / "evidence/parity.json").write_bytes(bytes(48))
    write_manifest(package)

    assert reason in refused(*sign_again(package, keys))


def test_weights_with_a_second_name_are_refused(package, keys, tmp_path):
    os.link(package / "weights/w.bin", tmp_path / "second")

    assert "has another name, a hard link" in refused(package, keys[1])


def test_a_model_that_is_exchanged_after_the_check_is_not_loaded(package, keys, loads):
    artifact = inspect(package, str(keys[1]))
    other = package.parent / "other.onnx"
    saved(plain(), other)
    other.replace(package / "model.onnx")

    with pytest.raises(ModelUnusable, match=r"model\.onnx was changed while it was loaded"):
        load_model(artifact, 1)

    assert loads == []


def test_rules_that_appear_after_the_check_are_not_read(package, keys):
    artifact = inspect(package, str(keys[1]))
    (package / "input_rules.json").write_text('{"version": 1, "inputs": {"x": {"min": 5}}}')

    assert load_model(artifact, 1).rules is None


def test_rules_of_the_manifest_are_read(tmp_path, keys):
    rules = json.dumps({"version": 1, "inputs": {"x": {"min": 0}}}).encode()
    folder = write_package(tmp_path / "model", **{"input_rules.json": rules})
    sign(folder, keys[0])

    assert load(folder, keys[1]).rules is not None


def test_without_keys_a_package_needs_no_signature(package):
    (package / "model.sig").unlink()

    found = inspect(package)

    assert found.package.key_id is None
    assert load_model(found, 1).contract.inputs[0].name == "x"


def test_without_keys_a_packages_digests_are_checked_all_the_same(package):
    change_byte(package / "weights/w.bin")
    (package / "extra").write_text("x")

    message = refused(package, None)

    assert "'weights/w.bin' was changed" in message
    assert "'extra' is not in the manifest" in message


def test_without_keys_a_folder_need_not_be_a_package(save, linear_model):
    assert inspect(save(linear_model(1))).package is None

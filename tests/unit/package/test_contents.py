"""A package that is not what its manifest says is refused, with everything that differs."""

import json
import os
import tarfile

import pytest

from modelway.errors import ArtifactError, PackageError
from modelway.package import model_file, pack_artifact, read_artifact
from modelway.package.contents import check_package
from modelway.package.manifest import read_manifest
from modelway.spec import Model


@pytest.fixture
def folder(make):
    return make().folder


def refusal(folder):
    with pytest.raises(PackageError) as caught:
        check_package(folder)
    with pytest.raises(ArtifactError) as the_same:
        read_artifact(Model(path=str(folder)))
    assert str(the_same.value) == str(caught.value)
    return str(caught.value)


def edit(folder, **fields):
    """Edit the manifest, in canonical form."""
    path = folder / "package.json"
    document = json.loads(path.read_bytes()) | fields
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")


def test_a_changed_byte_is_found(folder):
    content = bytearray((folder / "model.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "model.onnx").write_bytes(content)

    assert "`model.onnx` was changed: its SHA-256 is " in refusal(folder)


def test_everything_that_differs_is_told_at_once(folder):
    (folder / "model.onnx").unlink()
    (folder / "environment.txt").write_text("numpy==1\n")
    (folder / "run.py").touch()
    (folder / "evidence").mkdir()
    (folder / "evidence/run.sh").touch()
    (folder / "MODEL_CARD.md").unlink()
    (folder / "MODEL_CARD.md").symlink_to("environment.txt")
    os.mkfifo(folder / "pipe")
    (folder / "line\nbreak").touch()

    message = refusal(folder)

    assert "`MODEL_CARD.md` is a symbolic link, and a package holds none" in message
    assert "`MODEL_CARD.md` is missing" in message
    assert "`environment.txt` has 9 bytes and the manifest says 0" in message
    assert "`model.onnx` is missing" in message
    assert "`evidence/run.sh` is not in the manifest" in message
    assert "`run.py` is not in the manifest" in message
    assert "`pipe` is no regular file" in message
    assert "'line\\nbreak' is no name that a package's file has" in message


def test_a_folder_that_is_a_link_is_found(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "evidence").symlink_to(tmp_path / "elsewhere")

    assert "`evidence` is a symbolic link" in refusal(folder)


def test_a_manifest_that_is_a_link_is_not_followed(folder):
    (folder / "package.json").rename(folder.parent / "package.json")
    (folder / "package.json").symlink_to("../package.json")

    assert "package.json of a package cannot be read: Too many levels of symbolic" in refusal(
        folder
    )


@pytest.mark.parametrize("path", ["../model.onnx", "/etc/passwd", "a/../model.onnx", "a\\b", "./a"])
def test_a_path_that_leads_out_is_refused(path, folder):
    files = json.loads((folder / "package.json").read_bytes())["files"]
    edit(folder, files=[*files, {"path": path, "sha256": "0" * 64, "size_bytes": 1}])

    message = refusal(folder)
    assert "which is no plain path inside the folder" in message


@pytest.mark.parametrize("path", ["package.json", "model.sig", "evidence/parity.json"])
def test_detached_files_cannot_be_content(path, folder):
    edit(folder, files=[{"path": path, "sha256": "0" * 64, "size_bytes": 1}])

    assert "is the manifest, evidence or the signature" in refusal(folder)


def test_a_manifest_in_another_form_was_edited(folder):
    path = folder / "package.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=2))

    assert "was edited: it is not in canonical form" in refusal(folder)


def test_every_problem_of_a_manifest_is_told(folder):
    edit(folder, schema="modelway.package/2", version="", author="me")

    message = refusal(folder)
    assert "is not one of modelway.package/1" in message
    assert "`schema`: Input should be 'modelway.package/1'" in message
    assert "`version`: String should have at least 1 character" in message
    assert "`author`: Extra inputs are not permitted" in message


def test_other_tensors_than_the_models_are_found(folder):
    model = json.loads((folder / "package.json").read_bytes())["model"]
    model["inputs"][0]["shape"] = [-1, 5]
    edit(folder, model=model)

    with pytest.raises(ArtifactError, match="its manifest describes other tensors than its model"):
        read_artifact(Model(path=str(folder)))


def test_a_folder_without_a_manifest_is_no_package(tmp_path):
    with pytest.raises(PackageError, match=r"is no package: it has no package\.json"):
        read_manifest(tmp_path)


def test_a_spec_may_name_a_package(make):
    made = make()

    artifact = read_artifact(Model(path=str(made.folder), digest=made.digest))

    assert artifact.digest == artifact.content_digest == made.digest
    assert artifact.path == made.folder
    assert artifact.size_bytes == sum(file.size_bytes for file in made.manifest.files)
    assert sorted(artifact.members) == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "package.json",
    ]
    assert model_file(made.folder) == made.folder / "model.onnx"


def test_evidence_is_no_other_artifact_and_a_signature_is(make):
    made = make()
    unsigned = read_artifact(Model(path=str(made.folder)))
    (made.folder / "evidence").mkdir()
    (made.folder / "evidence/rehearsal.json").write_text("{}")
    proved = read_artifact(Model(path=str(made.folder)))
    (made.folder / "model.sig").write_text("signed")
    signed = read_artifact(Model(path=str(made.folder)))

    assert proved == unsigned
    assert signed.digest == unsigned.digest
    assert signed.content_digest != unsigned.content_digest
    assert signed.beside == {"model.sig": b"signed"}


def test_a_spec_that_says_otherwise_is_refused_with_every_difference(make):
    made = make()

    with pytest.raises(ArtifactError) as caught:
        read_artifact(
            Model(
                path=str(made.folder),
                digest=f"sha256:{'0' * 64}",
                input_rules="rules.json",
                inputs=[{"name": "pages", "datatype": "FP32", "shape": [-1, 4]}],
            )
        )

    assert str(caught.value) == (
        f"the package {made.folder} is not what the spec says: model.digest is sha256:{'0' * 64} "
        f"in the spec, but the package has {made.digest}; model.input_rules is in the spec, and a "
        "package is deployed as it was made (make it with --input-rules, and leave the field out); "
        "model.inputs has `pages`, but the file has `pixels`; model.inputs lacks `pixels`, which "
        "the file has. Correct the spec, or put the right package there"
    )


def test_a_package_is_packed_without_its_evidence_and_with_its_signature(make, tmp_path):
    made = make()
    (made.folder / "evidence").mkdir()
    (made.folder / "evidence/rehearsal.json").write_text("{}")
    (made.folder / "model.sig").write_text("signed")

    pack_artifact(read_artifact(Model(path=str(made.folder))), tmp_path / "model.tar.gz")

    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    assert list(members) == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "model.sig",
        "package.json",
    ]
    assert all((made.folder / name).read_bytes() == content for name, content in members.items())


def test_what_was_changed_after_it_was_read_is_not_packed(make, tmp_path):
    made = make()
    artifact = read_artifact(Model(path=str(made.folder)))
    content = bytearray((made.folder / "model.onnx").read_bytes())
    content[-1] ^= 1
    (made.folder / "model.onnx").write_bytes(content)

    with pytest.raises(ArtifactError, match="changed while it was packed"):
        pack_artifact(artifact, tmp_path / "model.tar.gz")

    assert not (tmp_path / "model.tar.gz").exists()

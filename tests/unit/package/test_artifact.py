"""The model file: read once, compared with the spec."""

import hashlib

import pytest

from modelway.errors import ArtifactError
from modelway.package import read_artifact
from modelway.plan import Artifact
from modelway.spec import Model


def refusal(path, **fields):
    with pytest.raises(ArtifactError) as caught:
        read_artifact(Model(path=str(path), **fields))
    return str(caught.value)


def test_digest_and_size_are_those_of_the_file(write_onnx):
    path = write_onnx()
    content = path.read_bytes()

    assert read_artifact(Model(path=str(path))) == Artifact(
        digest="sha256:" + hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        path=path,
        uri=None,
    )


def test_a_spec_that_describes_the_file_is_accepted(write_onnx):
    path = write_onnx()
    tensor = {"datatype": "FP32", "shape": [-1, 4]}

    artifact = read_artifact(
        Model(
            path=str(path),
            digest="sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
            inputs=[{"name": "pixels", **tensor}],
            outputs=[{"name": "scores", **tensor}],
        )
    )

    assert artifact.path == path


def test_every_difference_from_the_spec_is_told_at_once(write_onnx):
    path = write_onnx()
    digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()

    message = refusal(
        path,
        digest="sha256:" + "0" * 64,
        inputs=[{"name": "pixels", "datatype": "INT64", "shape": [-1, 5]}],
        outputs=[{"name": "label", "datatype": "FP32", "shape": [-1, 4]}],
    )

    assert message == (
        f"the model file {path} is not what the spec says: "
        f"model.digest is sha256:{'0' * 64} in the spec, but the file has {digest}; "
        "`pixels` is INT64 in the spec and FP32 in the file; "
        "`pixels` has shape [-1, 5] in the spec and [-1, 4] in the file; "
        "model.outputs has `label`, but the file has `scores`; "
        "model.outputs lacks `scores`, which the file has. "
        "Correct the spec, or put the right file there"
    )


def test_a_missing_file_says_what_to_do(tmp_path):
    path = tmp_path / "missing.onnx"

    assert refusal(path) == (
        f"the model file {path} does not exist; export the model there, or correct `model.path`, "
        "which is relative to the spec's folder"
    )


def test_a_folder_is_no_model(tmp_path):
    assert refusal(tmp_path) == (
        f"the model file {tmp_path} is a folder; `model.path` must name the .onnx file itself, or "
        "a package, which has a package.json"
    )


def test_a_device_is_no_model():
    assert refusal("/dev/null") == (
        "the model file /dev/null is no regular file; give an .onnx file"
    )


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.onnx"
    path.touch()

    assert refusal(path) == f"the model file {path} is empty; export the model again"


def test_a_truncated_file_is_refused(write_onnx):
    path = write_onnx()
    path.write_bytes(path.read_bytes()[:-10])

    message = refusal(path)

    assert message.startswith(f"the model file {path} cannot be loaded by onnxruntime: ")
    assert "protobuf parsing failed" in message
    assert message.endswith("Export the model again to ONNX, as one file with its weights inside")


def test_a_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x80\x04\x95 this is a pickle")

    assert "cannot be loaded by onnxruntime" in refusal(path)


def test_an_artifact_in_s3_is_taken_at_its_word():
    digest = "sha256:" + "d" * 64

    artifact = read_artifact(Model(path="s3://bucket/fraud.tar.gz", digest=digest))

    assert artifact == Artifact(
        digest=digest, size_bytes=0, path=None, uri="s3://bucket/fraud.tar.gz"
    )


def test_an_artifact_in_s3_without_a_digest_is_refused():
    assert "must give `model.digest`" in refusal("s3://bucket/fraud.tar.gz")

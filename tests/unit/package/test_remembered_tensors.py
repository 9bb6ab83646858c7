"""What onnxruntime said of a file is kept under its digest, and only costs time when lost."""

import pytest

from modelway.errors import ArtifactError
from modelway.package import artifact, read_artifact
from modelway.spec import Model


@pytest.fixture
def loads(monkeypatch):
    """The paths that onnxruntime was asked to load."""
    asked = []
    load = artifact.read_tensors
    monkeypatch.setattr(
        artifact, "read_tensors", lambda path, folder: asked.append(path) or load(path, folder)
    )
    return asked


def test_the_same_bytes_are_loaded_once(write_onnx, loads):
    path = write_onnx()

    first, second = read_artifact(Model(path=str(path))), read_artifact(Model(path=str(path)))

    assert first == second
    assert loads == [path]


def test_a_changed_file_is_loaded_again(write_onnx, loads):
    path = write_onnx()
    read_artifact(Model(path=str(path)))
    write_onnx(shape=("batch", 5))

    read_artifact(Model(path=str(path)))

    assert loads == [path, path]


def test_remembered_tensors_are_still_compared_with_the_spec(write_onnx):
    path = write_onnx()
    read_artifact(Model(path=str(path)))
    wrong = [{"name": "pixels", "datatype": "FP64", "shape": [-1, 4]}]

    with pytest.raises(ArtifactError, match="`pixels` is FP64 in the spec and FP32 in the file"):
        read_artifact(Model(path=str(path), inputs=wrong))


def test_a_damaged_cache_is_not_believed(write_onnx, cache, loads):
    path = write_onnx()
    read_artifact(Model(path=str(path)))
    (remembered,) = (cache / "tensors").iterdir()
    remembered.write_text('[[{"name": "pixels"')

    read_artifact(Model(path=str(path)))

    assert loads == [path, path]
    assert remembered.read_text().startswith(
        '[[{"name":"pixels","datatype":"FP32","shape":[-1,4]}]'
    )


def test_a_cache_that_cannot_be_written_is_no_error(write_onnx, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")

    assert read_artifact(Model(path=str(write_onnx()))).size_bytes > 0


def test_a_file_that_does_not_load_is_never_remembered(tmp_path, cache):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")

    for _ in range(2):
        with pytest.raises(ArtifactError, match="cannot be loaded by onnxruntime"):
            read_artifact(Model(path=str(path)))

    assert not (cache / "tensors").exists()

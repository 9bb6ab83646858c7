"""What a source is, told by its content; and what cannot be packaged, with the way out."""

import bz2
import gzip
import lzma
import pickle
import zipfile
import zlib

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from modelway.errors import PackageError
from modelway.package.manifest import SourceFormat
from modelway.package.sources.detect import detect


@pytest.fixture
def model():
    return LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.fixture
def written(tmp_path):
    """Write bytes under a name that says nothing."""

    def write(content):
        path = tmp_path / "source"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def zipped(tmp_path):
    """Write a zip archive with files of these names."""

    def write(*names):
        path = tmp_path / "source"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "{}")
        return path

    return write


def refusal(path):
    with pytest.raises(PackageError) as caught:
        detect(path)
    return str(caught.value)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_of_any_protocol(protocol, model, written):
    content = pickle.dumps(model, protocol)

    assert detect(written(content)) is SourceFormat.SKLEARN_PICKLE


@pytest.mark.parametrize(
    "compress", [0, ("zlib", 1), ("zlib", 9), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)]
)
def test_joblib_compressed_or_not(compress, model, tmp_path):
    path = tmp_path / "source"
    model.rows_ = np.zeros(100_000)  # so that arrays lie far into the file
    joblib.dump(model, path, compress=compress)

    assert detect(path) is SourceFormat.SKLEARN_JOBLIB


def test_skops(model, tmp_path):
    skops.io.dump(model, tmp_path / "source")

    assert detect(tmp_path / "source") is SourceFormat.SKOPS


def test_onnx(write_onnx):
    assert detect(write_onnx()) is SourceFormat.ONNX


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        (b'{"learner":{"attributes":{}', SourceFormat.XGBOOST),
        (b'{\n  "learner": {}}', SourceFormat.XGBOOST),
        (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L", SourceFormat.XGBOOST),
        (b"tree\nversion=v4\nnum_class=1\n", SourceFormat.LIGHTGBM),
    ],
)
def test_boosters(content, format_, written):
    assert detect(written(content)) is format_


@pytest.mark.parametrize(
    ("names", "what", "way_out"),
    [
        (("m/data.pkl", "m/data/0"), "a PyTorch checkpoint", "torch.onnx.export"),
        (("m/code/x.py", "m/constants.pkl", "m/data.pkl"), "a TorchScript", "torch.onnx.export"),
        (("serialized_exported_program.json",), "a program of torch.export", "torch.onnx.export"),
        (("config.json", "model.weights.h5"), "a Keras model", "tf2onnx"),
        (("a.npy",), "a zip archive of something else", "name the file of the model"),
    ],
)
def test_zip_archives_of_others_are_refused_by_what_they_are(names, what, way_out, zipped):
    message = refusal(zipped(*names))

    assert f"is {what}" in message
    assert way_out in message


@pytest.mark.parametrize(
    ("content", "what", "way_out"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes", "tf2onnx"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch checkpoint", "dynamo=True"),
        (b"\x20\0\0\0TFL3", "a TensorFlow Lite model", "--tflite"),
        (b"\x20\0\0\0ORTM", "in onnxruntime's own format", "package the ONNX file"),
        (b"GGUF\x03", "a GGUF file of a language model", "llama.cpp"),
        (b"\x93NUMPY\x01", "a NumPy array and no model", "name the file of the model"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS", "git lfs pull"),
        (b'<?xml version="1.0"?><PMML', "XML, perhaps PMML", "export the model to ONNX"),
        (b'\x10\0\0\0\0\0\0\0{"weight":{}}   ', "a safetensors file", "torch.onnx.export"),
        (b'{"a": 1}', "JSON, but not of XGBoost", "name the file of the model"),
        (bytes(257) + b"ustar", "a tar archive", "unpack it"),
        (b"just some text", "of an unknown format", "export the model to ONNX"),
        (gzip.compress(b"text", mtime=0), "of an unknown format", "export the model to ONNX"),
        (bz2.compress(b"text"), "of an unknown format", "export the model to ONNX"),
        (lzma.compress(b"text"), "of an unknown format", "export the model to ONNX"),
        (zlib.compress(b"text"), "of an unknown format", "export the model to ONNX"),
        (b"\x1f\x8b damaged", "of an unknown format", "export the model to ONNX"),
        (b"PK\x03\x04 damaged", "a damaged zip archive", "save the model again"),
        (b"\x08\x0a", "of an unknown format", "export the model to ONNX"),
    ],
)
def test_what_cannot_be_converted_is_refused_with_the_way_out(content, what, way_out, written):
    message = refusal(written(content))

    assert f"is {what}" in message
    assert way_out in message
    assert message.endswith(
        "ONNX, scikit-learn estimators saved with skops, joblib or pickle, XGBoost (.json, .ubj), "
        "LightGBM (.txt) and MLflow models of these can be packaged"
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("saved_model.pb", "a TensorFlow SavedModel"),
        ("package.json", "a package already"),
        ("other", "a folder"),
    ],
)
def test_folders_are_refused_by_what_they_are(name, what, tmp_path):
    (tmp_path / name).touch()

    assert f"is {what}: it cannot be packaged" in refusal(tmp_path)


def test_nothing_and_an_empty_file_are_refused(tmp_path, written):
    assert refusal(tmp_path / "none") == (
        f"the source {tmp_path}/none does not exist; name the file of a trained model"
    )
    assert "is empty; save the model again" in refusal(written(b""))

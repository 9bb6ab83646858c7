"""Inputs and outputs of an ONNX file."""

import subprocess
import sys

import pytest
from onnx import TensorProto

from modelway.errors import ArtifactError
from modelway.package import read_tensors
from modelway.package.tensors import tensor_differences
from modelway.spec import Datatype, Tensor


def test_names_types_and_axes_are_read(write_onnx):
    inputs, outputs = read_tensors(write_onnx(shape=("batch", 4, None, 2)))

    assert inputs == (Tensor(name="pixels", datatype=Datatype.FP32, shape=(-1, 4, -1, 2)),)
    assert outputs == (Tensor(name="scores", datatype=Datatype.FP32, shape=(-1, 4, -1, 2)),)


@pytest.mark.parametrize(
    ("element", "datatype"),
    [
        (TensorProto.BOOL, "BOOL"),
        (TensorProto.UINT8, "UINT8"),
        (TensorProto.UINT16, "UINT16"),
        (TensorProto.UINT32, "UINT32"),
        (TensorProto.UINT64, "UINT64"),
        (TensorProto.INT8, "INT8"),
        (TensorProto.INT16, "INT16"),
        (TensorProto.INT32, "INT32"),
        (TensorProto.INT64, "INT64"),
        (TensorProto.FLOAT16, "FP16"),
        (TensorProto.FLOAT, "FP32"),
        (TensorProto.DOUBLE, "FP64"),
        (TensorProto.STRING, "BYTES"),
    ],
)
def test_every_element_type_has_its_name(write_onnx, element, datatype):
    inputs, _ = read_tensors(write_onnx(element=element))

    assert inputs[0].datatype == datatype


def test_an_element_type_without_a_name_is_refused(write_onnx):
    path = write_onnx(element=TensorProto.BFLOAT16)

    with pytest.raises(ArtifactError, match=r"`pixels` .* of type tensor\(bfloat16\).*cast it"):
        read_tensors(path)


def test_a_zipmap_is_refused_with_the_way_out(write_zipmap):
    path = write_zipmap()

    with pytest.raises(ArtifactError) as caught:
        read_tensors(path)

    assert str(caught.value) == (
        f"the output `output_probability` of the model file {path} is of type "
        "seq(map(int64,tensor(float))), which cannot be served; convert again without the zipmap: "
        'skl2onnx.to_onnx(model, ..., options={"zipmap": False}), so that probabilities are one '
        "tensor"
    )


def test_weights_in_another_file_are_refused_since_one_file_is_deployed(
    write_external, monkeypatch
):
    path = write_external()
    monkeypatch.chdir(path.parent)

    with pytest.raises(ArtifactError, match="as one file with its weights inside"):
        read_tensors(path)


def test_a_missing_file_is_an_artifact_error(tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read: No such file"):
        read_tensors(tmp_path / "missing.onnx")


def test_differences_are_all_told():
    pixels = Tensor(name="pixels", datatype=Datatype.FP32, shape=(-1, 64))
    extra = Tensor(name="extra", datatype=Datatype.FP32, shape=(1,))
    wanted = Tensor(name="pixels", datatype=Datatype.FP64, shape=(-1, 32))
    unknown = Tensor(name="picture", datatype=Datatype.FP32, shape=(1,))

    assert tensor_differences("inputs", [wanted, unknown], [pixels, extra]) == [
        "`pixels` is FP64 in the spec and FP32 in the file",
        "`pixels` has shape [-1, 32] in the spec and [-1, 64] in the file",
        "model.inputs has `picture`, but the file has `pixels`, `extra`",
        "model.inputs lacks `extra`, which the file has",
    ]


def test_a_spec_that_says_nothing_differs_in_nothing():
    found = Tensor(name="pixels", datatype=Datatype.FP32, shape=(1,))

    assert tensor_differences("inputs", [], [found]) == []


def test_importing_the_package_does_not_import_onnxruntime():
    program = "import modelway.package, sys; sys.exit('onnxruntime' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

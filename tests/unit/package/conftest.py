"""Small ONNX files, made without training anything."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from modelway.package.assemble import Made, make_package
from modelway.package.request import PackageRequest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own, so that every file is read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/modelway"


@pytest.fixture
def write_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Write a model that hands `pixels` on as `scores`; types and shapes can be chosen."""

    def write(element: int = TensorProto.FLOAT, shape: tuple = ("batch", 4)) -> Path:
        graph = helper.make_graph(
            [helper.make_node("Identity", ["pixels"], ["scores"])],
            "identity",
            [helper.make_tensor_value_info("pixels", element, shape)],
            [helper.make_tensor_value_info("scores", element, shape)],
        )
        return save(graph, tmp_path / "model.onnx")

    return write


@pytest.fixture
def write_zipmap(tmp_path: Path) -> Callable[[], Path]:
    """Write a model whose output is a list of mappings, as scikit-learn's classifiers have."""

    def write() -> Path:
        mapping = helper.make_map_type_proto(
            TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        )
        graph = helper.make_graph(
            [
                helper.make_node(
                    "ZipMap",
                    ["pixels"],
                    ["output_probability"],
                    domain="ai.onnx.ml",
                    classlabels_int64s=[0, 1],
                )
            ],
            "zipmap",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 2])],
            [
                helper.make_value_info(
                    "output_probability", helper.make_sequence_type_proto(mapping)
                )
            ],
        )
        return save(graph, tmp_path / "zipmap.onnx")

    return write


@pytest.fixture
def write_external(tmp_path: Path) -> Callable[[], Path]:
    """Write a model whose weights are in a second file."""

    def write() -> Path:
        weights = helper.make_tensor("weights", TensorProto.FLOAT, [1024], bytes(4096), raw=True)
        graph = helper.make_graph(
            [helper.make_node("Add", ["pixels", "weights"], ["scores"])],
            "external",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 1024])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 1024])],
            [weights],
        )
        path = tmp_path / "external.onnx"
        onnx.save(
            model_of(graph),
            path,
            save_as_external_data=True,
            location="weights.bin",
            size_threshold=0,
            convert_attribute=False,
        )
        return path

    return write


def model_of(graph: onnx.GraphProto) -> onnx.ModelProto:
    """Wrap a graph for onnxruntime."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def save(graph: onnx.GraphProto, path: Path) -> Path:
    """Write a graph to a file."""
    onnx.save(model_of(graph), path)
    return path


@pytest.fixture
def make(write_onnx: Callable[..., Path], tmp_path: Path) -> Callable[..., Made]:
    """Make a package of an ONNX file; options are those of `PackageRequest`."""

    def make(folder: str = "package", *, replace: bool = False, **options: object) -> Made:
        source = options.pop("source", None) or write_onnx()
        request = PackageRequest(**{"source": source, "name": "fraud", **options})
        return make_package(request, tmp_path / folder, replace=replace)

    return make

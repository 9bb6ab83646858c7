"""The walk through a model file finds every reference, whatever the file is like (S19)."""

import os

import numpy as np
import onnx
import pytest
from onnx import helper

from model_server.core import onnx_file
from model_server.core.artifact import inspect
from model_server.core.errors import ModelUnusable
from onnx_models import (
    in_a_constant,
    in_a_function,
    in_a_sparse_attribute,
    in_a_subgraph,
    plain,
    refers_to,
)


@pytest.mark.parametrize("window", [16, 17, 31, 100])
def test_the_walk_gives_the_same_through_any_window(folder, monkeypatch, window):
    monkeypatch.setattr(onnx_file, "WINDOW_BYTES", window)
    model = in_a_subgraph("../secret.bin")
    model.graph.node.insert(
        0, helper.make_node("location", [], [], ints=[2**40, -1] * 40, floats=[1.5] * 40)
    )
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(ModelUnusable, match="leaves the model folder"):
        inspect(folder)


def test_a_file_with_too_many_parts_is_refused(folder, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_FIELDS", 10)
    (folder / "model.onnx").write_bytes(refers_to("weights.bin").SerializeToString())

    with pytest.raises(ModelUnusable, match="more than 10 fields"):
        inspect(folder)


def test_a_million_numbers_are_skipped_quickly(folder):
    model = refers_to("weights.bin")
    node = helper.make_node("A", [], [], ints=list(range(1_000_000)), floats=[0.5] * 1_000_000)
    node.name = "location"  # so that it is walked at all
    model.graph.node.append(node)
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    descriptor = os.open(folder / "model.onnx", os.O_RDONLY)
    walk = onnx_file._Walk(descriptor, os.fstat(descriptor).st_size)
    contents = walk.contents()
    os.close(descriptor)

    assert len(contents.references) == 1
    assert walk._fields < 200


def test_every_way_from_a_model_to_a_tensor_is_walked():
    """The official descriptors, searched for fields that lead to external data."""
    names = {
        "ModelProto": onnx_file.MODEL, "TrainingInfoProto": onnx_file.TRAINING,
        "FunctionProto": onnx_file.FUNCTION, "GraphProto": onnx_file.GRAPH,
        "NodeProto": onnx_file.NODE, "AttributeProto": onnx_file.ATTRIBUTE,
        "SparseTensorProto": onnx_file.SPARSE, "TensorProto": onnx_file.TENSOR,
    }  # fmt: skip

    def leads(descriptor, seen=()):
        if descriptor.name == "TensorProto":
            return True
        inner = [each.message_type for each in descriptor.fields if each.message_type]
        return any(leads(each, (*seen, each.name)) for each in inner if each.name not in seen)

    walked = {}
    todo = [onnx.ModelProto.DESCRIPTOR]
    while todo:
        descriptor = todo.pop()
        if descriptor.name in walked or descriptor.name == "TensorProto":
            continue
        fields = [each for each in descriptor.fields if each.message_type]
        ways = [each for each in fields if leads(each.message_type, (each.message_type.name,))]
        walked[descriptor.name] = {each.number: names[each.message_type.name] for each in ways}
        todo += [each.message_type for each in ways]

    assert walked == {
        name: onnx_file.SCHEMA[kind] for name, kind in names.items() if kind != onnx_file.TENSOR
    }
    assert onnx.TensorProto.DESCRIPTOR.fields_by_name["external_data"].number == 13
    assert onnx.NodeProto.DESCRIPTOR.fields_by_name["op_type"].number == 4


def raw(text):
    """The parser gives what is no UTF-8 as bytes."""
    return text if isinstance(text, bytes) else text.encode()


def locations(message):
    """Every external location that the official parser finds in a message."""
    found = set()
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in value if field.is_repeated else [value]:
            if each.DESCRIPTOR.name == "TensorProto":
                found |= {raw(e.value) for e in each.external_data if raw(e.key) == b"location"}
            found |= locations(each)
    return found


def test_damaged_files_hide_nothing_that_the_official_parser_finds(folder):
    """Bytes are changed, doubled and cut out; whatever still parses must be found."""
    places = (in_a_constant, in_a_subgraph, in_a_sparse_attribute, in_a_function)
    originals = [place("../secret.bin").SerializeToString() for place in places]
    generator = np.random.default_rng(1)
    parsed = 0
    for number in range(3000):
        data = bytearray(originals[number % len(originals)])
        for _ in range(generator.integers(1, 4)):
            at, length = int(generator.integers(len(data))), int(generator.integers(1, 9))
            kind = generator.integers(4)
            if kind == 0:
                data[at] = int(generator.integers(256))
            elif kind == 1:
                data[at:at] = data[at : at + length]
            elif kind == 2:
                del data[at : at + length]
            else:
                data[at] ^= 1 << int(generator.integers(8))
        (folder / "model.onnx").write_bytes(data)
        model = onnx.ModelProto()
        try:
            model.ParseFromString(bytes(data))
        except Exception:  # noqa: BLE001  # each parser has errors of its own
            continue
        parsed += 1
        descriptor = os.open(folder / "model.onnx", os.O_RDONLY)
        try:
            references = onnx_file.read_contents(descriptor, len(data)).references
        except onnx_file.Malformed:
            continue
        finally:
            os.close(descriptor)

        seen = {each.location for each in references}
        assert locations(model) <= seen, bytes(data)

    assert parsed > 300


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
@pytest.mark.parametrize("inside", ["graph", "branch", "function"])
def test_loops_are_found_wherever_they_are(folder, operator, inside):
    model, node = plain(), helper.make_node(operator, [], ["y"])
    if inside == "graph":
        model.graph.node.append(node)
    elif inside == "branch":
        branch = helper.make_graph([node], "branch", [], [])
        model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch))
    else:
        opsets = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("own", "f", [], ["y"], [node], opsets))
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    assert inspect(folder).loops is True


def test_a_name_is_no_loop(folder):
    model = plain()
    model.graph.node.append(helper.make_node("Neg", ["Loop"], ["Scan"], name="Loop"))
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    assert inspect(folder).loops is False

"""ONNX models whose weights are elsewhere, hidden in every place and way that a file has.

Used by tests of several modules: their tables need these while they are imported.
"""

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

SECRET = np.arange(12, dtype=np.float32).tobytes()


def tensor(**external):
    made = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[4, 3], data_location=1)
    for key, value in external.items():
        made.external_data.add(key=key, value=value)
    return made


def refers_to(location, **more):
    """A model whose weights are elsewhere."""
    return with_initializer(tensor(location=location, **more))


def with_initializer(made):
    inputs = [helper.make_tensor_value_info("x", T.FLOAT, ["batch", 4])]
    outputs = [helper.make_tensor_value_info("y", T.FLOAT, ["batch", 3])]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [made])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def plain():
    return with_initializer(onnx.numpy_helper.from_array(np.ones((4, 3), np.float32), "w"))


def in_a_constant(location):
    model = plain()
    del model.graph.initializer[:]
    node = helper.make_node("Constant", [], ["w"], value=tensor(location=location))
    model.graph.node.insert(0, node)
    return model


def in_a_list_of_tensors(location):
    model = plain()
    model.graph.node[0].attribute.add(name="t", type=9, tensors=[tensor(location=location)])
    return model


def in_a_subgraph(location):
    model = plain()
    inner = helper.make_graph([], "inner", [], [], [tensor(location=location)])
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=inner))
    return model


def in_a_list_of_graphs(location):
    model = plain()
    inner = helper.make_graph([], "inner", [], [], [tensor(location=location)])
    model.graph.node[0].attribute.add(name="g", type=10, graphs=[inner])
    return model


def in_a_sparse_initializer(location):
    model = plain()
    model.graph.sparse_initializer.add(values=tensor(location=location), dims=[4, 3])
    return model


def in_sparse_indices(location):
    model = plain()
    model.graph.sparse_initializer.add(indices=tensor(location=location), dims=[4, 3])
    return model


def in_a_sparse_attribute(location):
    model = plain()
    sparse = onnx.SparseTensorProto(values=tensor(location=location), dims=[4, 3])
    model.graph.node[0].attribute.add(name="s", type=11, sparse_tensor=sparse)
    return model


def in_a_function(location):
    model = plain()
    node = helper.make_node("Constant", [], ["w"], value=tensor(location=location))
    function = helper.make_function("local", "F", [], ["w"], [node], [helper.make_opsetid("", 17)])
    model.functions.append(function)
    return model


def in_training_information(location):
    model = plain()
    model.training_info.add().algorithm.initializer.append(tensor(location=location))
    return model


def part(number, payload):
    """One field that holds a message or a text."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def deep(levels):
    """External data in a graph in an attribute of a node in a graph, and so on."""
    graph = part(5, tensor(location="../secret.bin").SerializeToString())
    for _ in range(levels):
        graph = part(1, part(5, part(6, graph)))
    return part(7, graph)


def given_twice():
    """Location in one occurrence of the graph, the rest in another: protobuf merges them."""
    first, second = onnx.ModelProto(), plain()
    first.graph.initializer.append(tensor(location="../secret.bin"))
    return second.SerializeToString() + first.SerializeToString()


def unmarked():
    """External data that its tensor does not admit to."""
    made = tensor(location="../secret.bin")
    made.ClearField("data_location")
    return with_initializer(made).SerializeToString()


def two_locations():
    made = tensor(location="weights.bin")
    made.external_data.add(key="location", value="../secret.bin")
    return with_initializer(made).SerializeToString()


def two_keys_in_one_entry():
    entry = part(1, b"location") + part(2, b"../secret.bin") + part(1, b"ignored")
    return part(7, part(5, part(13, entry)))


def padded_key():
    """The key's length in more bytes than needed, which protobuf reads all the same."""
    entry = b"\x0a\x88\x80\x00location" + part(2, b"../secret.bin")
    return part(7, part(5, part(13, entry)))


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def engine():
    model = plain()
    node = helper.make_node("EPContext", [], ["z"], domain="com.microsoft", embed_mode=0)
    node.attribute.add(name="ep_cache_context", type=3, s=b"../secret.bin")
    model.graph.node.append(node)
    return model.SerializeToString()

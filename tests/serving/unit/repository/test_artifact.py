"""Artifacts that must not be loaded are refused before onnxruntime sees them (S19, S20)."""

import hashlib
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from model_server.core.artifact import inspect
from model_server.core.errors import ModelUnusable
from onnx_models import (
    SECRET,
    deep,
    engine,
    given_twice,
    in_a_constant,
    in_a_function,
    in_a_list_of_graphs,
    in_a_list_of_tensors,
    in_a_sparse_attribute,
    in_a_sparse_initializer,
    in_a_subgraph,
    in_sparse_indices,
    in_training_information,
    padded_key,
    plain,
    refers_to,
    tensor,
    two_keys_in_one_entry,
    two_locations,
    unmarked,
)

OUTSIDE = {
    "parent": "../secret.bin",
    "parent, further down": "inner/../../secret.bin",
    "parent, written twice": "..//../secret.bin",
    "parent and back": "../model/weights.bin",
    "dot and parent": "./../secret.bin",
    "absolute": "/etc/passwd",
    "absolute, in the folder": "{folder}/weights.bin",
    "home": "~/secret.bin",
    "windows parent": "..\\secret.bin",
    "windows drive": "C:/secret.bin",
    "link to a file": "link.bin",
    "link to a link": "twice.bin",
    "link to a folder": "up/secret.bin",
    "link that leads nowhere": "dangling.bin",
    "link in a circle": "circle.bin",
    "hard link": "hard.bin",
    "memory": "*/_ORT_MEM_ADDR_/*",
    "other memory": "*/_ORT_IN_MEMORY_ADDR_/*",
    "no name": "",
    "NUL": "weights.bin\0.txt",
    "endless": "a" * 5000,
    "folder": "inner",
    "itself": ".",
    "pipe": "pipe",
    "device": "zero",
    "process": "/proc/self/environ",
    "missing": "missing.bin",
}


@pytest.fixture
def opened(monkeypatch):
    """Files opened while the test looks, by whatever part of Python."""
    names: list[str] = []
    active = [True]

    def hook(event, arguments):
        if active[0] and event == "open":
            names.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield names
    active[0] = False


@pytest.mark.parametrize("name", OUTSIDE)
def test_external_data_outside_the_folder_is_refused_unread(folder, opened, name):
    location = OUTSIDE[name].format(folder=folder)
    (folder / "model.onnx").write_bytes(refers_to(location).SerializeToString())
    opened.clear()

    with pytest.raises(
        ModelUnusable, match=r"model\.onnx (refers to files that|could not be)"
    ) as told:
        inspect(folder)

    assert opened == [str(folder / "model.onnx")]
    assert str(folder.parent) not in told.value.message
    assert "/etc" not in told.value.message


@pytest.mark.parametrize(
    "place",
    [
        in_a_constant, in_a_list_of_tensors, in_a_subgraph, in_a_list_of_graphs,
        in_a_sparse_initializer, in_sparse_indices, in_a_sparse_attribute, in_a_function,
        in_training_information,
    ],
    ids=lambda place: place.__name__,
)  # fmt: skip
def test_external_data_is_found_wherever_a_tensor_can_be(folder, place):
    (folder / "model.onnx").write_bytes(place("../secret.bin").SerializeToString())

    with pytest.raises(ModelUnusable, match=r"'secret\.bin' leaves the model folder"):
        inspect(folder)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "model.onnx is empty"),
        (b"not a model at all", "model.onnx could not be loaded"),
        (b"\x00" * 100, "ends in the middle, or is damaged"),
        (b"\xff" * 100, "ends in the middle, or is damaged"),
        (b"\x08\x08", "it holds no graph"),
        (b"\x3a\xff\xff\xff\xff\x0f", "ends in the middle, or is damaged"),
        (b"\x0b\x0c", "of a kind that ONNX does not use"),
        (b"\x80\x04\x95\x10\x00", "a pickle, which is never read"),
        (pickle.dumps({"weights": [1.0]}), "a pickle, which is never read"),
        (pickle.dumps({"weights": [1.0]}, protocol=0), "model.onnx could not be loaded"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x1f\x8b\x08rest", "gzip data"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x20\x00\x00\x00ORTM", "onnxruntime's own format"),
        (b"\x00" * 257 + b"ustar\x00", "a tar archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (engine(), "a precompiled engine"),
        (given_twice(), "'secret.bin' leaves the model folder"),
        (unmarked(), "'secret.bin' leaves the model folder"),
        (two_locations(), "'secret.bin' leaves the model folder"),
        (two_keys_in_one_entry(), "is no pair of texts"),
        (padded_key(), "'secret.bin' leaves the model folder"),
        (deep(20), "'secret.bin' leaves the model folder"),
        (deep(60), "nested deeper than 100 levels"),
        (refers_to("weights.bin", offset="48").SerializeToString()[:-30], "could not be loaded"),
        (refers_to("weights.bin", offset="0", length="49").SerializeToString(), "is shorter"),
        (refers_to("weights.bin", offset="-4", length="4").SerializeToString(), "is shorter"),
        (refers_to("weights.bin", offset=str(2**63)).SerializeToString(), "is shorter"),
        (refers_to("weights.bin", length="9" * 30).SerializeToString(), "is shorter"),
    ],
    ids=range(30),
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason(folder, data, reason):
    (folder / "model.onnx").write_bytes(data)

    with pytest.raises(ModelUnusable) as told:
        inspect(folder)

    assert reason in told.value.message
    assert str(folder.parent) not in told.value.message


def test_a_model_file_that_is_a_link_out_of_the_folder_is_refused(folder):
    (folder.parent / "other.onnx").write_bytes(plain().SerializeToString())
    (folder / "model.onnx").symlink_to("../other.onnx")

    with pytest.raises(ModelUnusable, match="leads out of the model folder"):
        inspect(folder)


def test_a_link_within_the_folder_is_followed_as_kubernetes_mounts_files(folder):
    (folder / "..data").mkdir()
    (folder / "..data" / "model.onnx").write_bytes(plain().SerializeToString())
    (folder / "model.onnx").symlink_to("..data/model.onnx")

    assert inspect(folder).path == folder / "model.onnx"


@pytest.mark.parametrize("location", ["weights.bin", "./weights.bin", "inner/weights.bin"])
def test_external_data_in_the_folder_is_accepted_and_counted(folder, location):
    (folder / "inner" / "weights.bin").write_bytes(SECRET)
    data = refers_to(location, offset="0", length="48").SerializeToString()
    (folder / "model.onnx").write_bytes(data)

    assert inspect(folder).size_bytes == len(data) + 48


def test_the_digest_is_that_of_the_file(folder):
    data = plain().SerializeToString()
    (folder / "model.onnx").write_bytes(data)

    assert inspect(folder).digest == "sha256:" + hashlib.sha256(data).hexdigest()


def test_the_digest_covers_external_data_as_sha256sum_would(folder):
    model = refers_to("weights.bin")
    model.graph.initializer.append(tensor(location="./inner/more.bin"))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "inner" / "more.bin").write_bytes(SECRET)

    command = "sha256sum model.onnx inner/more.bin weights.bin | sha256sum"
    said = subprocess.check_output(command, shell=True, cwd=folder, text=True)
    before = inspect(folder).digest
    (folder / "weights.bin").write_bytes(SECRET[::-1])

    assert before == "sha256:" + said.split()[0]
    assert inspect(folder).digest != before


def test_a_file_exchanged_while_it_was_loaded_is_noticed(folder):
    (folder / "model.onnx").write_bytes(refers_to("weights.bin").SerializeToString())
    found = inspect(folder)
    found.verify_unchanged()
    (folder / "weights.bin").write_bytes(SECRET + b"more")

    with pytest.raises(ModelUnusable, match=r"weights\.bin was changed while it was loaded"):
        found.verify_unchanged()


def test_nothing_else_in_the_folder_is_opened_and_nothing_unpickled(folder, opened, tmp_path):
    from model_server.core.model import load_model

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "unpickled"),))

    bomb = pickle.dumps(Bomb())
    for name in ("model.pkl", "model.joblib", "model.pickle", "code.py", "handler.py"):
        (folder / name).write_bytes(bomb)
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", bomb)
    (folder / "model.onnx").write_bytes(plain().SerializeToString())
    unpickled: list[str] = []
    sys.addaudithook(
        lambda event, arguments: unpickled.append(event) if event.startswith("pickle.") else None
    )
    opened.clear()

    model = load_model(folder, 1)
    model.warm_up()

    assert unpickled == []
    assert not (tmp_path / "unpickled").exists()
    inside = {Path(name).name for name in opened if name.startswith(str(folder))}
    assert inside - {"model", "model.onnx", "rules.json", "generation.json"} == set()

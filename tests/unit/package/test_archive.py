"""The archive: read by everybody, with the same bytes everywhere."""

import gzip
import hashlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.errors import ArtifactError
from modelway.package import write_archive
from modelway.package.archive import BytesMember, FileMember, write_members


def packed(folder, content):
    model, archive = folder / "any name.onnx", folder / "out" / "model.tar.gz"
    model.write_bytes(content)
    write_archive(model, archive)
    return archive


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 8704, 8705, 65_535, 65_536, 200_000])
def test_the_archive_holds_the_model_and_nothing_else(tmp_path, size):
    content = bytes(index % 251 for index in range(size))

    archive = packed(tmp_path, content)

    with tarfile.open(archive, "r:gz") as file:
        (member,) = file.getmembers()
        assert (member.name, member.size, member.mode, member.mtime) == (
            "model.onnx",
            size,
            0o644,
            0,
        )
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert file.extractfile(member).read() == content


def test_files_beside_the_model_are_members_of_their_own(tmp_path):
    model, archive = tmp_path / "model.onnx", tmp_path / "model.tar.gz"
    model.write_bytes(b"weights")
    beside = {"input_rules.json": b"r" * 700, "generation.json": b""}

    write_archive(model, archive, beside)
    again = tmp_path / "again.tar.gz"
    write_archive(model, again, dict(reversed(beside.items())))

    with tarfile.open(archive, "r:gz") as file:
        members = {member.name: file.extractfile(member).read() for member in file}
    assert members == {**beside, "model.onnx": b"weights"}
    assert len(gzip.decompress(archive.read_bytes())) == 10_240
    assert again.read_bytes() == archive.read_bytes()


def test_the_bytes_of_a_known_archive_never_change(tmp_path):
    archive = packed(tmp_path, b"a model, as far as packing is concerned\n" * 5000)

    assert (
        hashlib.sha256(archive.read_bytes()).hexdigest()
        == "165451239a9195c9e1ad3ada7391fab907ae7a02266fa2d105e0f9240ce131c6"
    )


def test_the_unpacked_archive_is_what_tar_itself_pads_to(tmp_path):
    assert len(gzip.decompress(packed(tmp_path, b"x").read_bytes())) == 10_240


def test_only_the_content_matters_not_the_name_or_the_time(tmp_path):
    first = packed(tmp_path, b"same").read_bytes()
    other = tmp_path / "other"
    other.mkdir()

    assert packed(other, b"same").read_bytes() == first


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=140_000))
def test_any_content_comes_out_as_it_went_in(tmp_path_factory, content):
    archive = packed(tmp_path_factory.mktemp("archive"), content)

    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive.read_bytes()))) as file:
        assert file.extractfile("model.onnx").read() == content


def test_an_older_archive_is_replaced_and_nothing_else_is_left(tmp_path):
    packed(tmp_path, b"old")
    archive = packed(tmp_path, b"new")

    with tarfile.open(archive, "r:gz") as file:
        assert file.extractfile("model.onnx").read() == b"new"
    assert [path.name for path in archive.parent.iterdir()] == ["model.tar.gz"]


def test_a_missing_model_leaves_no_archive(tmp_path):
    with pytest.raises(ArtifactError, match=r"cannot pack the model file .*missing\.onnx: No such"):
        write_archive(tmp_path / "missing.onnx", tmp_path / "out" / "model.tar.gz")

    assert not (tmp_path / "out").exists()


def test_a_destination_that_cannot_be_written_is_an_artifact_error(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"x")
    (tmp_path / "model.tar.gz").mkdir()

    with pytest.raises(ArtifactError, match=r"cannot pack the model file .* into"):
        write_archive(model, tmp_path / "model.tar.gz")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.tar.gz"]


def test_members_keep_their_order_and_names_may_have_folders(tmp_path):
    (tmp_path / "weights").write_bytes(b"w" * 600)
    members = [BytesMember("b/c.json", b"{}"), FileMember("a.bin", tmp_path / "weights")]

    write_members(members, tmp_path / "out.tar.gz", "a package")

    with tarfile.open(tmp_path / "out.tar.gz", "r:gz") as file:
        found = [(member.name, file.extractfile(member).read()) for member in file]
    assert found == [("b/c.json", b"{}"), ("a.bin", b"w" * 600)]


@pytest.mark.parametrize("name", ["é.bin", "n" * 101])
def test_a_name_that_no_tar_header_holds_is_refused(name, tmp_path):
    with pytest.raises(ArtifactError, match="is not ASCII or longer than the 100 characters"):
        write_members([BytesMember(name, b"")], tmp_path / "out.tar.gz", "a package")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_what_its_digest_says_is_not_packed(tmp_path):
    (tmp_path / "weights").write_bytes(b"w")
    member = FileMember("weights", tmp_path / "weights", hashlib.sha256(b"x").hexdigest())

    with pytest.raises(ArtifactError, match="a package changed while it was packed"):
        write_members([member], tmp_path / "out.tar.gz", "a package")

    assert [path.name for path in tmp_path.iterdir()] == ["weights"]

"""Packages as one file: packed the same each time, and looked at without being unpacked."""

import gzip
import io
import tarfile

import pytest

from modelway.errors import PackageError
from modelway.package.inspection import inspect_package
from modelway.package.packing import pack_package


@pytest.fixture
def folder(make):
    made = make()
    (made.folder / "evidence").mkdir()
    (made.folder / "evidence/rehearsal.json").write_text(f'{{"subject": "{made.digest}"}}')
    return made.folder


@pytest.fixture
def archive(folder, tmp_path):
    pack_package(folder, tmp_path / "model.tar.gz")
    return tmp_path / "model.tar.gz"


@pytest.fixture
def repacked(archive):
    """Pack the members anew, as changed by a function of the archive and its members."""

    def repack(change):
        with tarfile.open(archive) as tar:
            members = [(member, tar.extractfile(member).read()) for member in tar]
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as tar:
            for member, content in change(members):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        archive.write_bytes(gzip.compress(written.getvalue()))
        return archive

    return repack


def refusal(path):
    with pytest.raises(PackageError) as caught:
        inspect_package(path)
    return str(caught.value)


def test_the_archive_has_the_folders_files_sorted(folder, archive):
    with tarfile.open(archive) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}

    assert list(members) == [
        "MODEL_CARD.md",
        "environment.txt",
        "evidence/rehearsal.json",
        "model.onnx",
        "package.json",
    ]
    assert all((folder / name).read_bytes() == content for name, content in members.items())


def test_the_archives_bytes_are_the_same_each_time(folder, archive, tmp_path):
    pack_package(folder, tmp_path / "again.tar.gz")

    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def test_a_folder_and_its_archive_say_the_same(folder, archive):
    found = inspect_package(archive)

    assert found == inspect_package(folder)
    assert found.manifest.name == "fraud"
    assert found.evidence == {"rehearsal": {"subject": found.digest}}
    assert not found.signed


def test_a_signature_is_told_of(folder):
    (folder / "model.sig").write_text("any")

    assert inspect_package(folder).signed


def test_evidence_about_another_package_is_refused(folder):
    (folder / "evidence/rehearsal.json").write_text('{"subject": "sha256:00"}')

    assert "`evidence/rehearsal.json` is about sha256:00 and not about sha256:" in refusal(folder)


def test_a_changed_byte_in_an_archive_is_found(repacked):
    path = repacked(lambda members: [(member, content[:-1] + b"!") for member, content in members])

    assert "is not one of modelway.package/1" in refusal(path)


def test_what_differs_in_an_archive_is_told_at_once(repacked):
    def change(members):
        for member, content in members:
            if member.name == "model.onnx":
                yield member, content + b"!"
            elif member.name != "MODEL_CARD.md":
                yield member, content
        yield tarfile.TarInfo("run.py"), b"import os"
        yield tarfile.TarInfo("../outside"), b""
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        yield link, b""

    message = refusal(repacked(change))

    assert "`MODEL_CARD.md` is missing" in message
    assert "`model.onnx` has " in message
    assert "`run.py` is not in the manifest" in message
    assert "'../outside' is no regular file inside the folder" in message
    assert "'link' is no regular file inside the folder" in message


def test_a_member_that_is_there_twice_is_refused(repacked):
    path = repacked(lambda members: [*members, members[3]])

    assert "'model.onnx' is there twice, or one member too many" in refusal(path)


def test_an_archive_without_a_manifest_is_no_package(repacked):
    path = repacked(lambda members: [each for each in members if each[0].name != "package.json"])

    assert "is no package: it has no package.json" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08 damaged"])
def test_what_is_no_archive_is_no_package(content, tmp_path):
    (tmp_path / "file").write_bytes(content)

    assert "is no package: it is neither a folder nor an archive that can be read" in (
        refusal(tmp_path / "file")
    )


def test_nothing_is_no_package(tmp_path):
    assert refusal(tmp_path / "none") == (
        f"there is no package {tmp_path}/none; name a package's folder, or its model.tar.gz"
    )

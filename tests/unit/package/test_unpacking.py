"""Archives that nobody vouches for: what is good comes out whole, all else is refused."""

import gzip
import io
import os
import subprocess
import tarfile

import pytest

from modelway.errors import PackageError
from modelway.package import unpacking
from modelway.package.archive import write_archive
from modelway.package.unpacking import open_archive


def member(name, content=b"", kind=tarfile.REGTYPE, **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tar_of(*members, form=tarfile.USTAR_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


GOOD = member("model.onnx", b"weights")


def changed_header(offset, replacement):
    """A good archive whose first header is changed, with the right checksum again."""
    tar = bytearray(tar_of(GOOD))
    tar[offset : offset + len(replacement)] = replacement
    tar[148:156] = b" " * 8
    tar[148:156] = f"{sum(tar[:512]):06o}\0 ".encode()
    return bytes(tar)


BAD = {
    "an absolute path": (tar_of(member("/etc/passwd", b"x")), "`/etc/passwd` is no plain path"),
    "a path that leaves": (tar_of(member("../model.onnx", b"x")), "`../model.onnx` is no plain"),
    "a path that leaves further down": (tar_of(member("a/../../b", b"x")), "is no plain path"),
    "a path that leaves and comes back": (tar_of(member("a/../b", b"x")), "is no plain path"),
    "a path that leaves behind a dot": (tar_of(member("./../b", b"x")), "is no plain path"),
    "a path that ends in the parent": (tar_of(member("a/..", b"x")), "is no plain path"),
    "another system's path": (tar_of(member("..\\b", b"x")), "is no plain path"),
    "a path with two slashes": (tar_of(member("a//b", b"x")), "is no plain path"),
    "a name with an escape": (tar_of(member("a\x1b[2Jb", b"x")), "`a\\x1b[2Jb` is no plain path"),
    "a name that is no text": (changed_header(0, b"\xff\xfe"), "is no plain path"),
    "a folder outside": (
        tar_of(member("../out/", kind=tarfile.DIRTYPE)),
        "`../out/` is no folder inside the package",
    ),
    "an absolute folder": (tar_of(member("/out/", kind=tarfile.DIRTYPE)), "is no folder inside"),
    "a symbolic link": (
        tar_of(member("model.onnx", kind=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "`model.onnx` is a symbolic link",
    ),
    "a symbolic link to a folder, and a file in it": (
        tar_of(member("a", kind=tarfile.SYMTYPE, linkname="/tmp"), member("a/b", b"x")),
        "`a` is a symbolic link",
    ),
    "a hard link": (
        tar_of(GOOD, member("b", kind=tarfile.LNKTYPE, linkname="model.onnx")),
        "`b` is a hard link",
    ),
    "a character device": (tar_of(member("null", kind=tarfile.CHRTYPE)), "is a device"),
    "a block device": (tar_of(member("sda", kind=tarfile.BLKTYPE)), "is a device"),
    "a named pipe": (tar_of(member("pipe", kind=tarfile.FIFOTYPE)), "is a named pipe"),
    "an unknown kind of member": (tar_of(member("a", kind=b"Z")), "is of an unknown kind"),
    "a contiguous file": (tar_of(member("a", kind=tarfile.CONTTYPE)), "is of an unknown kind"),
    "a sparse file": (changed_header(156, b"S"), "is a sparse file"),
    "a long name of GNU tar": (
        tar_of(member("a" * 200, b"x"), form=tarfile.GNU_FORMAT),
        "is an extended header (GNU)",
    ),
    "a name in an extended header": (
        tar_of(member("model.onnx", b"x", pax_headers={"path": "../x"}), form=tarfile.PAX_FORMAT),
        "is an extended header (PAX)",
    ),
    "a size in an extended header": (
        tar_of(member("model.onnx", b"x", pax_headers={"size": "9"}), form=tarfile.PAX_FORMAT),
        "is an extended header (PAX)",
    ),
    "two members of one name": (tar_of(GOOD, member("model.onnx", b"other")), "is there twice"),
    "two members of one name, with a dot": (
        tar_of(GOOD, member("./model.onnx", b"other")),
        "is there twice",
    ),
    "a file that is a folder too": (tar_of(GOOD, member("model.onnx/w", b"x")), "collides with"),
    "a folder that is a file too": (tar_of(member("a/w", b"x"), member("a", b"x")), "collides"),
    "a member larger than allowed": (
        changed_header(124, b"77777777777\0"),
        "unpacked it has more than",
    ),
    "a size of another base": (changed_header(124, b"\x80" + bytes(11)), "a number that is none"),
    "a negative size": (changed_header(124, b"-0000000001\0"), "a number that is none"),
    "a size longer than the archive": (changed_header(124, b"00000077777\0"), "it ends early"),
    "a wrong checksum": (b"n" + tar_of(GOOD)[1:], "checksum is wrong"),
    "no tar archive": (b"weights" * 1000, "it is no tar archive"),
    "an old kind of tar archive": (changed_header(257, bytes(8)), "it is no tar archive"),
    "an end that is missing": (tar_of(GOOD)[:1024], "it ends early"),
    "an end in the middle": (tar_of(GOOD)[:700], "it ends early"),
    "half an end": (tar_of(GOOD)[:1536] + b"x" * 512, "its end is damaged"),
    "data behind the end": (tar_of(GOOD) + b"x" * 512, "it has data behind its end"),
    "an archive behind the end": (tar_of(GOOD) + tar_of(GOOD), "it has data behind its end"),
    "nothing": (tar_of(), "it has no files"),
    "folders alone": (tar_of(member("a/", kind=tarfile.DIRTYPE)), "it has no files"),
}

NOT_GZIP = {
    "a tar archive without gzip": tar_of(GOOD),
    "an empty file": b"",
    "text": b"weights",
    "half a gzip file": gzip.compress(tar_of(GOOD))[:-30],
    "a gzip file without its checksum": gzip.compress(tar_of(GOOD))[:-8],
    "a gzip file with a wrong checksum": gzip.compress(tar_of(GOOD))[:-8] + bytes(8),
    "two gzip files": gzip.compress(tar_of(GOOD)) + gzip.compress(tar_of(GOOD)),
    "bytes behind gzip": gzip.compress(tar_of(GOOD)) + b"x",
}


@pytest.fixture
def unpack(tmp_path):
    """Unpack bytes into `out`, and make sure that nothing else was written."""

    def run(content, **more):
        (tmp_path / "in").mkdir()
        archive = tmp_path / "in/model.tar.gz"
        archive.write_bytes(content)
        out = tmp_path / "there/out"
        try:
            open_archive(archive, out, **more)
        except PackageError:
            assert list((tmp_path / "there").rglob("*")) == []
            raise
        finally:
            assert {path.name for path in tmp_path.iterdir()} <= {"in", "there"}
        return {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }

    return run


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_refused_and_nothing_is_written(name, unpack):
    tar, reason = BAD[name]

    with pytest.raises(PackageError, match="is refused") as caught:
        unpack(gzip.compress(tar))

    assert reason in str(caught.value)


@pytest.mark.parametrize("name", NOT_GZIP)
def test_what_is_not_one_gzip_file_is_refused(name, unpack):
    with pytest.raises(PackageError, match="is refused"):
        unpack(NOT_GZIP[name])


def test_the_list_of_bad_archives_is_long_enough():
    assert len(BAD) + len(NOT_GZIP) >= 20


def test_every_bad_member_is_told_of(unpack):
    members = [member(f"../{number}", b"x") for number in range(3)]

    with pytest.raises(PackageError) as caught:
        unpack(gzip.compress(tar_of(*members, member("l", kind=tarfile.SYMTYPE))))

    for wanted in ("`../0`", "`../1`", "`../2`", "`l` is a symbolic link"):
        assert wanted in str(caught.value)


def test_a_decompression_bomb_is_refused_before_it_fills_the_disk(unpack):
    bomb = gzip.compress(tar_of(member("model.onnx", bytes(80 * 1024**2))))
    assert len(bomb) < 100_000

    with pytest.raises(PackageError, match=r"unpacked it has more than the 6[0-9]{7} bytes"):
        unpack(bomb)


def test_endless_zeros_behind_the_end_are_refused(unpack):
    with pytest.raises(PackageError, match="unpacked it has more than"):
        unpack(gzip.compress(tar_of(GOOD) + bytes(80 * 1024**2)))


def test_members_that_are_too_large_together_are_refused(unpack):
    members = [member(str(number), bytes(1500)) for number in range(4)]

    with pytest.raises(PackageError, match="more than the 7000 bytes"):
        unpack(gzip.compress(tar_of(*members)), limit_bytes=7000)


def test_many_small_members_are_refused(unpack, monkeypatch):
    monkeypatch.setattr(unpacking, "MEMBERS_LIMIT", 3)

    with pytest.raises(PackageError, match="more than 3 members"):
        unpack(gzip.compress(tar_of(*(member(str(number), b"x") for number in range(4)))))


def test_the_limit_can_be_set(unpack):
    with pytest.raises(PackageError, match="more than the 2000 bytes"):
        unpack(gzip.compress(tar_of(member("model.onnx", bytes(1500)))), limit_bytes=2000)


def test_a_good_archive_comes_out_whole(unpack):
    tar = tar_of(GOOD, member("weights/w.bin", b"w" * 600), member("empty", b""))

    assert unpack(gzip.compress(tar)) == {
        "model.onnx": b"weights",
        "weights/w.bin": b"w" * 600,
        "empty": b"",
    }


def test_a_member_larger_than_one_read_comes_out_whole(unpack):
    content = os.urandom(3 * 1024**2 + 17)

    assert unpack(gzip.compress(tar_of(member("model.onnx", content)))) == {"model.onnx": content}


def test_names_that_begin_with_a_dot_and_folders_are_taken(unpack):
    tar = tar_of(
        member("./", kind=tarfile.DIRTYPE),
        member("./a/", kind=tarfile.DIRTYPE),
        member("./a/w.bin", b"w"),
    )

    assert unpack(gzip.compress(tar)) == {"a/w.bin": b"w"}


def test_what_modelway_packs_is_unpacked(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"weights" * 100_000)
    write_archive(tmp_path / "m.onnx", tmp_path / "model.tar.gz", {"input_rules.json": b"{}"})

    open_archive(tmp_path / "model.tar.gz", tmp_path / "out")

    assert (tmp_path / "out/model.onnx").read_bytes() == b"weights" * 100_000
    assert (tmp_path / "out/input_rules.json").read_bytes() == b"{}"


def test_what_tar_packs_as_ustar_is_unpacked(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/model.onnx").write_bytes(b"weights")
    command = ["tar", "--format=ustar", "-C", "in", "-czf", "model.tar.gz", "."]
    subprocess.run(command, cwd=tmp_path, check=True)

    open_archive(tmp_path / "model.tar.gz", tmp_path / "out")

    assert (tmp_path / "out/model.onnx").read_bytes() == b"weights"


def test_modes_of_the_archive_are_not_taken(tmp_path, unpack):
    unpack(gzip.compress(tar_of(member("model.onnx", b"x", mode=0o6777))))

    assert (tmp_path / "there/out/model.onnx").stat().st_mode & 0o7111 == 0


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, unpack):
    (tmp_path / "there/out").mkdir(parents=True)
    (tmp_path / "there/out/mine").write_text("mine")
    (tmp_path / "m.tar.gz").write_bytes(gzip.compress(tar_of(GOOD)))

    with pytest.raises(PackageError, match="is there already; name a folder that is not"):
        open_archive(tmp_path / "m.tar.gz", tmp_path / "there/out")

    assert [path.name for path in (tmp_path / "there/out").iterdir()] == ["mine"]


def test_a_link_in_the_folders_place_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to("elsewhere")
    (tmp_path / "m.tar.gz").write_bytes(gzip.compress(tar_of(GOOD)))

    with pytest.raises(PackageError, match="is there already"):
        open_archive(tmp_path / "m.tar.gz", tmp_path / "out")

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_archive_that_is_not_there_is_told_of(tmp_path):
    with pytest.raises(PackageError, match="No such file or directory"):
        open_archive(tmp_path / "m.tar.gz", tmp_path / "out")

"""Whatever bytes an archive has, it is unpacked or refused, and nothing is written elsewhere."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.errors import PackageError
from modelway.package.unpacking import open_archive


def good_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("model.onnx", "weights/w.bin"):
            info = tarfile.TarInfo(name)
            info.size = 7
            tar.addfile(info, io.BytesIO(b"weights"))
    return file.getvalue()[:3072]


GOOD = good_tar()
EDITS = st.lists(
    st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=12)), max_size=4
)
NAMES = st.text(min_size=1, max_size=40).map(lambda name: name.encode(errors="replace")[:100])


def with_checksums(tar):
    """So that what is behind the check of checksums is reached."""
    for start in range(0, len(tar) - 511, 512):
        if tar[start + 257 : start + 262] == b"ustar":
            tar[start + 148 : start + 156] = b" " * 8
            tar[start + 148 : start + 156] = b"%06o\0 " % sum(tar[start : start + 512])
    return bytes(tar)


def unpacked(content):
    """Give what was unpacked, or None where it was refused, and the files that lie elsewhere."""
    with tempfile.TemporaryDirectory() as temporary:
        inner = Path(temporary) / "a/b/c"
        inner.mkdir(parents=True)
        archive = inner / "model.tar.gz"
        archive.write_bytes(content)
        before = set(Path(temporary).rglob("*"))
        out = inner / "out"
        try:
            open_archive(archive, out)
        except PackageError:
            return None, set(Path(temporary).rglob("*")) - before
        new = set(Path(temporary).rglob("*")) - before
        inside = {path for path in new if path == out or out in path.parents}
        links = {path for path in new if path.is_symlink()}
        members = {
            path.relative_to(out).as_posix(): path.read_bytes() for path in new if path.is_file()
        }
        return members, (new - inside) | links


@given(EDITS)
@settings(max_examples=300, deadline=None)
def test_edited_archives_are_unpacked_or_refused(edits):
    tar = bytearray(GOOD)
    for position, content in edits:
        tar[position : position + len(content)] = content

    _, elsewhere = unpacked(gzip.compress(with_checksums(tar[: len(GOOD)])))

    assert elsewhere == set()


@given(NAMES)
@settings(max_examples=200, deadline=None)
def test_names_of_members_stay_inside(name):
    tar = bytearray(GOOD)
    tar[:100] = name.ljust(100, b"\0")

    _, elsewhere = unpacked(gzip.compress(with_checksums(tar)))

    assert elsewhere == set()


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_unpacked_or_refused(content):
    assert unpacked(content) == (None, set())

    members, elsewhere = unpacked(gzip.compress(content))
    assert members in (None, {})
    assert elsewhere == set()


def test_the_archive_that_is_edited_is_good():
    members, elsewhere = unpacked(gzip.compress(with_checksums(bytearray(GOOD))))

    assert members == {"model.onnx": b"weights", "weights/w.bin": b"weights"}
    assert elsewhere == set()

"""Files of predictions: whole lines, whole files, a bounded folder."""

import errno
import fcntl
import gzip
import json
import os
import re
import signal
import time

import pytest

from model_server.observe.errors import SinkFailed
from model_server.observe.records import Bodies, Lines
from model_server.observe.sinks import file_sink
from model_server.observe.sinks.file_sink import FileSink
from model_server.observe.sinks.folder import Folder, Names


def make(path, deleted=None, disk_bytes=1 << 30, **options):
    gone = [] if deleted is None else deleted
    settings = {"file_bytes": 1 << 20, "file_seconds": 3600.0} | options
    sink = FileSink(Folder(path, disk_bytes, gone.append), Lines(Bodies(1_000_000)), **settings)
    sink.open()
    return sink


def names(path):
    return sorted(found.name for found in path.iterdir())


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_lines_of_a_part_file_that_gets_its_name_when_it_is_finished(tmp_path, record):
    sink = make(tmp_path / "log")
    sink.add(record(id="a"))
    sink.add(record(id="b"))

    sink.put()
    during = names(tmp_path / "log")
    sink.close()
    after = names(tmp_path / "log")

    assert len(during) == len(after) == 1
    assert during[0] == f"{after[0]}.part"
    assert after[0].startswith("predictions-20")
    assert after[0].endswith(".jsonl")
    assert [line["id"] for line in lines_of(tmp_path / "log" / after[0])] == ["a", "b"]
    assert (sink.safe, sink.pending) == (2, 0)


def test_others_may_not_read_the_predictions(tmp_path, record):
    sink = make(tmp_path / "log")
    sink.add(record())
    sink.put()
    sink.close()

    [name] = names(tmp_path / "log")
    assert (tmp_path / "log").stat().st_mode & 0o777 & 0o027 == 0
    assert (tmp_path / "log" / name).stat().st_mode & 0o777 == 0o640


def test_without_records_there_is_no_file(tmp_path):
    sink = make(tmp_path / "log")

    sink.idle(time.monotonic())
    sink.close()

    assert names(tmp_path / "log") == []


def test_a_file_is_finished_when_it_is_long_enough(tmp_path, record):
    sink = make(tmp_path, file_bytes=2000)

    for number in range(20):
        sink.add(record(id=f"r-{number}"))
        sink.put()
    sink.close()

    found = names(tmp_path)
    sizes = [(tmp_path / name).stat().st_size for name in found]
    assert len(found) == 4
    assert all(2000 <= size < 2600 for size in sizes[:-1])
    ids = [line["id"] for name in found for line in lines_of(tmp_path / name)]
    assert ids == [f"r-{number}" for number in range(20)]


def test_a_file_is_finished_when_it_is_old_enough(tmp_path, record):
    sink = make(tmp_path, file_seconds=10.0)
    sink.add(record())
    sink.put()

    sink.idle(time.monotonic() + 9.0)
    young = names(tmp_path)
    sink.idle(time.monotonic() + 10.0)
    old = names(tmp_path)

    assert young[0].endswith(".jsonl.part")
    assert old[0].endswith(".jsonl")
    sink.close()


def test_finished_files_are_compressed_where_that_is_asked_for(tmp_path, record):
    sink = make(tmp_path, file_bytes=1, compress=True)
    for number in range(3):
        sink.add(record(id=f"r-{number}"))
        sink.put()

    sink.close()

    found = names(tmp_path)
    assert [name[-9:] for name in found] == [".jsonl.gz"] * 3
    ids = [json.loads(gzip.decompress((tmp_path / name).read_bytes()))["id"] for name in found]
    assert ids == ["r-0", "r-1", "r-2"]


def test_a_compression_that_fails_leaves_the_file_as_it_is(tmp_path, record, monkeypatch):
    def no_space(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_sink.shutil, "copyfileobj", no_space)
    sink = make(tmp_path, file_bytes=1, compress=True)
    sink.add(record(id="r-1"))
    sink.put()
    sink.close()

    [name] = names(tmp_path)
    assert lines_of(tmp_path / name)[0]["id"] == "r-1"


def test_the_oldest_finished_files_are_deleted_to_stay_below_the_limit(tmp_path, record):
    deleted = []
    sink = make(tmp_path, deleted, disk_bytes=5000, file_bytes=1000)

    for number in range(40):
        sink.add(record(id=f"r-{number}"))
        sink.put()
        assert sum(found.stat().st_size for found in tmp_path.iterdir()) <= 5000 + 600
    sink.close()

    ids = [line["id"] for name in names(tmp_path) for line in lines_of(tmp_path / name)]
    assert ids[-1] == "r-39"
    assert len(ids) >= 5
    assert len(deleted) + len(names(tmp_path)) == 14
    assert sink.safe == 40


def test_a_file_that_another_worker_writes_is_never_deleted(tmp_path, record):
    other = make(tmp_path)
    other.add(record(id="other"))
    other.put()
    sink = make(tmp_path, disk_bytes=1, file_bytes=500)

    for number in range(5):
        sink.add(record(id=f"r-{number}"))
        sink.put()
    other.close()
    sink.close()

    ids = {line["id"] for name in names(tmp_path) for line in lines_of(tmp_path / name)}
    assert "other" in ids


class FullDisk:
    """The system's calls on a disk that takes a few bytes more."""

    def __init__(self, room, patch):
        self.room = room
        self.real = os.write
        patch.setattr(file_sink.os, "write", self.write)
        patch.setattr(file_sink.os, "writev", lambda to, pieces: self.write(to, b"".join(pieces)))

    def write(self, descriptor, data):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self.real(descriptor, bytes(data[: self.room]))
        self.room -= count
        return count


LONG = b'{"instances": [%s]}' % b", ".join([b"1"] * 20_000)


@pytest.mark.parametrize("body", [b'{"instances": [1]}', LONG], ids=["short", "long"])
def test_a_full_disk_leaves_no_half_line_and_loses_nothing_once_there_is_room(
    tmp_path, record, monkeypatch, body
):
    sink = make(tmp_path)
    sink.add(record(id="a"))
    sink.put()
    size = next(tmp_path.iterdir()).stat().st_size
    sink.add(record(id="b", request=body))
    sink.add(record(id="c", request=body))

    with monkeypatch.context() as patch:
        FullDisk(len(body) + 500, patch)
        with pytest.raises(SinkFailed, match="No space left"):
            sink.put()
    assert next(tmp_path.iterdir()).stat().st_size == size
    assert (sink.safe, sink.pending) == (1, 2)
    sink.put()
    sink.close()

    [name] = names(tmp_path)
    assert [line["id"] for line in lines_of(tmp_path / name)] == ["a", "b", "c"]
    assert lines_of(tmp_path / name)[2]["request"] == json.loads(body)
    assert sink.safe == 3


def test_what_the_system_takes_in_parts_is_written_whole(tmp_path, record, monkeypatch):
    real = os.writev
    sink = make(tmp_path)
    sink.add(record(id="a", request=LONG))
    sink.add(record(id="b"))

    monkeypatch.setattr(file_sink.os, "writev", lambda to, pieces: real(to, pieces[:2]))
    sink.put()
    sink.close()

    [name] = names(tmp_path)
    assert [line["id"] for line in lines_of(tmp_path / name)] == ["a", "b"]
    assert sink.safe == 2


def test_more_pieces_than_one_call_takes_are_written_in_order(tmp_path, record):
    sink = make(tmp_path, file_bytes=1 << 30)
    ids = [f"r-{number}" for number in range(file_sink.MOST_PIECES)]  # of six pieces each
    for number in ids:
        sink.add(record(id=number, request=LONG[:4_000] + b"]}"))
    sink.put()
    sink.close()

    [name] = names(tmp_path)
    assert re.findall(r'"id":"([^"]+)"', (tmp_path / name).read_text()) == ids


def test_a_disk_that_is_really_full_is_told_and_survived(tmp_path, record):
    # A limit of the file's size stands in for a small disk: writes fail with EFBIG as they would
    # with ENOSPC, after a part of the data.
    import resource  # not on every system

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    sink = make(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        for number in range(4):
            sink.add(record(id=f"r-{number}"))
        with pytest.raises(SinkFailed):
            sink.put()
        assert next(tmp_path.iterdir()).stat().st_size == 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    sink.put()
    sink.close()

    [name] = names(tmp_path)
    assert len(lines_of(tmp_path / name)) == 4


def test_what_is_given_up_is_not_written_later(tmp_path, record):
    sink = make(tmp_path)
    sink.add(record(id="a"))

    assert sink.abandon() == 1

    sink.add(record(id="b"))
    sink.put()
    sink.close()
    [name] = names(tmp_path)
    assert [line["id"] for line in lines_of(tmp_path / name)] == ["b"]


def test_a_file_left_behind_by_a_killed_process_is_finished_without_its_torn_line(tmp_path, record):
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        sink = make(tmp_path)
        sink.add(record(id="a"))
        sink.put()
        os.write(sink._descriptor, b'{"id":"half')
        os.write(told, b".")
        signal.pause()
    os.read(ready, 1)
    running = make(tmp_path)
    running.close()
    during = names(tmp_path)

    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(ready)
    os.close(told)
    make(tmp_path).close()

    assert during[0].endswith(".part")
    [name] = names(tmp_path)
    assert name.endswith(".jsonl")
    assert [line["id"] for line in lines_of(tmp_path / name)] == ["a"]


def test_a_part_file_without_a_whole_line_is_removed(tmp_path):
    (tmp_path / "predictions-x.jsonl.part").write_bytes(b"half")
    (tmp_path / "predictions-y.parquet.part").write_bytes(b"PAR1....")
    (tmp_path / "notes.part").write_bytes(b"not ours")

    make(tmp_path).close()

    assert names(tmp_path) == ["notes.part"]


def test_a_long_torn_line_is_cut_off_too(tmp_path):
    path = tmp_path / "predictions-x.jsonl.part"
    path.write_bytes(b'{"id":"a"}\n' + b"x" * 3_000_000)

    make(tmp_path).close()

    assert (tmp_path / "predictions-x.jsonl").read_bytes() == b'{"id":"a"}\n'


def test_a_stale_temporary_file_is_removed_and_a_fresh_one_is_left(tmp_path):
    stale, fresh = tmp_path / ".predictions-a.jsonl.gz", tmp_path / ".predictions-b.jsonl.gz"
    stale.write_bytes(b"x")
    fresh.write_bytes(b"x")
    os.utime(stale, (1, 1))

    make(tmp_path).close()

    assert names(tmp_path) == [".predictions-b.jsonl.gz"]


def test_a_part_file_is_locked_from_the_moment_it_can_be_seen(tmp_path, record):
    sink = make(tmp_path)
    sink.add(record())
    sink.put()

    [path] = tmp_path.iterdir()
    with path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    sink.close()


def test_a_folder_that_is_removed_is_made_again(tmp_path, record):
    sink = make(tmp_path / "log", file_bytes=1)
    sink.add(record(id="a"))
    sink.put()
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    (tmp_path / "log").rmdir()

    sink.add(record(id="b"))
    sink.put()
    sink.close()

    [name] = names(tmp_path / "log")
    assert lines_of(tmp_path / "log" / name)[0]["id"] == "b"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SinkFailed, match="cannot be used"):
        make(tmp_path / "file" / "log")


def test_names_are_in_order_and_never_the_same():
    given = Names()

    names = [given.next() for _ in range(3)]

    assert sorted(names) == names
    assert len(set(names)) == 3
    assert names[0].endswith("-000001")
    assert f"-{os.getpid()}-" in names[0]

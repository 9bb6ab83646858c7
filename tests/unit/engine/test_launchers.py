import os

import pytest

from modelway.engine.launchers import ensure_launchers, launcher_text
from modelway.errors import EngineError


def test_a_launcher_replaces_itself_by_the_interpreter_with_its_path_quoted():
    assert launcher_text("/a b/python", "package.module") == (
        "#!/bin/sh\nexec '/a b/python' -P -u -m package.module \"$@\"\n"
    )


def test_launchers_are_executable_and_made_once(cache):
    first = ensure_launchers(cache)
    stamp = (first / "pulumi-language-python").stat().st_mtime_ns

    second = ensure_launchers(cache)

    assert second == first
    assert (second / "pulumi-language-python").stat().st_mtime_ns == stamp
    assert all(os.access(file, os.X_OK) for file in first.iterdir())


def test_each_interpreter_has_its_own_launchers(cache):
    one = ensure_launchers(cache, interpreter="/one/python")
    other = ensure_launchers(cache, interpreter="/other/python")

    assert one != other
    assert "/one/python" in (one / "pulumi-resource-pulumi-python").read_text()


def test_a_rebuilt_engine_is_linked_anew(cache, tmp_path):
    engine = tmp_path / "pulumi"
    engine.write_text("old")
    old = ensure_launchers(cache, engine)
    engine.unlink()
    engine.write_text("newer")

    new = ensure_launchers(cache, engine)

    assert (old / "pulumi").read_text() == "old"
    assert (new / "pulumi").read_text() == "newer"


def test_an_interpreter_that_does_not_know_itself_is_refused(cache):
    with pytest.raises(EngineError, match=r"sys\.executable is empty"):
        ensure_launchers(cache, interpreter="")

    assert not cache.exists()

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelway.engine import ensure_engine, find_engine
from modelway.engine.locate import built_directory, official_directory
from modelway.errors import EngineError


def add_cached(directory: Path) -> Path:
    executable = directory / "bin" / "pulumi"
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/bin/sh\necho v0.0.0\n")
    executable.chmod(0o755)
    return executable


def test_nothing_is_found_on_an_empty_machine(cache, tmp_path):
    assert find_engine(path=str(tmp_path), cache=cache) is None
    assert not cache.exists()


def test_a_supported_pulumi_on_path_comes_first(cache, tmp_path, add_pulumi):
    add_cached(official_directory(cache))
    add_cached(built_directory(cache))
    executable = add_pulumi(tmp_path / "bin", "3.250.1")

    engine = find_engine(path=str(tmp_path / "bin"), cache=cache)

    assert (engine.executable, engine.version, engine.origin) == (executable, "3.250.1", "path")
    assert engine.path_entries == ()


def test_the_official_release_comes_before_the_built_engine(cache, tmp_path):
    executable = add_cached(official_directory(cache))
    add_cached(built_directory(cache))

    engine = find_engine(path=str(tmp_path), cache=cache)

    assert (engine.executable, engine.origin) == (executable, "official")
    assert engine.path_entries == (executable.parent,)


def test_a_built_engine_comes_with_hosts_beside_it(cache, tmp_path):
    add_cached(built_directory(cache))

    engine = find_engine(path=str(tmp_path), cache=cache)

    assert (engine.version, engine.origin) == ("3.225.0", "built")
    assert engine.path_entries == (engine.executable.parent,)
    assert sorted(file.name for file in engine.executable.parent.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-resource-pulumi-python",
    ]


def test_an_unsupported_pulumi_on_path_is_passed_over(cache, tmp_path, add_pulumi):
    add_pulumi(tmp_path / "old", "3.224.0")
    add_pulumi(tmp_path / "new", "4.0.0")
    right = add_pulumi(tmp_path / "right", "3.225.0")

    path = os.pathsep.join(str(tmp_path / name) for name in ("old", "new", "right"))

    engine = find_engine(path=path, cache=cache)

    assert engine.executable == right
    assert engine.path_entries == (tmp_path / "right",)


def test_a_pulumi_without_a_language_host_is_given_ours(cache, tmp_path, add_pulumi):
    add_pulumi(tmp_path / "bin", "3.250.1", host=False)

    engine = find_engine(path=str(tmp_path / "bin"), cache=cache)

    [hosts] = engine.path_entries
    assert (hosts / "pulumi-language-python").is_file()
    assert not (hosts / "pulumi").exists()


def test_the_caches_own_engine_on_path_is_still_the_built_one(cache, tmp_path):
    add_cached(built_directory(cache))
    entries = find_engine(path=str(tmp_path), cache=cache).path_entries

    engine = find_engine(path=str(entries[0]), cache=cache)

    assert engine.origin == "built"


def test_without_an_engine_and_offline_the_error_says_what_is_missing_and_how_to_get_it(
    cache, tmp_path
):
    with pytest.raises(EngineError) as refused:
        ensure_engine(path=str(tmp_path), cache=cache, offline=True)

    message = str(refused.value)
    assert "no `pulumi` >= 3.225.0, < 4 on PATH" in message
    assert str(cache) in message
    assert "MODELWAY_ENGINE_OFFLINE" in message
    assert "`modelway doctor --setup`" in message
    assert not cache.exists()


def test_the_offline_variable_is_honoured(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELWAY_ENGINE_OFFLINE", "1")

    with pytest.raises(EngineError, match="forbids downloading"):
        ensure_engine(path=str(tmp_path), cache=cache)


def test_when_neither_download_nor_build_work_the_error_has_both_reasons(cache, tmp_path, fake_go):
    fake_go("echo 'dial tcp: connection refused' >&2; exit 1")

    with pytest.raises(EngineError) as failed:
        ensure_engine(path=str(tmp_path), cache=cache)

    message = str(failed.value)
    assert "downloading Pulumi 3." in message
    assert "dial tcp: connection refused" in message
    assert "Traceback" not in message
    assert sorted(file for file in cache.rglob("*") if file.is_file()) == [cache / "lock"]


def test_an_engine_that_cannot_be_downloaded_is_built(cache, tmp_path, fake_go):
    fake_go('printf \'#!/bin/sh\\necho v3.225.0\\n\' > "$out"; chmod 755 "$out"')
    lines = []

    engine = ensure_engine(lines.append, path=str(tmp_path), cache=cache)

    assert engine.origin == "built"
    assert lines[0].startswith("looking for the official release of Pulumi 3.")
    assert lines[1:] == [
        "building the Pulumi engine from source, about 2 minutes, once per machine"
    ]


def test_several_callers_at_once_build_one_engine(cache, tmp_path, fake_go):
    built = tmp_path / "built"
    fake_go(
        f"echo once >> {built}; sleep 0.3\n"
        'printf \'#!/bin/sh\\necho v3.225.0\\n\' > "$out"; chmod 755 "$out"'
    )

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(ensure_engine, path=str(tmp_path), cache=cache) for _ in range(4)]
        engines = {call.result() for call in calls}

    assert len(engines) == 1
    assert built.read_text() == "once\n"


def test_what_a_killed_builder_left_is_cleared(cache, tmp_path, fake_go):
    left = built_directory(cache).parent / ".built-abc" / "bin"
    left.mkdir(parents=True)
    fake_go('printf \'#!/bin/sh\\necho v3.225.0\\n\' > "$out"; chmod 755 "$out"')

    ensure_engine(path=str(tmp_path), cache=cache)

    assert [entry.name for entry in built_directory(cache).parent.iterdir()] == ["built"]


def test_a_cache_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(EngineError, match="getting the Pulumi engine into"):
        ensure_engine(path=str(tmp_path), cache=tmp_path / "file" / "cache")

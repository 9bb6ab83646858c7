"""Stand-ins for programs: small scripts that answer as `pulumi` and `go` would."""

import os
from pathlib import Path

import pytest


def write_script(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def add_pulumi():
    """Write a `pulumi` that answers one version, with its language host beside it."""

    def add(directory: Path, version: str, *, host: bool = True) -> Path:
        if host:
            write_script(directory / "pulumi-language-python", "exit 0")
        return write_script(directory / "pulumi", f"echo v{version}")

    return add


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a `go` on PATH, before all else, whose `build` runs the given shell lines."""

    def put(build: str, version: str = "go1.26.0") -> Path:
        script = write_script(
            tmp_path / "go-bin" / "go",
            f'if [ "$1" = env ]; then echo {version}; exit 0; fi\n'
            'while [ "$1" != -o ]; do shift; done\nout="$2"\n'
            'mkdir -p "$(dirname "$out")"\n' + build,
        )
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
        return script

    return put

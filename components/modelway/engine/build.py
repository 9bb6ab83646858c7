"""Builds the Pulumi engine from its Go module.

Takes go.mod and go.sum, which lie beside this file and pin every module by hash, gives a directory
with `bin/pulumi`. It must not write beside this file, which may be installed read-only, and must
not let the user's Go settings loosen the verification.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from modelway.engine.cache import Progress, silent, workshop
from modelway.engine.toolchain import ensure_go
from modelway.engine.version import BUILT_VERSION, ask_version
from modelway.errors import EngineError

MODULE_FILES = tuple(Path(__file__).with_name(name) for name in ("go.mod", "go.sum"))

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"

BUILD_SECONDS = 1800.0
"""How long a build may take: about 2 minutes on 2 cores, and much longer on a busy machine."""

REPORT_SECONDS = 20.0
"""How often a build says that it is still going on."""


def build_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Give Go's environment: the user's caches and proxies, but this build's own rules."""
    ours = {
        "CGO_ENABLED": "0",  # no C compiler is needed, and the result runs on any libc
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    foreign = {"GOARCH", "GOOS", "GOEXPERIMENT", "GOROOT"}
    return {name: value for name, value in base.items() if name not in foreign} | ours


def build_engine(directory: Path, progress: Progress = silent) -> None:
    """Build the engine and move it to `directory`.

    Args:
        directory: where it goes, whole or not at all; its grandparent is the cache.
        progress: told why this takes long, and that it goes on.

    Raises:
        EngineError: Go is not to be had, a module cannot be downloaded or has another hash, or the
            build fails.
    """
    go = ensure_go(directory.parent.parent, progress)
    progress("building the Pulumi engine from source, about 2 minutes, once per machine")
    with workshop(directory) as made:
        executable = made / "bin" / "pulumi"
        with tempfile.TemporaryDirectory(prefix="modelway-engine-") as source:
            for file in MODULE_FILES:
                shutil.copyfile(file, Path(source, file.name))
            _run_build(go, Path(source), executable, progress)
        if ask_version(executable) != BUILT_VERSION:
            raise EngineError(
                f"building the Pulumi engine: the result does not answer {BUILT_VERSION} to "
                "`pulumi version`"
            )


def _run_build(go: Path, source: Path, executable: Path, progress: Progress) -> None:
    """Run `go build`, reporting from time to time."""
    log = source / "build.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                go,
                "build",
                "-ldflags",
                f"-s -w -X {VERSION_VARIABLE}=v{BUILT_VERSION}",
                "-o",
                executable,
                PACKAGE,
            ],
            cwd=source,
            env=build_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        started = time.monotonic()
        try:
            while process.poll() is None:
                elapsed = time.monotonic() - started
                if elapsed > BUILD_SECONDS:
                    raise EngineError(
                        f"building the Pulumi engine: not done after {BUILD_SECONDS:.0f} seconds"
                    )
                try:
                    process.wait(REPORT_SECONDS)
                except subprocess.TimeoutExpired:
                    progress(f"still building the Pulumi engine ({elapsed + REPORT_SECONDS:.0f} s)")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        lines = [
            line
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
            if not line.startswith("go: downloading")
        ]
        raise EngineError("building the Pulumi engine with Go:\n    " + "\n    ".join(lines[-8:]))

"""Downloads Pulumi's official release into the cache.

Takes the version of the installed SDK, gives a directory with `bin/pulumi` and its hosts. The
download itself is the SDK's (`pulumi.automation.PulumiCommand.install`). It must not keep a machine
without internet waiting, nor print a traceback there.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from modelway.engine.cache import Progress, silent, workshop
from modelway.engine.version import ask_version, official_version, parse_version
from modelway.errors import EngineError

CONNECT_SECONDS = 5.0
"""How long one network operation of the first download, a script of some kB, may take."""

FIRST_ANSWER_SECONDS = 15.0
"""How long the script may take in all: a resolver without a network gives up only after many."""

DOWNLOAD_SECONDS = 300.0
"""How long the whole release, some 100 MB, may take."""

_INSTALL = """
import socket, sys
import pulumi.automation._cmd as command
from semver import VersionInfo

socket.setdefaulttimeout(float(sys.argv[3]))
fetch = command._download_to_file

def fetch_and_tell(url, path):
    fetch(url, path)
    print("script", flush=True)

command._download_to_file = fetch_and_tell
try:
    command.PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
"""Runs in a process of its own, which can be stopped: the SDK's download has no time-out."""


def download_official(directory: Path, progress: Progress = silent) -> None:
    """Download the official release and move it to `directory`.

    Args:
        directory: where it goes, whole or not at all.
        progress: told before, and when a download really begins.

    Raises:
        EngineError: it could not be downloaded, or what came does not run.
    """
    version = official_version()
    progress(f"looking for the official release of Pulumi {version}")
    with workshop(directory) as made:
        _run_installer(made, version, progress)
        answer = ask_version(made / "bin" / "pulumi")
        if answer is None or parse_version(answer) != parse_version(version):
            raise EngineError(
                f"downloading Pulumi {version}: the downloaded program answers "
                f"{answer!r} to `pulumi version`"
            )


def _run_installer(root: Path, version: str, progress: Progress) -> None:
    """Run the SDK's installer with a limit on its first answer and on the whole."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _INSTALL, str(root), version, str(CONNECT_SECONDS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the installer is a shell script with children
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    try:
        try:
            _, errors = process.communicate(timeout=FIRST_ANSWER_SECONDS)
        except subprocess.TimeoutExpired as waiting:
            if b"script" not in (waiting.stdout or b""):
                raise
            progress(f"downloading Pulumi {version}, some 100 MB, once per machine")
            _, errors = process.communicate(timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired as slow:
        raise EngineError(
            f"downloading Pulumi {version}: no answer within {slow.timeout:.0f} seconds"
        ) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        reason = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise EngineError(f"downloading Pulumi {version}: {reason}")

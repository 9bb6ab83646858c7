"""Which engines modelway works with.

Takes the text that `pulumi version` prints, gives numbers to compare. It must not run anything
but `pulumi version`.
"""

import os
import re
import subprocess
from importlib.metadata import version as installed_version
from pathlib import Path

BUILT_VERSION = "3.225.0"
"""What go.mod pins. From v3.260.0 on the engine can no longer be downloaded as a Go module."""

MINIMUM = (3, 225, 0)
"""The oldest engine that modelway is tested with."""

BELOW = (4, 0, 0)
"""The first engine that is not supported: its major version may change what programs rely on."""

SUPPORTED = ">= 3.225.0, < 4"

ASK_SECONDS = 20.0
"""How long `pulumi version` may take: a fraction of a second, more on a busy machine."""


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Read `v3.225.0`, with or without `v` and with any suffix; None for anything else."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?![\d.])", text.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def is_supported(text: str) -> bool:
    """Say whether an engine of this version may be used."""
    numbers = parse_version(text)
    return numbers is not None and MINIMUM <= numbers < BELOW


def official_version() -> str:
    """Name the official release to download: the one that the installed SDK belongs to."""
    return installed_version("pulumi")


def ask_version(executable: Path) -> str | None:
    """Run `pulumi version`.

    Returns:
        The version without `v`, or None when the program does not answer with one.
    """
    environment = {
        "HOME": os.environ.get("HOME", "/"),
        "PATH": os.environ.get("PATH", os.defpath),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    try:
        answer = subprocess.run(
            [executable, "version"],
            capture_output=True,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=ASK_SECONDS,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return answer.removeprefix("v") if parse_version(answer) else None

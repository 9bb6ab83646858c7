"""Pins a spec's packages with hashes, for the Python of the model server's image.

Takes requirements as people write them, gives a file that pip installs with `--require-hashes` and
that agrees with the model server's own packages. uv or pip-tools resolves, with the user's own
configuration of the index. Nothing is installed, and nothing of what is resolved is run.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from modelway.errors import ImageError
from modelway.image.context import server_requirements

LOCK_SECONDS = 300
"""Longest time of a resolution."""

PYTHON = "3.11"
"""The oldest Python that the image may have (serving_image/pyproject.toml)."""

LAST_LINES = 12


def locked(packages: Sequence[str], variant: str) -> str:
    """Give the text of a file of pinned packages.

    Args:
        packages: as pip names them, such as `tinydb>=4`.
        variant: `cpu` or `cuda`: whose own packages they must agree with.

    Raises:
        ImageError: there is neither uv nor pip-tools, or the packages cannot be resolved.
    """
    constraints = str(server_requirements(variant))
    try:
        done = subprocess.run(
            [*_resolver(), "--constraint", constraints, "-"],
            input="\n".join(packages) + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOCK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ImageError(
            f"locking packages: resolving took more than {LOCK_SECONDS} s; see whether the "
            "package index answers, then try again"
        ) from None
    if done.returncode != 0:
        said = "\n  ".join(done.stderr.strip().splitlines()[-LAST_LINES:])
        raise ImageError(
            f"locking packages: {', '.join(packages)} cannot be resolved together with the model "
            f"server's own packages ({constraints}). Allow other versions in `image.packages`:\n"
            f"  {said}"
        )
    return done.stdout


def _resolver() -> list[str]:
    uv = shutil.which("uv")
    if uv is not None or find_spec("uv") is not None:
        command = [sys.executable, "-m", "uv"] if uv is None else [uv]
        return [
            *command,
            *("pip", "compile", "--quiet", "--universal", "--python-version", PYTHON),
            *("--generate-hashes", "--no-header", "--no-annotate"),
            *("--no-emit-index-url", "--no-emit-find-links"),
        ]
    if find_spec("piptools") is not None:
        return [
            *(sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes"),
            *("--no-header", "--no-annotate", "--no-emit-index-url", "--output-file", "-"),
        ]
    raise ImageError(
        "locking packages: neither uv nor pip-tools is installed; run `pip install uv`, or write "
        "the file yourself with `pip-compile --generate-hashes`"
    )

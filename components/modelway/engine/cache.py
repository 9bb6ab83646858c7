"""Where engines are kept: one directory per version in the user's cache.

Takes the environment's XDG_CACHE_HOME, gives directories and a lock between processes. It must
not put anything half-made where `find_engine` looks: makers work in `workshop` and move the
result into place in one step.
"""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from modelway.cache import user_cache

Progress = Callable[[str], None]
"""Takes one line for the user; called only for steps that take seconds or more."""


def silent(_line: str) -> None:
    """Drop a line of progress."""


def cache_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Give `${XDG_CACHE_HOME:-~/.cache}/modelway/engine`; it need not exist.

    Args:
        environment: where to read XDG_CACHE_HOME; default: this process's environment.
    """
    return user_cache("engine", environment)


@contextlib.contextmanager
def exclusive(cache: Path, progress: Progress = silent) -> Iterator[None]:
    """Let one process at a time make an engine; the others wait and then find it made.

    Args:
        cache: the cache directory; made when missing.
        progress: told once when another process has to be waited for.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that is setting up the Pulumi engine")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def workshop(final: Path) -> Iterator[Path]:
    """Give an empty directory beside `final` and move it there when the block ends without error.

    Args:
        final: the directory to make.

    Raises:
        OSError: `final` exists by now and is not empty.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        yield made
        made.chmod(0o755)  # mkdtemp's directories are private
        made.rename(final)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def clear_workshops(final: Path) -> None:
    """Remove what makers of `final` left that were killed; only under `exclusive`."""
    for left in final.parent.glob(f".{final.name}-*"):
        shutil.rmtree(left, ignore_errors=True)

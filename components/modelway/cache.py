"""Where modelway keeps what it downloads, builds or derives: one folder per user.

Takes the environment's XDG_CACHE_HOME, gives a path that need not exist. Everything below it can be
deleted at any time and is made again. It must not hold what cannot be made again.
"""

import os
from collections.abc import Mapping
from pathlib import Path


def user_cache(part: str, environment: Mapping[str, str] | None = None) -> Path:
    """Give `${XDG_CACHE_HOME:-~/.cache}/modelway/<part>`.

    Args:
        part: `engine`, `server`, `archives`, `packages` or `tensors`.
        environment: where to read XDG_CACHE_HOME. Default: this process's environment. A relative
            value is ignored, as the XDG base directory specification says.
    """
    configured = (os.environ if environment is None else environment).get("XDG_CACHE_HOME", "")
    base = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return base / "modelway" / part

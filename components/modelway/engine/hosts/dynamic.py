"""Serves dynamic resources to the engine, and ends when the engine is gone.

Takes the engine's arguments, gives the SDK's own dynamic provider (`python -m pulumi.dynamic`).
It must keep the working directory on the module path: a serialised provider names the program's
modules, and the engine starts this process in the program's directory.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from modelway.engine.hosts.lifeline import follow_parent, follow_signals

CALLS_AT_A_TIME = 32
"""Endpoints that come up at once. The engine itself asks for no more than its `--parallel`."""


def main() -> None:
    """Run the SDK's dynamic provider."""
    follow_signals()
    follow_parent()
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib is an import that only this line needs
    from pulumi.dynamic import __main__ as host

    vars(host)["futures"] = SimpleNamespace(ThreadPoolExecutor=_executor)
    host.main()


def _executor(max_workers: int) -> ThreadPoolExecutor:
    """Serve more calls at a time than the SDK's four: an endpoint's create mostly waits."""
    return ThreadPoolExecutor(max_workers=max(max_workers, CALLS_AT_A_TIME))


if __name__ == "__main__":
    main()

"""Runs a plugin written in Python, such as a component package, and ends with its language host.

Takes `LIFELINE_FD TARGET ARGUMENTS...`: the reading end of a pipe that the host keeps open, then
a directory with `__main__.py`, or the name of an installed package. Gives the plugin as if Python
had been started on it. It must not write to standard output, which is the plugin's.
"""

import os
import runpy
import sys

from modelway.engine.hosts.lifeline import follow_descriptor, follow_signals


def main() -> None:
    """Run the plugin that the command line names."""
    descriptor, target, *arguments = sys.argv[1:]
    follow_signals()
    follow_descriptor(int(descriptor))
    if os.path.isdir(target):  # noqa: PTH112 - pathlib is an import the plugin may not need
        sys.argv = [target, *arguments]
        sys.path.insert(0, target)
        runpy.run_path(target, run_name="__main__")
    else:
        # The SDK hosts the components that an installed package exports.
        sys.argv = [target, target, *arguments]
        runpy.run_module("pulumi.run.plugin", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""Starts a program that dies with the process that asked for it, however that one dies.

Run as a script: `python -I -S leash.py PARENT_PID PROGRAM ARGUMENT...`. It asks Linux to send
SIGKILL when the parent is gone (prctl(2), PR_SET_PDEATHSIG, which survives execve), then becomes
the program. `preexec_fn` could do the same, but it may deadlock in a process with threads (Python's
documentation of `subprocess.Popen`). Elsewhere than on Linux the program is started without that.

Standard library only, and as little of it as possible: this runs before every replica.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program given on the command line."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the call above: then nobody will send the signal.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - the caller gives the program as a list


if __name__ == "__main__":
    main()

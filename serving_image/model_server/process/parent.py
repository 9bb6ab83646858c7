"""A worker that does not outlive the process in front.

Takes the parent's process id, gives nothing. On Linux the kernel ends the worker; elsewhere the
worker's `Channel` sees its end.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From Linux' ``include/uapi/linux/prctl.h``; see prctl(2)."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone; to be called right after a fork.

    SIGKILL and not SIGTERM: whoever kills the front wants the server gone as one process would
    be, and a worker that hangs in native code would never see a signal that it may handle.
    """
    if sys.platform == "linux":
        # ctypes costs 2 ms and 1 MiB, so the process in front does not import it.
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have died before the kernel was asked; then nobody tells.
    if os.getppid() != parent:
        os._exit(1)

"""Ends a process when the process it works for is gone.

Takes a file descriptor whose other end the owner holds open, or the owner's process id. Gives a
daemon thread that ends this process. It must not touch standard output: its first line belongs to
the engine.

An engine that gets SIGKILL cannot stop its plugins. Left alone, a plugin would go on with a cloud
call whose result nobody records, beside the run that repairs the stack.
"""

import os
import signal
import stat
import threading
from collections.abc import Callable

POLL_SECONDS = 0.5
"""How often the owner's process id is looked at where there is no pipe to it."""

ORPHANED_EXIT_STATUS = 130


def leave() -> None:
    """End this process at once, whatever its other threads wait for."""
    os._exit(ORPHANED_EXIT_STATUS)


def follow_signals(ended: Callable[[], None] = leave) -> None:
    """Call `ended` once on SIGINT or SIGTERM, in a thread of its own; for the main thread to call.

    The engine sends SIGINT when it has no more use for a plugin, and kills it 5 s later. Python's
    own answer is an exception in whatever line the main thread has reached, and then a wait for all
    other threads. A handler of our own would run in the main thread too, and not before that wakes:
    one time in thirty the kernel gave the signal to one of gRPC's threads and nothing woke it.
    Python writes to the wake-up descriptor whichever thread gets the signal.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def watch() -> None:
        os.read(reader, 1)
        ended()

    threading.Thread(target=watch, name="signals", daemon=True).start()


def follow_descriptor(descriptor: int, ended: Callable[[], None] = leave) -> None:
    """Call `ended` once when the other end of a pipe is closed, which a dying owner cannot avoid.

    Args:
        descriptor: the reading end; what arrives on it is thrown away.
        ended: called in a thread of its own.
    """

    def watch() -> None:
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            pass
        ended()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def follow_parent(ended: Callable[[], None] = leave) -> None:
    """Call `ended` once when the process that started this one is gone.

    The engine starts a plugin with a pipe as standard input and never writes to it, so its end
    is the quickest sign. Linux could send a signal instead (PR_SET_PDEATHSIG), but it does so
    when the starting *thread* ends, and the threads of a Go program come and go.
    """
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        follow_descriptor(0, ended)
        return
    parent = os.getppid()
    pause = threading.Event()

    def watch() -> None:
        while os.getppid() == parent:
            pause.wait(POLL_SECONDS)
        ended()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()

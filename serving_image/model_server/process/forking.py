"""How a worker is made: a fork that keeps nothing of the process in front but the sockets.

Takes the function that a worker is, gives its process id and the front's end of its channel. The
forked process never returns from here.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from model_server.log import Log
from model_server.process.listening import Sockets
from model_server.process.messages import Pipe
from model_server.process.parent import die_with
from model_server.process.plan import Terms
from model_server.process.signals import HANDLED
from model_server.process.status import Status
from model_server.process.watchdog import LastWords

if TYPE_CHECKING:
    # asyncio, which comes with it, is imported in the worker.
    from model_server.process.channel import Channel

RunWorker = Callable[[Sockets, "Channel", int], int]
"""A worker: with its sockets, its channel and its slot, it serves and gives an exit status."""


def fork_worker(
    run_worker: RunWorker,
    sockets: Sockets,
    slot: int,
    log: Log,
    *,
    terms: Terms,
    close: Iterable[int],
    last_words: LastWords,
) -> tuple[int, Pipe]:
    """Fork a worker, and give its process id and the channel to it.

    Args:
        run_worker: what it does.
        sockets: what it serves on.
        slot: its place.
        log: for a fault that it does not handle.
        terms: what is settled for it.
        close: descriptors of this process that it must not have: with another worker's channel
            it would keep that worker from seeing this process' end.
        last_words: gets what the worker's threads did, when a signal such as SIGSEGV ends it.

    Raises:
        OSError: there can be no more processes or descriptors.
    """
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    # Held back until the worker has its own handlers: the front's would swallow them.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            status: int = Status.BROKEN
            try:
                signal.set_wakeup_fd(-1)
                _own_signals()
                die_with(parent)
                last_words.write_here()
                ours.close()
                for descriptor in close:
                    os.close(descriptor)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
                from model_server.process.channel import Channel

                status = int(run_worker(sockets, Channel(theirs, terms), slot))
            except BaseException:  # noqa: BLE001  # whatever it is, it ends this process only
                log.error("worker_failed", slot=slot, trace=traceback.format_exc(limit=-8))
            finally:
                _leave(status)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    return pid, Pipe(ours)


def _own_signals() -> None:
    """Until the worker's event loop takes over: end cleanly, since nothing was accepted yet."""
    signal.signal(signal.SIGTERM, _leave_early)
    signal.signal(signal.SIGINT, _leave_early)
    # By default it would kill; a worker that does not handle it yet loads what is there now.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _leave_early(_number: int, _frame: object) -> None:
    # Not sys.exit: an exception in the middle of a native library's import can crash it.
    os._exit(Status.CLEAN)


def _leave(status: int) -> None:
    """End this process now: threads in native code cannot be interrupted, and would be waited for.

    Also never back into the code of the process in front, of which this one is a copy.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

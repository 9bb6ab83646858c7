"""Take rights away from the process that loads a source; it never gets them back.

`confine_process` is called before anything else is imported: it limits memory, time and files, and
leaves the network by an empty namespace of its own where the kernel permits that. `guard` is called
when the libraries are imported and before the source is: from then on Python code that opens a
socket, starts a process or writes outside the folder gets a PermissionError.

Audit hooks see what Python does and not what native code does (PEP 578), so they stand beside the
namespace and not in its place. What a source may still do is read files, which libraries need, and
use what it is given: so the process is started without the environment's secrets. Must not be
called in a process that goes on to do anything else.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NAMESPACE = "network namespace"
HOOK = "audit hook"

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 512

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_REFUSED: Mapping[str, str] = {
    "socket": "use the network",
    "ftplib": "use the network",
    "http": "use the network",
    "urllib": "use the network",
    "smtplib": "use the network",
    "subprocess": "start a process",
    "pty": "start a process",
    "os.system": "start a process",
    "os.exec": "start a process",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "os.posix_spawn": "start a process",
    "os.startfile": "start a process",
    "os.kill": "signal a process",
    "os.killpg": "signal a process",
}
"""Audit events, or the part before their first dot, and what they are in words."""

_CHANGES: Mapping[str, Sequence[int]] = {
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
}
"""Audit events that change files, and which of their arguments are paths."""


def confine_process(memory_mib: int, seconds: int, file_bytes: int) -> str:
    """Limit this process and take its network away.

    Args:
        memory_mib: address space.
        seconds: of processor time.
        file_bytes: greatest file that it may write.

    Returns:
        How it is kept from the network: `NAMESPACE`, or `HOOK` where the kernel refuses one.
    """
    limits = (
        (resource.RLIMIT_AS, memory_mib * 1024 * 1024),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    )
    for what, limit in limits:
        _, hard = resource.getrlimit(what)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of address space
            resource.setrlimit(what, (allowed, allowed))
    if not sys.platform.startswith("linux"):
        return HOOK
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Root needs no namespace of users, in which it would lose its right to others' files.
    for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET):
        if libc.unshare(flags) == 0:
            return NAMESPACE
    return HOOK


def guard(folder: Path) -> None:
    """Refuse sockets, processes and writing outside `folder` from now on, for good."""
    allowed = f"{folder.resolve()}{os.sep}"

    def outside(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False  # a descriptor, of a file that was opened before
        real = os.path.realpath(os.fsdecode(path))
        return real != os.devnull and not real.startswith(allowed)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        what = _REFUSED.get(event) or _REFUSED.get(event.partition(".")[0])
        if what is not None:
            raise PermissionError(f"it tried to {what} ({event})")
        if event == "open" and arguments[2] & _WRITES and outside(arguments[0]):
            raise PermissionError(f"it tried to write the file {os.fsdecode(arguments[0])}")
        for index in _CHANGES.get(event, ()):
            if outside(arguments[index]):
                raise PermissionError(f"it tried to change files ({event})")

    sys.dont_write_bytecode = True  # what is imported from now on would try to
    sys.addaudithook(hook)

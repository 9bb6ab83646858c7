"""From settings to an exit status: listen, have workers serve, and watch over them.

Takes `Settings`, gives an exit status (`process.status.Status`). What is imported here is there in
the process in front, which stays light; a worker imports the rest after it was forked.
"""

import os
import sys
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING

from model_server.core.threads import usable_cpus
from model_server.log import Log, bridge_library_logs
from model_server.process.status import Status
from model_server.process.supervisor import supervise
from model_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from model_server.observe.scoreboard import Scoreboard
    from model_server.process.channel import Channel
    from model_server.process.listening import Sockets


def serve(settings: Settings, log: Log) -> int:
    """Serve until told to stop, and give the exit status."""
    bridge_library_logs(log)
    scoreboard = None
    if settings.observe.metrics:
        from model_server.observe.scoreboard import Scoreboard

        scoreboard = Scoreboard(settings.process.workers or usable_cpus())
    return supervise(
        settings,
        log,
        partial(_run_worker, settings, log, scoreboard),
        on_death=None if scoreboard is None else scoreboard.retire,
    )


def _run_worker(
    settings: Settings,
    log: Log,
    scoreboard: "Scoreboard | None",
    sockets: "Sockets",
    channel: "Channel",
    slot: int,
) -> int:
    from model_server.worker import Worker

    return run_guarded(Worker(settings, log, sockets, channel, slot, scoreboard).live(), log)


def run_guarded(work: Coroutine[object, object, int], log: Log) -> int:
    """Run something on an event loop; settings that only it reads and finds wrong are a status."""
    import uvloop

    from model_server.access.entries import FileUnusable
    from model_server.observe.errors import ObserveUnusable

    async def live() -> int:
        try:
            return await work
        except (SettingsError, FileUnusable) as error:  # what only the worker reads
            log.error("wrong_settings", problems=error.problems)
        except ObserveUnusable as error:
            log.error("wrong_settings", problems=[str(error)])
        return Status.WRONG_USE

    return uvloop.run(live())


def leave(status: int) -> None:
    """End the process now.

    Threads inside onnxruntime cannot be interrupted, and the interpreter would wait for them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

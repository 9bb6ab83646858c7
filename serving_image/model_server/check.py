"""Whether a server with these settings would serve: all that a worker loads, and nothing listens.

Takes `Settings`, gives an exit status (`process.status.Status`); the log says what was found. Must
not open a port, and must not write anything but the log.
"""

from model_server.core.errors import ModelUnusable
from model_server.core.readiness import Readiness
from model_server.core.threads import usable_cpus
from model_server.log import Log, bridge_library_logs
from model_server.process.plan import first_threads
from model_server.process.status import Status
from model_server.settings import Settings


def check(settings: Settings, log: Log) -> int:
    """Load the models and the user's own code as a worker does, and give the exit status."""
    from model_server.serve import run_guarded

    bridge_library_logs(log)
    return run_guarded(_load(settings, log), log)


async def _load(settings: Settings, log: Log) -> int:
    from model_server.assembly import Assembly

    threads = first_threads(usable_cpus(), 0, settings.process.workers, settings.threads)
    parts = Assembly(settings, log, Readiness(), threads)
    try:
        await parts.load()
    except ModelUnusable as error:
        log.error("not_usable", reason=error.message)
        return Status.MODEL_UNUSABLE
    finally:
        await parts.stop()
    log.info("usable", models=[f"{each.name}/{each.version}" for each in parts.repository.models()])
    return Status.CLEAN

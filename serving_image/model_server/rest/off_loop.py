"""Work of a request that takes too long for the event loop.

Takes work and what comes after it, does the first in a thread and the second on the loop. Whatever
is raised in either answers the request. Must not know what the work is.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from model_server.core.errors import ModelServerError
from model_server.core.memory import give_back
from model_server.rest.http import Request

LARGE_BODY_BYTES = 1024 * 1024
"""After a larger body was refused, the memory that it had become is given back: it can be many
times the body's size, and the next one may be read by another thread."""

T = TypeVar("T")


def off_loop(
    executor: Executor, request: Request, work: Callable[[], T], go_on: Callable[[T], None]
) -> None:
    """Do work in a thread, then go on with what it gave; called on the event loop.

    Args:
        executor: whose thread does it.
        request: is answered with what is raised.
        work: takes long.
        go_on: takes what the work gave; called on the event loop.
    """
    loop = asyncio.get_running_loop()

    def run() -> None:
        try:
            value = work()
        except ModelServerError as error:
            # Its frames hold the whole of what a refused body became.
            error.__context__ = None
            loop.call_soon_threadsafe(request.refuse, error.with_traceback(None))
            if len(request.body) > LARGE_BODY_BYTES:
                give_back()
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            loop.call_soon_threadsafe(request.fail, error)
        else:
            loop.call_soon_threadsafe(on_loop, value)

    def on_loop(value: T) -> None:
        try:
            go_on(value)
        except ModelServerError as error:
            request.refuse(error)
        except Exception as error:  # noqa: BLE001  # as above
            request.fail(error)

    executor.submit(run)

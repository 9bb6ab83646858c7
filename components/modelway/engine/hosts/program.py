"""Runs one Pulumi program in a process of its own.

Takes `REQUEST_FD` on the command line: a pipe with one line of JSON (`ProgramRequest`), kept open
by the language host for as long as the program may live. Gives an exit status: 0 for a program
that ended well, `REPORTED` when the engine has been told what went wrong, anything else for a
program that ended itself. It must not leave the configuration, which holds secrets, in the
environment or on a command line.

The order of calls is that of the SDK's own `pulumi-language-python-exec`
(pulumi/pulumi: sdk/python/cmd, v3.225.0).
"""

import asyncio
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

from modelway.engine.hosts.lifeline import follow_descriptor, follow_signals

REPORTED = 32
"""The exit status that pulumi/pulumi uses for "the user has seen the message already"."""

CALLS_PER_OPERATION = 4
"""Threads for each of the engine's parallel operations, as in the SDK's own runner."""


class ProgramRequest(TypedDict):
    """What the engine asked the language host to run."""

    monitor: str
    engine: str
    project: str
    stack: str
    organization: str
    root_directory: str
    program_directory: str
    entry_point: str
    working_directory: str
    arguments: list[str]
    config: dict[str, str]
    config_secret_keys: list[str]
    dry_run: bool
    parallel: int


def main_file(request: ProgramRequest) -> Path:
    """Name the file to run: the entry point, or `__main__.py` of the directory it names."""
    entry = Path(request["program_directory"], request["entry_point"]).resolve()
    return entry / "__main__.py" if entry.is_dir() else entry


def user_traceback(error: BaseException, directory: Path) -> str:
    """Render an error from the first frame of the user's own program onwards.

    Args:
        error: what the program raised.
        directory: where the program lives; frames before the first one from there are left out.

    Returns:
        The traceback with those of its causes, or the whole of it when no frame is the user's.
    """
    report = traceback.TracebackException.from_exception(error, compact=True)
    inside = f"{directory}{os.sep}"

    def trim(part: traceback.TracebackException | None) -> None:
        if part is None:
            return
        for index, frame in enumerate(part.stack):
            if frame.filename.startswith(inside):
                part.stack = traceback.StackSummary.from_list(part.stack[index:])
                break
        trim(part.__cause__)
        trim(part.__context__)

    trim(report)
    return "".join(report.format())


def run_main(path: Path) -> None:
    """Run the program's main file, taking a plain `sys.exit()` for its end."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as leaving:
        # Ending here would lose the resources whose registration is still under way.
        if leaving.code not in (None, 0):
            raise


def run_program(request: ProgramRequest) -> int:
    """Run a program against the engine and tell the engine about its errors.

    Returns:
        The exit status for this process.
    """
    import grpc  # here, so that the signal handlers are in place before the long imports
    import pulumi

    runtime: Any = pulumi.runtime
    runtime.set_all_config(request["config"], request["config_secret_keys"])
    runtime.configure(
        runtime.Settings(
            monitor=request["monitor"],
            engine=request["engine"],
            project=request["project"],
            stack=request["stack"],
            organization=request["organization"],
            root_directory=request["root_directory"],
            parallel=request["parallel"],
            dry_run=request["dry_run"],
        )
    )
    main = main_file(request)
    sys.argv = [request["entry_point"], *request["arguments"]]
    os.chdir(request["working_directory"])
    sys.path.insert(0, str(main.parent))
    if not main.is_file():
        pulumi.log.error(f"unable to find the main Python program {str(main)!r}")
        return REPORTED

    # A failed resource leaves futures that nobody awaits; asyncio would print each of them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max(request["parallel"], 1) * CALLS_PER_OPERATION)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(runtime.run_in_stack(lambda: run_main(main)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return REPORTED
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAVAILABLE:  # the engine is ending; it says why
            return REPORTED
        pulumi.log.error(f"the engine refused a call of the program: {error.details()}")
        return REPORTED
    except Exception as error:  # noqa: BLE001 - whatever the user's program raises
        text = user_traceback(error, main.parent)
        pulumi.log.error(f"Program failed with an unhandled exception:\n{text}")
        return REPORTED
    finally:
        executor.shutdown(wait=True)
        loop.close()
    return 0


def main() -> None:
    """Read the request, run the program, end with its status."""
    follow_signals()
    descriptor = int(sys.argv[1])
    with os.fdopen(os.dup(descriptor), encoding="utf-8") as pipe:
        request: ProgramRequest = json.loads(pipe.readline())
    follow_descriptor(descriptor)
    status = run_program(request)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(status)


if __name__ == "__main__":
    main()

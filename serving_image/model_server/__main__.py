"""The command: ``python -m model_server serve``.

Takes a command with its arguments, reads the environment once, and ends the process with a status
(`process.status.Status`). Without arguments of its own ``serve`` is what SageMaker runs; a path and
a port may be given for use by hand. ``healthcheck`` is what the image's HEALTHCHECK runs, which has
no curl, ``check`` is for whoever is about to deploy, and ``new-key`` makes an API key.
"""

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from model_server.settings import Settings

USAGE = """\
usage: python -m model_server serve [MODEL] [--port PORT]
       python -m model_server check [MODEL]
       python -m model_server healthcheck
       python -m model_server new-key NAME --file FILE [--scopes SCOPES] [--expires TIME]

serve        serve a folder with a *.onnx file, or such a file; default /opt/ml/model
check        load it all as serve does, listen on nothing, and end with 0 when it can be served
healthcheck  end with 0 when GET /ping of the server on this machine says 200, else with 1
new-key      print a new API key, which is nowhere else, and add its digest to the file that
             MODEL_SERVER_API_KEYS_FILE names

All settings are environment variables: see the README beside this package.

examples:
  python -m model_server serve model.onnx --port 8080
  python -m model_server check model.onnx
  python -m model_server new-key scoring-job --scopes infer,metadata --file keys.json
"""

WRONG_USE = 2

PORT = "SAGEMAKER_BIND_TO_PORT"


def main() -> None:
    """Run the command line."""
    # Until the event loop takes over, a signal ends the process cleanly. As PID 1 of a container
    # it would otherwise be ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave_early)
    match sys.argv[1:]:
        case ["-h" | "--help"]:
            print(USAGE, end="")  # noqa: T201  # what was asked for
        case ["serve", *rest]:
            _serve(rest)
        case ["check"]:
            _check({})
        case ["check", model] if not model.startswith("-"):
            _check({"MODEL_SERVER_MODEL_DIR": model})
        case ["healthcheck"]:
            sys.exit(_healthcheck(_settings({}).port))
        case ["new-key", name, *rest] if not name.startswith("-"):
            _new_key(name, _options(rest, "--file", "--scopes", "--expires"))
        case _:
            _wrong_use()


def _serve(arguments: list[str]) -> None:
    given: dict[str, str] = {}
    if arguments and not arguments[0].startswith("-"):
        given["MODEL_SERVER_MODEL_DIR"] = arguments.pop(0)
    port = _options(arguments, "--port").get("--port")
    if port is not None:
        given[PORT] = port
    settings = _settings(given)

    from model_server.log import Log
    from model_server.serve import leave, serve

    leave(serve(settings, Log(settings.log_level)))


def _check(given: dict[str, str]) -> None:
    settings = _settings(given)

    from model_server.check import check
    from model_server.log import Log
    from model_server.serve import leave

    leave(check(settings, Log(settings.log_level)))


def _settings(given: dict[str, str]) -> "Settings":
    from model_server.log import Log
    from model_server.settings import Settings, SettingsError

    try:
        return Settings.from_environment({**os.environ, **given})
    except SettingsError as error:
        problems = error.problems
        if PORT in given:  # whoever typed the option is told of the option
            problems = [text.replace(PORT, "--port") for text in problems]
        Log().error("wrong_settings", problems=problems)
        sys.exit(WRONG_USE)


def _options(arguments: list[str], *known: str) -> dict[str, str]:
    """Give the values of options; each takes one."""
    names, values = arguments[::2], arguments[1::2]
    if len(names) != len(values) or any(name not in known for name in names):
        _wrong_use()
    return dict(zip(names, values, strict=True))


def _new_key(name: str, options: dict[str, str]) -> None:
    from pathlib import Path

    from model_server.access.key_file import add_key

    if "--file" not in options:
        _wrong_use()
    path = Path(options["--file"])
    scopes = [scope for scope in options.get("--scopes", "infer").split(",") if scope]
    try:
        key = add_key(path, name, scopes, options.get("--expires"))
    except (ValueError, OSError) as error:
        print(f"making a key for {name!r} in {path}: {error}", file=sys.stderr)  # noqa: T201  # its place
        sys.exit(WRONG_USE)
    print(key)  # noqa: T201  # the one time that it is shown


def _wrong_use() -> NoReturn:
    print(USAGE, end="", file=sys.stderr)  # noqa: T201  # its place
    sys.exit(WRONG_USE)


def _healthcheck(port: int) -> int:
    from http.client import HTTPConnection, HTTPException

    try:
        # SageMaker gives a ping 2 s.
        connection = HTTPConnection("127.0.0.1", port, timeout=2.0)
        connection.request("GET", "/ping")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1


def _leave_early(_number: int, _frame: FrameType | None) -> None:
    # Not sys.exit: an exception in the middle of a native library's import can crash it.
    os._exit(0)


if __name__ == "__main__":
    main()

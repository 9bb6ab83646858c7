"""Code of the user's own beside the model: an application, or a handler.

Takes a `Reader`, gives frozen settings. Must not import that code.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_server.settings.reader import Reader


@dataclass(frozen=True, slots=True)
class ApplicationSettings:
    """What of the user's own code is served."""

    app: str | None = None
    """``MODEL_SERVER_APP``: an ASGI or WSGI application as ``module:name``, which answers every
    path that the server has no route for. Default: none."""

    interface: str = "auto"
    """``MODEL_SERVER_APP_INTERFACE``: asgi, wsgi or auto (seen from its call). Default auto."""

    handler: str | None = None
    """``MODEL_SERVER_HANDLER``: a module with ``preprocess``, ``postprocess`` or both, for
    ``/invocations``. Default: none."""

    code_dir: Path | None = None
    """``MODEL_SERVER_CODE_DIR``: folder with that code, put on Python's path. Default: only what
    the image has. It must not be inside the model folder: code never comes with an artifact."""

    @classmethod
    def read(cls, reader: Reader, model_dir: Path) -> Self:
        """Read the settings; problems are collected by the reader."""
        app = reader.text("MODEL_SERVER_APP")
        if app is not None and not all(app.partition(":")[::2]):
            reader.problems.append(
                f"MODEL_SERVER_APP is {app!r}; it takes module:name, such as service:app"
            )
            app = None
        folder = reader.text("MODEL_SERVER_CODE_DIR")
        code_dir = None if folder is None else Path(folder).resolve()
        if code_dir is not None and not code_dir.is_dir():
            reader.problems.append(f"MODEL_SERVER_CODE_DIR is {folder!r}, which is no folder")
        elif code_dir is not None and code_dir.is_relative_to(model_dir.resolve()):
            reader.problems.append(
                f"MODEL_SERVER_CODE_DIR is {folder!r}, inside the model folder; code is never "
                "taken from a model artifact, so put it into the image"
            )
        return cls(
            app=app,
            interface=reader.choice("MODEL_SERVER_APP_INTERFACE", ("auto", "asgi", "wsgi"), "auto"),
            handler=reader.text("MODEL_SERVER_HANDLER"),
            code_dir=code_dir,
        )

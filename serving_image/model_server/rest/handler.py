"""A user's own pre- and post-processing around the model, for ``/invocations``.

A handler is a module of the image with at most three functions, each optional::

    def load(model_dir: Path) -> object: ...
        # once at start; what it gives is handed to the other two as `context`

    def preprocess(body: bytes, content_type: str, context: object) -> dict[str, np.ndarray]: ...
        # the model's inputs from a request's body; ValueError means that the caller is wrong

    def postprocess(
        outputs: dict[str, np.ndarray], accept: str, context: object
    ) -> tuple[bytes, str]: ...
        # the answer's body and media type

They run in threads, several at once. Preprocessing that is part of the ONNX graph is quicker, is
versioned with the model, and is the same everywhere: prefer that. Must not be used for anything but
these three.
"""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from model_server.core.errors import InferenceFailed, InvalidInput, ModelUnusable
from model_server.core.inference import Outputs
from model_server.core.tensors import Array
from model_server.rest.application import import_code
from model_server.rest.http import Answer
from model_server.settings.application import ApplicationSettings

if TYPE_CHECKING:
    from model_server.core.model import Model

FUNCTIONS = ("load", "preprocess", "postprocess")

DEFAULT_TYPE = "application/json"


class Handler:
    """A handler module, loaded."""

    def __init__(self, module: ModuleType, model_dir: Path) -> None:
        """Load it; in the thread that loads the model.

        Raises:
            ModelUnusable: it has none of the functions, or its `load` failed.
        """
        self._preprocess = getattr(module, "preprocess", None)
        self._postprocess = getattr(module, "postprocess", None)
        if self._preprocess is None and self._postprocess is None:
            raise ModelUnusable(
                f"the handler {module.__name__!r} has neither preprocess nor postprocess"
            )
        load = getattr(module, "load", None)
        try:
            self._context = None if load is None else load(model_dir)
        except Exception as error:
            # The user's code: whatever it raises.
            raise ModelUnusable(
                f"load of the handler {module.__name__!r} failed: {type(error).__name__}: {error}"
            ) from error

    @property
    def reads(self) -> bool:
        """Whether it makes the model's inputs."""
        return self._preprocess is not None

    @property
    def writes(self) -> bool:
        """Whether it makes the answer."""
        return self._postprocess is not None

    def inputs(self, body: bytes, content_type: str | None, model: "Model") -> dict[str, Array]:
        """Make a model's inputs of a body.

        Raises:
            InvalidInput: the handler says so with ValueError.
            InferenceFailed: the handler failed, or what it gave does not fit the model.
        """
        try:
            found: Any = self._preprocess(body, content_type or DEFAULT_TYPE, self._context)
        except ValueError as error:
            raise InvalidInput(str(error) or "the request does not fit the handler") from error
        except Exception as error:
            raise _failed("preprocess", error) from error
        problems = (
            model.contract.problems(found) if isinstance(found, dict) else ["it gave no dict"]
        )
        if problems:
            # The caller cannot mend this.
            detail = f"preprocess gave what does not fit the model: {'; '.join(problems)}"
            raise InferenceFailed("the server failed on this request", detail=detail)
        return found

    def answer(self, outputs: Outputs, accept: str | None) -> Answer:
        """Make an answer of a model's outputs.

        Raises:
            InferenceFailed: the handler failed.
        """
        try:
            body, media_type = self._postprocess(outputs, accept or "*/*", self._context)
            return Answer(200, bytes(body), media_type.encode("latin-1"))
        except Exception as error:
            raise _failed("postprocess", error) from error


def _failed(name: str, error: Exception) -> InferenceFailed:
    return InferenceFailed(
        "the server failed on this request",
        detail=f"{name} of the handler failed: {type(error).__name__}: {error}",
    )


def load_handler(settings: ApplicationSettings, model_dir: Path) -> Handler:
    """Import a handler and have it load what it needs; it takes as long as that takes.

    Raises:
        ModelUnusable: it cannot be imported or used.
    """
    assert settings.handler is not None  # asked for by the caller only then
    return Handler(import_code(settings.handler, settings), model_dir)

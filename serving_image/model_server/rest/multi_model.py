"""SageMaker's contract for multi-model endpoints: ``/models``.

::

    POST    /models                 {"model_name": ..., "url": ...}   200, 400, 409, 507
    GET     /models                 ?next_page_token=...&limit=...    200, 400
    GET     /models/{name}                                            200, 404
    DELETE  /models/{name}                                            200, 404
    POST    /models/{name}/invoke   as /invocations                   200, 404, 507, and its own

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html (read 2026-11); ``limit`` is
of the Multi Model Server, which SageMaker's own containers use. The contract names no status for a
model that cannot be loaded for another reason than memory or its name: it is 400, since the same
request will fail again.

Takes requests, gives answers. Must not decide where models may lie or which is put out of memory;
the repository does. ``url`` is a path on this machine, never an address.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from model_server.core.errors import (
    DeadlineExceeded,
    InvalidInput,
    ModelServerError,
    ModelUnusable,
    NotReady,
)
from model_server.rest.http import Answer, Request, Route, asynchronous

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.core.multi_model import MultiModelRepository

PAGE_MODELS, MAX_PAGE_MODELS = 100, 1000
"""Models on a page by default, as in the Multi Model Server, and at most."""

MAX_NAME_LENGTH = 1024
"""Longest name of a model: TargetModelHeader in botocore's sagemaker-runtime model."""

MAX_URL_LENGTH = 4096
"""Longest path: PATH_MAX of Linux."""

MAX_LOAD_BODY_BYTES = 16 * 1024
"""A request to load is two short texts."""

MAX_QUERY_FIELDS = 20

Invoke = Callable[[Request, "Model"], None]
"""Answers a request with a model, now or later; raises errors of the server."""


def multi_model_routes(repository: "MultiModelRepository", invoke: Invoke) -> list[Route]:
    """Give the routes of the contract.

    Args:
        repository: loads, finds and unloads models.
        invoke: answers an invocation of a model that is loaded.
    """
    models = _Models(repository, invoke)
    name = "/models/{name}"
    return [
        Route("POST", "/models", asynchronous(models.load), "manage", "Load a model."),
        Route("GET", "/models", models.page, "metadata", "The models in memory."),
        Route("GET", name, models.describe, "metadata", "One model in memory."),
        Route("DELETE", name, asynchronous(models.unload), "manage", "Unload a model."),
        Route("POST", f"{name}/invoke", models.invoke, "infer", "The outputs of one model."),
    ]


class _Models:
    """What the routes do."""

    def __init__(self, repository: "MultiModelRepository", invoke: Invoke) -> None:
        self._repository = repository
        self._invoke = invoke
        self._waiting: set[asyncio.Task[None]] = set()

    async def load(self, request: Request) -> Answer:
        name, url = _load_request(request.body)
        try:
            await self._repository.load(name, url)
        except ModelUnusable as error:
            raise InvalidInput(f"the model cannot be loaded: {error.message}") from error
        return _answer(_described(name, url))

    def page(self, request: Request) -> None:
        after, limit = _page_request(request.query)
        models = [each for each in self._repository.urls() if after is None or each[0] > after]
        body: dict[str, Any] = {"models": [_described(*each) for each in models[:limit]]}
        if len(models) > limit:
            body["nextPageToken"] = _token(models[limit - 1][0])
        request.answer(_answer(body))

    def describe(self, request: Request) -> None:
        name = request.parameters["name"]
        request.answer(_answer(_described(name, self._repository.url(name))))

    async def unload(self, request: Request) -> Answer:
        await self._repository.unload(request.parameters["name"])
        return _answer({"status": "the model was unloaded"})

    def invoke(self, request: Request) -> None:
        try:
            model = self._repository.get(request.parameters["name"])
        except NotReady:
            # It was put out of memory, or is on its way: the only case that has to wait.
            task = asyncio.get_running_loop().create_task(self._invoke_later(request))
            self._waiting.add(task)  # a task that nobody holds may be collected while it runs
            task.add_done_callback(self._waiting.discard)
            return
        self._invoke(request, model)

    async def _invoke_later(self, request: Request) -> None:
        try:
            async with asyncio.timeout(max(request.deadline - time.monotonic(), 0.0)):
                model = await self._repository.obtain(request.parameters["name"])
            self._invoke(request, model)
        except TimeoutError:
            request.refuse(DeadlineExceeded("the model was not loaded in time; try again later"))
        except ModelServerError as error:
            request.refuse(error)
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            request.fail(error)


def _load_request(body: bytes) -> tuple[str, str]:
    """Give name and url of a request to load, or raise InvalidInput with every problem."""
    if len(body) > MAX_LOAD_BODY_BYTES:
        raise InvalidInput(f"a request to load has {MAX_LOAD_BODY_BYTES} bytes at most")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidInput("the body takes an object with model_name and url")
    problems: list[str] = []
    name, url = given.get("model_name"), given.get("url")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH:
        problems.append(f"model_name takes a text of 1 to {MAX_NAME_LENGTH} characters")
    elif "/" in name or not name.isprintable():
        problems.append("model_name has a slash or a character that cannot be printed")
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL_LENGTH:
        problems.append(f"url takes the path of a folder, of 1 to {MAX_URL_LENGTH} characters")
    if problems:
        raise InvalidInput("the model cannot be loaded", problems)
    return str(name), str(url)


def _page_request(query: bytes) -> tuple[str | None, int]:
    """Give the name after which a page begins, and how many models it holds at most."""
    try:
        given = parse_qs(query.decode("latin-1"), max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise InvalidInput(f"the query has more than {MAX_QUERY_FIELDS} fields") from error
    problems: list[str] = []
    limit, after = PAGE_MODELS, None
    text = given.get("limit", [""])[-1]
    if text:
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if not 1 <= limit <= MAX_PAGE_MODELS:
            problems.append(f"limit takes a number from 1 to {MAX_PAGE_MODELS}")
    token = given.get("next_page_token", [""])[-1]
    if token:
        try:
            after = base64.urlsafe_b64decode(token.encode("ascii")).decode()
        except (binascii.Error, ValueError):
            problems.append("next_page_token takes what nextPageToken of the page before said")
    if problems:
        raise InvalidInput("there is no such page", problems)
    return after, limit


def _token(name: str) -> str:
    # The name, not its position: models come and go between two pages.
    return base64.urlsafe_b64encode(name.encode()).decode("ascii")


def _described(name: str, url: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": url}


def _answer(body: dict[str, Any]) -> Answer:
    return Answer(200, orjson.dumps(body))

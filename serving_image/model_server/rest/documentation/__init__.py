"""The API's description as routes: ``/openapi.json``, ``/schema/{model}`` and the page ``/docs``.

Takes the models and the routes that are served, gives routes. The page's files come with the
package; it asks nothing from other hosts and says nothing of the models by itself: it shows
``/openapi.json``, which needs the scope ``metadata``. Must not describe anything; `openapi` does.
"""

import asyncio
import weakref
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import orjson

from model_server.rest.http import Answer, Handler, Request, Route, asynchronous

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.settings import Settings

DOCUMENT_TYPE = b"application/vnd.oai.openapi+json;version=3.1"
"""https://spec.openapis.org/oas/v3.1.1.html, section 4.5 (media types)."""

CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGE_HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
]

FILES = {
    "/docs": ("page.html", b"text/html; charset=utf-8"),
    "/docs/page.css": ("page.css", b"text/css; charset=utf-8"),
    "/docs/page.js": ("page.js", b"text/javascript; charset=utf-8"),
}
"""Where each file of the page is, and what it is."""


class Catalogue(Protocol):
    """Where models are found and listed."""

    def get(self, name: str | None = None, version: str | None = None) -> "Model":
        """Give a model, or raise UnknownModel or NotReady."""
        ...

    def models(self) -> list["Model"]:
        """Give every model that can answer."""
        ...


def documentation_routes(
    repository: Catalogue,
    settings: "Settings",
    routes: Sequence[Route] = (),
    methods: Sequence[str] = (),
) -> list[Route]:
    """Give the routes of the documentation.

    Args:
        repository: the models.
        settings: for the limits that the document states.
        routes: what else is served on this port, which the document describes.
        methods: how callers can prove who they are: `Gate.methods`.
    """
    documentation = _Documentation(repository, settings, methods)
    own = [
        Route(
            "GET",
            "/openapi.json",
            asynchronous(documentation.document),
            "metadata",
            "This API as an OpenAPI 3.1 document.",
        ),
        Route(
            "GET",
            "/schema/{model}",
            documentation.schema,
            "metadata",
            "The JSON Schema of a model's requests to /invocations.",
        ),
    ]
    # Anyone may have the page, for a browser cannot show a key before it has one to type it in.
    page, *assets = [
        Route("GET", path, _file(name, media_type), None, "The page that shows this API.")
        for path, (name, media_type) in FILES.items()
    ]
    documentation.routes = (*routes, *own, page)
    return [*own, page, *assets]


class _Documentation:
    """Makes the documents, and keeps the last one as long as the models stay the same."""

    def __init__(self, repository: Catalogue, settings: "Settings", methods: Sequence[str]) -> None:
        self._repository = repository
        self._settings = settings
        self._methods = methods
        self.routes: tuple[Route, ...] = ()
        # Not the models themselves: whoever keeps one keeps it in memory.
        self._models: list[weakref.ref[Model]] = []
        self._known = b""

    async def document(self, _request: Request) -> Answer:
        models = self._repository.models()
        if not self._known or [known() for known in self._models] != models:
            # In a thread: for models with many columns it takes tens of milliseconds.
            self._known = await asyncio.to_thread(self._made, models)
            self._models = [weakref.ref(model) for model in models]
        return Answer(200, self._known, DOCUMENT_TYPE, [(b"cache-control", b"no-cache")])

    def _made(self, models: list["Model"]) -> bytes:
        # Seldom asked, and its imports are not needed to serve.
        from model_server.rest.openapi import openapi_document

        document = openapi_document(self.routes, models, self._settings, self._methods)
        return orjson.dumps(document)

    def schema(self, request: Request) -> None:
        from model_server.rest.tensor_schema import request_schema

        model = self._repository.get(request.parameters["model"])
        schema = request_schema(model.contract, model.rules, model.name)
        request.answer(Answer(200, orjson.dumps(schema), b"application/schema+json"))


def _file(name: str, media_type: bytes) -> Handler:
    def answer(request: Request) -> None:
        content = (resources.files(__name__) / name).read_bytes()
        request.answer(Answer(200, content, media_type, list(PAGE_HEADERS)))

    return answer

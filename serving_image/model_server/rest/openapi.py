"""The API's description as an OpenAPI 3.1 document, made from the routes and the models.

Takes routes, models and settings, gives the document; the same ones give the same bytes. Routes
that are not known here are described by their own summary, so that nothing that is served is left
out. Must not describe what is not served.

https://spec.openapis.org/oas/v3.1.1.html; its schemas are JSON Schema 2020-12.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from model_server import __version__
from model_server.rest.http import Route
from model_server.rest.openapi_operations import Described, operation
from model_server.rest.problem_details import problem_schema
from model_server.rest.tensor_schema import ModelSchemas

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.settings import Settings

MAX_MODELS = 20
"""Models described one by one; with more, the document would be too long to read."""

SCHEMES: dict[str, dict[str, Any]] = {
    "api-key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key; 'Authorization: Bearer' takes it too.",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the configured issuer.",
    },
    "mtls": {"type": "mutualTLS", "description": "A client certificate."},
}
"""The security scheme of each way to prove who one is, as `Gate.methods` names them."""


def openapi_document(
    routes: Iterable[Route],
    models: Sequence["Model"],
    settings: "Settings",
    methods: Sequence[str] = (),
) -> dict[str, Any]:
    """Give the document.

    Args:
        routes: everything that is served.
        models: those that can answer now.
        settings: for the limits, and for what callers may do who show nothing.
        methods: how callers can prove who they are: `Gate.methods`.
    """
    shown = sorted(models, key=lambda model: (model.name, model.version))
    shown = list({model.name: model for model in shown}.values())[:MAX_MODELS]
    slugs = _slugs([model.name for model in shown])
    schemas: dict[str, Any] = {"Problem": problem_schema()}
    described: list[Described] = []
    for model in shown:
        prefix = slugs[model.name]
        parts = ModelSchemas(model.contract, model.rules, _reference(prefix)).parts
        schemas |= {f"{prefix}.{name}": schema for name, schema in parts.items()}
        described.append(
            Described(model.name, model.version, model.contract, model.rules, _reference(prefix))
        )
    security = _Security(methods, settings.access.anonymous_scopes)
    components: dict[str, Any] = {"schemas": schemas}
    if methods:
        components["securitySchemes"] = {name: SCHEMES[name] for name in methods}
    return {
        "openapi": "3.1.1",
        "info": _info(shown, len(models), settings),
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "paths": _Paths(described, security, settings.max_body_bytes).of(routes),
        "components": components,
    }


class _Security:
    """What a caller has to show for a scope."""

    def __init__(self, methods: Sequence[str], anonymous: Sequence[str]) -> None:
        self._methods = methods
        self._anonymous = anonymous

    def of(self, scope: str | None) -> list[dict[str, list[str]]]:
        """Give the alternatives; none where nothing has to be shown."""
        if scope is None or not self._methods:
            return []
        # For schemes other than OAuth's, 3.1 lets the list name the roles that are needed.
        found: list[dict[str, list[str]]] = [{method: [scope]} for method in self._methods]
        if scope in self._anonymous or "*" in self._anonymous:
            found.append({})
        return found


class _Paths:
    """The paths and operations of all routes."""

    def __init__(
        self, models: Sequence[Described], security: _Security, max_body_bytes: int
    ) -> None:
        self._models = models
        self._security = security
        self._max_body_bytes = max_body_bytes
        self._ids: set[str] = set()

    def of(self, routes: Iterable[Route]) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for route in routes:
            if route.path == "*":  # a user's own application describes itself
                continue
            for path, models in self._expanded(route):
                item = paths.setdefault(path, {})
                item[route.method.lower()] = self._operation(route, path, models)
        return paths

    def _expanded(self, route: Route) -> list[tuple[str, Sequence[Described]]]:
        """Give a route's path once for each model where a model's name is its only parameter."""
        names = re.findall(r"\{(\w+)\}", route.path)
        if names in (["name"], ["model"]) and self._models:
            before, _, after = route.path.partition(f"{{{names[0]}}}")
            return [
                (f"{before}{quote(model.name, safe='')}{after}", [model]) for model in self._models
            ]
        return [(route.path, self._models)]

    def _operation(self, route: Route, path: str, models: Sequence[Described]) -> dict[str, Any]:
        made = operation(route.method, route.path, models, self._max_body_bytes)
        if made is None:
            made = {"responses": {"200": {"description": route.summary}}}
        parameters = [self._parameter(name) for name in re.findall(r"\{(\w+)\}", path)]
        parameters += made.pop("parameters", [])
        found: dict[str, Any] = {
            "operationId": self._id(route.method, path),
            "summary": route.summary,
        }
        if parameters:
            found["parameters"] = parameters
        found |= made
        found["security"] = self._security.of(route.scope)
        if route.scope is not None:
            found["x-scope"] = route.scope
        return found

    def _parameter(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        if name in ("name", "version") and self._models:
            first = self._models[0]
            schema["examples"] = [first.name if name == "name" else first.version]
        return {"name": name, "in": "path", "required": True, "schema": schema}

    def _id(self, method: str, path: str) -> str:
        """Give an id that no other operation has."""
        words = re.sub(r"[^a-zA-Z0-9]+", "_", path).strip("_")
        base = found = f"{method.lower()}_{words}"
        number = 2
        while found in self._ids:
            found = f"{base}_{number}"
            number += 1
        self._ids.add(found)
        return found


def _info(models: Sequence["Model"], number: int, settings: "Settings") -> dict[str, Any]:
    title = models[0].name if number == 1 else "model-server"
    lines = [
        f"A request body holds {settings.max_body_bytes} bytes at most.",
        f"An answer takes {settings.invoke_seconds} s at most.",
        f"Up to {settings.max_concurrency} requests are worked on at once.",
        "Errors are problem details (RFC 9457).",
    ]
    if number > len(models):
        lines.append(f"{len(models)} of {number} models are described.")
    info: dict[str, Any] = {
        "title": title,
        "summary": "Predictions of ONNX models.",
        "description": " ".join(lines),
        "version": models[0].version if number == 1 and models[0].version else __version__,
    }
    info["x-models"] = [
        {"name": model.name, "version": model.version, "digest": model.digest} for model in models
    ]
    return info


def _reference(prefix: str) -> Any:
    return lambda name: {"$ref": f"#/components/schemas/{prefix}.{name}"}


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Give each name as component names may be: letters, digits, ``-`` and ``_``."""
    found: dict[str, str] = {}
    for name in names:
        base = slug = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
        number = 2
        while slug in found.values() or slug == "Problem":
            slug = f"{base}_{number}"
            number += 1
        found[name] = slug
    return found

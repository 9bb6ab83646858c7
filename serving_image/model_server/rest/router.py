"""Which route answers a request.

Takes routes, gives the one for a method and a path, or the error that says what there is. Must not
run anything.
"""

from collections.abc import Iterable

from model_server.rest.errors import MethodNotAllowed, UnknownPath
from model_server.rest.http import Request, Route

KNOWN_PATHS, KNOWN_PATH_LENGTH = 256, 256
"""Paths with variable parts that are remembered, and the longest of them."""


class Router:
    """All routes of one port."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Take the routes; one with the path ``*`` answers whatever no other has a path for."""
        self.routes = tuple(routes)
        self._fixed: dict[str, dict[str, Route]] = {}
        self._open: list[tuple[tuple[str, ...], dict[str, Route]]] = []
        self._rest: Route | None = None
        self._found: dict[str, tuple[dict[str, Route], dict[str, str]]] = {}
        """Methods and variable parts of paths that were matched before."""
        for route in self.routes:
            self._add(route)

    def find(self, request: Request) -> Route:
        """Give the route of a request, and note the path's variable parts on it.

        A GET route answers HEAD as well (RFC 9110 9.3.2).

        Raises:
            UnknownPath: no route has this path; the message names those there are.
            MethodNotAllowed: the path takes other methods.
        """
        methods = self._fixed.get(request.path) or self._match(request)
        if methods is None:
            if self._rest is not None:
                return self._rest
            known = ", ".join(f"{route.method} {route.path}" for route in self.routes)
            raise UnknownPath(f"there is no such path; there are {known}")
        route = methods.get(request.method)
        if route is None and request.method == "HEAD":
            route = methods.get("GET")
        if route is None:
            allowed = ", ".join(methods)
            raise MethodNotAllowed(f"{request.path} takes {allowed}, not {request.method}", allowed)
        return route

    def _add(self, route: Route) -> None:
        if route.path == "*":
            self._rest = route
            return
        if "{" not in route.path:
            self._fixed.setdefault(route.path, {})[route.method] = route
            return
        parts = tuple(route.path.split("/"))
        for known, methods in self._open:
            if known == parts:
                methods[route.method] = route
                return
        self._open.append((parts, {route.method: route}))

    def _match(self, request: Request) -> dict[str, Route] | None:
        known = self._found.get(request.path)
        if known is not None:
            methods, request.parameters = known
            return methods
        given = request.path.split("/")
        for parts, methods in self._open:
            if len(parts) != len(given):
                continue
            found: dict[str, str] = {}
            for part, value in zip(parts, given, strict=True):
                if part.startswith("{") and value:
                    found[part[1:-1]] = value
                elif part != value:
                    break
            else:
                request.parameters = found
                if len(request.path) <= KNOWN_PATH_LENGTH:
                    if len(self._found) >= KNOWN_PATHS:
                        self._found.clear()
                    self._found[request.path] = methods, found
                return methods
        return None

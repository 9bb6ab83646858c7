"""`/_modelway/faults`: adding, listing and removing faults over HTTP.

    POST   faults         a fault as JSON -> {"id": n}; 400 with every problem found
    GET    faults         {"faults": [...]}, the oldest first
    DELETE faults[/<id>]  {"removed": [...]}; 404 where there is no such fault

Takes a request's method, route and body; gives the answer's status and content.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.faults.request import FaultRefused, parse

ROUTES = ("GET faults", "POST faults", "DELETE faults[/<id>]")


class FaultRoutes:
    """The routes of one registry.

    Args:
        registry: keeps the faults.
        exclusive: the emulator's lock. No update may begin between a look at what is under way
            and the fault's entry.
    """

    def __init__(self, registry: FaultRegistry, exclusive: Any) -> None:
        self._registry, self._exclusive = registry, exclusive

    def answer(self, method: str, route: str, read: Callable[[], bytes]) -> tuple[int, Any] | None:
        """Answer a request; None where the route is not one of these.

        Args:
            method: of HTTP.
            route: the path below `/_modelway/`.
            read: gives the body.
        """
        if method == "DELETE" and route.startswith("faults/"):
            return self._remove(route.removeprefix("faults/"))
        match method, route:
            case "GET", "faults":
                return HTTPStatus.OK, {"faults": self._registry.describe()}
            case "POST", "faults":
                return self._add(read())
            case "DELETE", "faults":
                return HTTPStatus.OK, {"removed": self._registry.remove()}
            case _:
                return None

    def _add(self, body: bytes) -> tuple[int, Any]:
        try:
            request = parse(body)
        except FaultRefused as refused:
            return HTTPStatus.BAD_REQUEST, {
                "error": str(refused),
                "problems": list(refused.problems),
            }
        with self._exclusive:
            return HTTPStatus.OK, {"id": self._registry.add(request)}

    def _remove(self, number: str) -> tuple[int, Any]:
        if not number.isdecimal():
            error = f"{number!r} is no fault's id; ids are whole numbers"
            return HTTPStatus.NOT_FOUND, {"error": error}
        try:
            return HTTPStatus.OK, {"removed": self._registry.remove(int(number))}
        except LookupError as error:
            return HTTPStatus.NOT_FOUND, {"error": str(error.args[0])}

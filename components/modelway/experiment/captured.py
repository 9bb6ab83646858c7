"""Requests read from what was captured of them.

Takes lines, gives requests with the variant that answered. Two forms are read, also mixed:

- SageMaker's data capture: `captureData` and `eventMetadata` with `eventId`, `inferenceId` (where
  the caller gave one) and `inferenceTime`, under `ENDPOINT/VARIANT/yyyy/mm/dd/hh/` (SageMaker
  developer guide, Capture data from real-time endpoint, read 2026-11-28). It has neither latency
  nor status;
- the model server's prediction log (`serving_image/docs/observability.md`) with `id`, `time`,
  `latency_ms` and `status`, and any other log that has these.

A line's variant is what the line says itself (`variant`), or else the nearest folder that is named
as one of the two variants, or else data capture's folder, or else the model's `version`. Must not
open files.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelway.experiment.line import Line, Unreadable, json_object, name, nested, number, seconds

_CAPTURE_FOLDERS = re.compile(r"(?:^|/)([^/]+)/\d{4}/\d{2}/\d{2}/\d{2}/[^/]+$")

_STATUSES = range(100, 600)
"""Of HTTP; RFC 9110, section 15."""


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request."""

    variant: str
    id: str
    """The inference id, or the id that SageMaker or the server made; empty when there is none."""
    at_seconds: float | None
    """Since 1970; None when unknown."""
    latency_ms: float | None
    """None when unknown; may be NaN or infinite, as the line had it."""
    status: int | None
    """Of HTTP; None when unknown."""


@dataclass(frozen=True)
class Captured:
    """What the lines held."""

    requests: tuple[Request, ...]
    """To the two variants, in the order of the lines."""
    other_variants: int
    """Requests to neither of them."""
    no_variant: int
    """Requests that do not tell who answered."""
    unreadable: Unreadable


def read_captured(lines: Iterable[Line], variants: tuple[str, str]) -> Captured:
    """Read requests to two variants; what is neither is counted."""
    folders: dict[str, tuple[str, str]] = {}
    requests: list[Request] = []
    other = unknown = 0
    unreadable = Unreadable()
    for line in lines:
        if not line.text.strip():
            continue
        found = json_object(line.text)
        if line.path not in folders:
            folders[line.path] = _folder(line.path, variants)
        request = None if found is None else _request(found, folders[line.path])
        if request is None:
            unreadable.add(line)
        elif not request.variant:
            unknown += 1
        elif request.variant in variants:
            requests.append(request)
        else:
            other += 1
    return Captured(tuple(requests), other, unknown, unreadable)


def variant_of(found: dict[str, Any], path: str, variants: tuple[str, str]) -> str:
    """Give the variant of a line of data capture; empty when nobody says it.

    Args:
        found: the line.
        path: of its file.
        variants: the two that are looked for.
    """
    request = _request(found, _folder(path, variants))
    return "" if request is None else request.variant


def _folder(path: str, variants: tuple[str, str]) -> tuple[str, str]:
    """Give the nearest folder named as a variant, and the folder that data capture uses for it."""
    *folders, _ = path.split("/")
    named = next((part for part in reversed(folders) if part in variants), "")
    captured = _CAPTURE_FOLDERS.search(path)
    return named, captured[1] if captured else ""


def _request(found: dict[str, Any], folder: tuple[str, str]) -> Request | None:
    """Read a line; None when it is of neither form."""
    named, capture_folder = folder
    own = name(found.get("variant"))
    event = nested(found, "eventMetadata")
    if event is not None:
        return Request(
            variant=own or name(event.get("variant")) or named or capture_folder,
            id=name(event.get("inferenceId")) or name(event.get("eventId")),
            at_seconds=seconds(event.get("inferenceTime")),
            latency_ms=None,
            status=None,
        )
    if "latency_ms" not in found and "status" not in found and "id" not in found:
        return None
    status = found.get("status")
    return Request(
        variant=own or named or name(found.get("version")),
        id=name(found.get("id")),
        at_seconds=seconds(found.get("time")),
        latency_ms=number(found.get("latency_ms")),
        status=status if isinstance(status, int) and status in _STATUSES else None,
    )

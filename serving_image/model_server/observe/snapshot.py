"""The counters of one process at one moment, as bytes that another process can read and add up.

Takes series by family and label values, gives compact bytes, and back. Must not know where the
bytes are kept.

The bytes are the keys as JSON, the numbers as doubles, and the exemplars as JSON. A double holds
every whole number up to 2**53, which a counter does not reach in this life.
"""

import struct
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from model_server.observe.families import FAMILIES, OTHER, Family, Kind

Key = tuple[str, ...]
"""A family's name, then its label values."""

Exemplar = tuple[str, str, float, float]
"""Request id, trace id ("" where there is none), value, and time in seconds since 1970."""

_HEAD = struct.Struct("=III")

FRAME_BYTES = _HEAD.size + 4
"""Bytes of a snapshot without any series."""


@dataclass(slots=True)
class Snapshot:
    """Series, and the latest request seen in buckets of histograms."""

    series: dict[Key, list[float]] = field(default_factory=dict)
    exemplars: dict[Key, dict[int, Exemplar]] = field(default_factory=dict)


def cost_of(family: Family, labels: Iterable[str]) -> int:
    """Give the bytes of one series in a snapshot."""
    return len(orjson.dumps((family.name, *labels))) + 1 + 8 * family.width


def encode(snapshot: Snapshot, limit: int) -> bytes:
    """Give a snapshot as at most ``limit`` bytes.

    Counters go first; gauges and exemplars are left out where they no longer fit. Whoever makes
    the counters keeps their `cost_of` within the limit.
    """
    series = snapshot.series
    keys = list(series)
    names, numbers = _encoded(keys, series)
    if len(names) + len(numbers) + FRAME_BYTES > limit:
        keys = _that_fit(series, limit)
        names, numbers = _encoded(keys, series)
    left = limit - len(names) - len(numbers) - _HEAD.size
    found: list[tuple[int, list[tuple[int, Exemplar]]]] = []
    if snapshot.exemplars:
        position = {key: number for number, key in enumerate(keys)}
        found = [
            (position[key], list(buckets.items()))
            for key, buckets in snapshot.exemplars.items()
            if key in position
        ]
    exemplars = orjson.dumps(found)
    if len(exemplars) > left:
        exemplars = b"[]" if left >= 2 else b""
    return _HEAD.pack(len(names), len(numbers), len(exemplars)) + names + numbers + exemplars


def _encoded(keys: list[Key], series: Mapping[Key, list[float]]) -> tuple[bytes, bytes]:
    values: list[float] = []
    for key in keys:
        values += series[key]
    return orjson.dumps(keys), array("d", values).tobytes()


def _that_fit(series: Mapping[Key, list[float]], limit: int) -> list[Key]:
    keys: list[Key] = []
    size = FRAME_BYTES
    for key in sorted(series, key=lambda key: not FAMILIES[key[0]].kept):
        size += cost_of(FAMILIES[key[0]], key[1:])
        if size > limit:
            break
        keys.append(key)
    return keys


def decode(data: bytes) -> Snapshot:
    """Give back what `encode` was given."""
    names_bytes, numbers_bytes, exemplars_bytes = _HEAD.unpack_from(data)
    end_of_names = _HEAD.size + names_bytes
    end_of_numbers = end_of_names + numbers_bytes
    numbers = array("d", data[end_of_names:end_of_numbers]).tolist()
    snapshot = Snapshot()
    keys: list[Key] = []
    start = 0
    for names in orjson.loads(data[_HEAD.size : end_of_names]):
        key = tuple(names)
        end = start + FAMILIES[key[0]].width
        snapshot.series[key] = numbers[start:end]
        keys.append(key)
        start = end
    if exemplars_bytes:
        for number, buckets in orjson.loads(
            data[end_of_numbers : end_of_numbers + exemplars_bytes]
        ):
            snapshot.exemplars[keys[number]] = {
                bucket: tuple(exemplar) for bucket, exemplar in buckets
            }
    return snapshot


def add(total: Snapshot, part: Snapshot) -> None:
    """Add another process' snapshot to a total."""
    for key, values in part.series.items():
        have = total.series.get(key)
        if have is None:
            total.series[key] = list(values)
            continue
        match FAMILIES[key[0]].kind:
            case Kind.COUNTER | Kind.HISTOGRAM | Kind.SUM:
                total.series[key] = [one + other for one, other in zip(have, values, strict=True)]
            case Kind.GREATEST | Kind.INFO:
                have[0] = max(have[0], values[0])
            case Kind.LEAST:
                have[0] = min(have[0], values[0])
    for key, buckets in part.exemplars.items():
        mine = total.exemplars.setdefault(key, {})
        for bucket, exemplar in buckets.items():
            if bucket not in mine or mine[bucket][3] < exemplar[3]:
                mine[bucket] = exemplar


def what_remains(snapshot: Snapshot, limit: int) -> Snapshot:
    """Give what is left of a process that ended: its counters, without gauges and exemplars.

    What is beyond ``limit`` bytes is added to the series ``other`` of its family, so that no
    count is lost: processes may each have met other names.
    """
    left = Snapshot()
    size = FRAME_BYTES + sum(
        cost_of(family, (OTHER,) * len(family.labels)) for family in FAMILIES.values()
    )
    for key, values in snapshot.series.items():
        family = FAMILIES[key[0]]
        if not family.kept:
            continue
        size += cost_of(family, key[1:])
        name = key if size <= limit else (family.name, *(OTHER,) * len(family.labels))
        have = left.series.get(name, [0.0] * family.width)
        left.series[name] = [one + other for one, other in zip(have, values, strict=True)]
    return left

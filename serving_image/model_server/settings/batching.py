"""How requests share runs, and whether answers are remembered.

Takes a `Reader`, gives frozen settings. Must not know models.
"""

import json
from dataclasses import dataclass, field
from typing import Self

from model_server.settings.reader import Reader


@dataclass(frozen=True, slots=True)
class BatchingSettings:
    """Joining of requests, and the answer cache."""

    enabled: bool = True
    """``MODEL_SERVER_BATCHING``: whether requests may share a run where the model was seen to give
    the same answers. Default true."""

    max_rows: int = 64
    """``MODEL_SERVER_MAX_BATCH_ROWS``: rows of one joined run at most, 1-65536. Default 64.

    Dense models gain tenfold up to about 32 rows and nothing beyond 64; a request that is larger
    by itself runs alone.
    """

    delay_ms: float = 0.0
    """``MODEL_SERVER_BATCH_DELAY_MS``: longest time to wait for more requests, 0-1000. Default 0.

    Without it a run takes what has arrived, and what arrives while it runs is the next one.
    """

    padding: dict[str, float] = field(default_factory=dict)
    """``MODEL_SERVER_BATCH_PADDING``: value to fill up with, by input name, as a JSON object such
    as ``{"input_ids": 0, "attention_mask": 0}``. Default none: only requests of equal inner lengths
    share a run."""

    cache_mib: int = 0
    """``MODEL_SERVER_CACHE_MIB``: memory for remembered answers, 0-65536 MiB. Default 0: none.

    For deterministic models only: the same bytes get the answer that they got before.
    """

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; problems are collected by the reader."""
        return cls(
            enabled=reader.flag("MODEL_SERVER_BATCHING", default=True),
            max_rows=reader.number("MODEL_SERVER_MAX_BATCH_ROWS", int, 64, 1, 65536),
            delay_ms=reader.number("MODEL_SERVER_BATCH_DELAY_MS", float, 0.0, 0.0, 1000.0),
            padding=_padding(reader),
            cache_mib=reader.number("MODEL_SERVER_CACHE_MIB", int, 0, 0, 65536),
        )


def _padding(reader: Reader) -> dict[str, float]:
    text = reader.text("MODEL_SERVER_BATCH_PADDING")
    if text is None:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    numbers = given.values() if isinstance(given, dict) else [None]
    if not all(type(value) in (int, float) for value in numbers):
        reader.problems.append(
            f"MODEL_SERVER_BATCH_PADDING is {text!r}; it takes a JSON object of numbers by input "
            'name, such as {"input_ids": 0}'
        )
        return {}
    return given

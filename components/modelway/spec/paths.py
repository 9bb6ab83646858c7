"""Write a field's place in a spec as text, and read it back.

`("scaling", "schedules", 0, "name")` is `scaling.schedules[0].name`; a key that is no plain word,
such as a tag, is quoted: `tags["cost center"]`. Must not know what fields there are.
"""

import json
import re
from collections.abc import Iterable

Loc = tuple[str | int, ...]
"""Keys and indices from the top of the file to a value."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_PART = re.compile(r'\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?P<plain>[^.\[\]]+)')


def path_text(loc: Iterable[str | int]) -> str:
    """Write a place as people read it."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def path_parts(text: str) -> Loc:
    """Read a place that `path_text` wrote."""
    parts: list[str | int] = []
    for match in _PART.finditer(text):
        index, quoted, plain = match.group("index", "quoted", "plain")
        if index is not None:
            parts.append(int(index))
        elif quoted is not None:
            parts.append(str(json.loads(quoted)))
        else:
            parts.append(plain)
    return tuple(parts)

"""Media types as they stand in Content-Type and Accept.

Takes header values, gives parsed ones, following RFC 9110 sections 8.3 and 12.5.1 as far as this
server needs them. Must not know which formats the server has.
"""

from dataclasses import dataclass
from functools import lru_cache

from model_server.core.errors import InvalidInput

MAX_HEADER_LENGTH = 1024


@dataclass(frozen=True)
class MediaType:
    """A media type, lower case, with its parameters; ``q`` of an Accept entry is apart."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    quality: float = 1.0

    def parameter(self, name: str) -> str | None:
        """Give the value of a parameter, or None."""
        return next((value for key, value in self.parameters if key == name), None)


@lru_cache(maxsize=256)
def parse_content_type(value: str) -> MediaType:
    """Parse a Content-Type.

    Raises:
        InvalidInput: it is no media type.
    """
    return _media_type("Content-Type", value)


@lru_cache(maxsize=256)
def parse_accept(value: str) -> tuple[MediaType, ...]:
    """Parse an Accept header, the most wanted entry first; entries with ``q=0`` stay, last.

    Raises:
        InvalidInput: one of its entries is no media type.
    """
    parts = [part for part in _split(value, ",") if part.strip()]
    entries = [_media_type("Accept", part) for part in parts]
    return tuple(sorted(entries, key=lambda entry: -entry.quality))


def _media_type(header: str, value: str) -> MediaType:
    if len(value) > MAX_HEADER_LENGTH:
        raise InvalidInput(f"the {header} header is longer than {MAX_HEADER_LENGTH} characters")
    name, *rest = _split(value, ";")
    name = name.strip().lower()
    kind, slash, subtype = name.partition("/")
    if not slash or not kind or not subtype or not name.isascii() or " " in name:
        raise InvalidInput(f"the {header} header holds {name!r}, which is no media type")
    parameters: list[tuple[str, str]] = []
    quality = 1.0
    for part in rest:
        key, _, text = part.partition("=")
        key, text = key.strip().lower(), _unquote(text.strip())
        if key == "q" and header == "Accept":
            quality = _quality(text)
        elif key:
            parameters.append((key, text))
    return MediaType(name, tuple(parameters), quality)


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        quality = -1.0
    if not 0.0 <= quality <= 1.0:
        raise InvalidInput(f"the Accept header holds q={text!r}; q is a number from 0 to 1")
    return quality


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that is not inside double quotes."""
    if '"' not in text:
        return text.split(separator)
    parts: list[str] = [""]
    quoted = False
    previous = ""
    for character in text:
        if character == '"' and previous != "\\":
            quoted = not quoted
        if character == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += character
        previous = character
    return parts


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text

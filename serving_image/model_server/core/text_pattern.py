r"""Patterns for text whose matching time is linear, whatever the text.

Takes a pattern in a small part of the language of regular expressions, gives a compiled one or the
reason why it is refused. Must not accept a pattern on which Python's backtracking engine could
take long: the texts come from callers, and a few hundred characters can hold up
``(a+)+b`` for years.

The language: literal characters, ``.``, sets such as ``[A-Za-z_-]`` and ``[^,]``, ``\d``, ``\w``
and their opposites ``\D`` and ``\W`` (ASCII, as in JSON Schema), groups ``(...)`` with
alternatives ``|``, and the quantifiers ``?``, ``*``, ``+``, ``{m}``, ``{m,}`` and ``{m,n}``. Of a
group only ``?`` is allowed. A pattern always stands for the whole text. There are no anchors, no
look-around and no back-references.

The rule that makes it linear: while a text is read from left to right, each character must settle
by itself which part of the pattern it belongs to. ``[a-z]+@[a-z]+`` does that; ``[a-z]+[a-z0-9]``
does not, as an ``a`` may belong to either part. Such patterns are called one-unambiguous
(Brueggemann-Klein and Wood, "One-Unambiguous Regular Languages", 1998; XML Schema has the same
rule). A wrong turn is then seen at once, so there is nothing to go back for.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

MAX_PATTERN_LENGTH = 500
"""Characters of a pattern at most. Ours: it bounds the time of the check below."""

MAX_COUNT = 10_000
"""Largest number in a quantifier. Ours; texts have `max_length` for more."""

MAX_GROUP_DEPTH = 10
"""Groups inside groups at most. Ours."""

_LAST = 0x10FFFF
_DIGITS = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_NEWLINE = ((10, 10),)
_ESCAPED = frozenset("\\.[](){}|?*+^$-/")

Ranges = tuple[tuple[int, int], ...]
"""A set of characters as sorted ranges of code points, both ends included."""


class PatternRefused(Exception):
    """The pattern is not in the language above; the message says where and why."""


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A pattern that was found to be linear."""

    text: str
    """As it was written."""

    compiled: re.Pattern[str]

    example: str
    """A short text that matches."""

    @property
    def anchored(self) -> str:
        """The same for JSON Schema, whose patterns may match anywhere unless anchored."""
        return f"^(?:{self.text})$"


@dataclass(slots=True)
class _Part:
    """What the check knows of a part of a pattern."""

    first: list[int]
    """Positions at which the part can begin; a position is one set of characters in it."""
    last: list[int]
    """Positions at which it can end."""
    empty: bool
    """Whether it matches the empty text."""
    example: str


def compile_pattern(text: str) -> TextPattern:
    """Compile a pattern.

    Raises:
        PatternRefused: it is malformed, uses something else, or is not linear.
    """
    if len(text) > MAX_PATTERN_LENGTH:
        raise PatternRefused(
            f"it has {len(text)} characters; {MAX_PATTERN_LENGTH} are the most that is allowed"
        )
    example = _Parser(text).parsed()
    return TextPattern(text, re.compile(text, re.ASCII), example)


class _Parser:
    """Reads a pattern once, from left to right, and checks what may follow what."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._sets: list[Ranges] = []
        self._follow: list[list[int]] = []

    def parsed(self) -> str:
        """Check the whole pattern and give an example of what it matches."""
        whole = self._alternatives()
        if self._at < len(self._text):
            raise self._refused("there is a ')' without its '('")
        self._settle(whole.first)
        for follow in self._follow:
            self._settle(follow)
        return whole.example

    def _settle(self, positions: list[int]) -> None:
        """Refuse positions between which one character does not decide."""
        ranges = sorted((pair, at) for at in set(positions) for pair in self._sets[at])
        for ((_, high), one), ((low, _), other) in pairwise(ranges):
            if low <= high and one != other:
                raise PatternRefused(
                    f"the character {chr(low)!r} could belong to two parts of it at one place; "
                    "matching such patterns can take very long, so each character must settle "
                    "by itself which part comes next"
                )

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        if len(parts) > 1 and sum(part.empty for part in parts) > 0:
            raise self._refused("an alternative matches the empty text; write (...)? instead")
        return _Part(
            [at for part in parts for at in part.first],
            [at for part in parts for at in part.last],
            parts[0].empty,
            parts[0].example,
        )

    def _sequence(self) -> _Part:
        whole = _Part([], [], True, "")
        while self._peek() not in ("", "|", ")"):
            part = self._item()
            for at in whole.last:
                self._follow[at] += part.first
            whole = _Part(
                whole.first + part.first if whole.empty else whole.first,
                whole.last + part.last if part.empty else part.last,
                whole.empty and part.empty,
                whole.example + part.example,
            )
        return whole

    def _item(self) -> _Part:
        if self._peek() == "(":
            return self._group()
        ranges = self._set()
        at = len(self._sets)
        self._sets.append(ranges)
        self._follow.append([])
        low, high = self._quantifier()
        # With a number of repeats that is fixed, the count settles what comes next.
        if high is None or low < high > 1:
            self._follow[at].append(at)
        return _Part([at], [at], low == 0, _shown(ranges) * low)

    def _group(self) -> _Part:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_GROUP_DEPTH:
            raise self._refused(f"groups are nested deeper than {MAX_GROUP_DEPTH}")
        if self._peek() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise self._refused("'(?' begins something that is not supported")
            self._at += 2
        part = self._alternatives()
        if self._peek() != ")":
            raise self._refused("a '(' has no ')'")
        self._at += 1
        self._depth -= 1
        if self._peek() in ("*", "+", "{"):
            raise self._refused("a group cannot be repeated; only '?' is allowed after ')'")
        if self._peek() != "?":
            return part
        self._at += 1
        self._no_second_quantifier()
        if part.empty:
            raise self._refused("the group matches the empty text already")
        return _Part(part.first, part.last, True, "")

    def _quantifier(self) -> tuple[int, int | None]:
        sign = self._peek()
        if sign == "{":
            found = re.compile(r"\{(\d{1,6})(,(\d{0,6}))?\}", re.ASCII).match(self._text, self._at)
            if found is None:
                raise self._refused("'{' begins no quantifier; write '\\{' for the character")
            low = int(found[1])
            high = low if found[2] is None else int(found[3]) if found[3] else None
            if max(low, high or 0) > MAX_COUNT or (high is not None and not low <= high > 0):
                raise self._refused(f"{found[0]!r} is no quantifier up to {MAX_COUNT}")
            self._at = found.end()
        elif sign in ("?", "*", "+"):
            self._at += 1
            low, high = int(sign == "+"), 1 if sign == "?" else None
        else:
            return 1, 1
        self._no_second_quantifier()
        return low, high

    def _no_second_quantifier(self) -> None:
        if self._peek() in ("?", "*", "+", "{"):
            raise self._refused("there is a quantifier after a quantifier")

    def _set(self) -> Ranges:
        """Read one literal, escape, dot or set."""
        character = self._next()
        if character == ".":
            return _opposite(_NEWLINE)
        if character == "\\":
            if self._peek() == "-":
                # JSON Schema's own language has this escape inside sets only.
                raise self._refused("'-' needs no backslash outside '[...]'")
            return self._escape()
        if character == "[":
            return self._bracket()
        if character in "^$":
            raise self._refused("a pattern stands for the whole text; leave '^' and '$' out")
        if character in "?*+{":
            raise self._refused(f"there is nothing before {character!r} that it could repeat")
        if character in "]}":
            raise self._refused(f"write '\\{character}' for the character")
        return ((ord(character), ord(character)),)

    def _escape(self) -> Ranges:
        character = self._next()
        if character in ("d", "D"):
            return _DIGITS if character == "d" else _opposite(_DIGITS)
        if character in ("w", "W"):
            return _WORD if character == "w" else _opposite(_WORD)
        if character not in _ESCAPED:
            raise self._refused(f"'\\{character}' is not supported")
        return ((ord(character), ord(character)),)

    def _bracket(self) -> Ranges:
        negated = self._peek() == "^"
        if negated:
            self._at += 1
        found: list[tuple[int, int]] = []
        while self._peek() != "]":
            ranges = self._member()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                if self._peek() == "-":
                    raise self._refused("write '\\-' for the character at the end of a range")
                end = self._member()
                if not (_is_one(ranges) and _is_one(end) and ranges[0][0] <= end[0][0]):
                    raise self._refused("there is a range in '[...]' that goes nowhere")
                ranges = ((ranges[0][0], end[0][0]),)
            found += ranges
        self._at += 1
        if not found:
            raise self._refused("there is an empty '[]'")
        merged = _opposite(_merged(found)) if negated else _merged(found)
        if not merged:
            raise self._refused("there is a '[^...]' that leaves no character")
        return merged

    def _member(self) -> Ranges:
        """Read one character of a set, or one escape."""
        character = self._next()
        if character == "\\":
            return self._escape()
        # Python warns of these as the start of set operations to come, and JSON Schema's own
        # language with sets of sets reads '[' otherwise.
        if character == "[" or (character in "&|~-" and self._peek() == character):
            raise self._refused(f"write '\\{character}' inside '[...]', or leave the second out")
        return ((ord(character), ord(character)),)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise self._refused("it ends too early")
        self._at += 1
        return character

    def _refused(self, why: str) -> PatternRefused:
        return PatternRefused(f"at character {self._at}: {why}")


def _is_one(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _opposite(ranges: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        found.append((start, _LAST))
    return tuple(found)


def _shown(ranges: Ranges) -> str:
    """Give one character of a set, one that can be printed where there is any."""
    for low, high in ranges:
        printable = max(low, 33)
        if printable <= high:
            return chr(printable)
    return chr(ranges[0][0])

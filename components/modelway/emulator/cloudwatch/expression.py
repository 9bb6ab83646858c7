"""The grammar of metric math: text in, a tree out.

Pure. Grammar: CloudWatch user guide, "Metric math syntax and functions". What a tree means is
`modelway.emulator.cloudwatch.math`.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<symbol>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],]))"
)
_SPELLINGS = {"&&": "AND", "||": "OR"}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("OR",),
    ("AND",),
    ("==", "!=", "<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/"),
)
_DEEPEST = 50
"""Nesting accepted; deeper expressions would exhaust the stack instead of giving an error."""


class MathError(ValueError):
    """A metric math expression that is wrong, or that this emulator cannot evaluate."""


@dataclass(frozen=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True)
class Text:
    """A quoted string, as METRICS takes it."""

    value: str


@dataclass(frozen=True)
class Name:
    """An Id (lower case first) or a keyword such as REPEAT (upper case)."""

    value: str


@dataclass(frozen=True)
class Array:
    """`[a, b]`."""

    items: tuple["Node", ...]


@dataclass(frozen=True)
class Call:
    """`FUNCTION(...)`."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Negated:
    """Unary minus."""

    operand: "Node"


@dataclass(frozen=True)
class Operation:
    """Two operands and `+ - * / ^ == != <= >= < > AND OR`."""

    operator: str
    left: "Node"
    right: "Node"


Node = Number | Text | Name | Array | Call | Negated | Operation


def parse(expression: str) -> Node:
    """Give the tree of a metric math expression.

    Raises:
        MathError: the text does not follow the grammar; the message shows where.
    """
    parser = _Parser(expression)
    tree = parser.binary(0)
    parser.finish()
    return tree


def names(node: Node) -> set[str]:
    """Give the Ids that a tree reads; METRICS() reads more, which only the request knows."""
    match node:
        case Name(value):
            return {value} if value[0].islower() else set()
        case Array(items) | Call(_, items):
            return set().union(*(names(item) for item in items))
        case Negated(operand):
            return names(operand)
        case Operation(_, left, right):
            return names(left) | names(right)
        case _:
            return set()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def _split(self) -> list[tuple[str, str]]:
        text = self._expression.rstrip()
        at, found = 0, list[tuple[str, str]]()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._error(f"unexpected text at {text[at:].strip()[:20]!r}")
            found.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return found

    def _error(self, what: str) -> MathError:
        return MathError(f"Error in expression '{self._expression}': {what}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "the end")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, symbol: str) -> None:
        if self._take()[1] != symbol:
            self._next -= 1
            raise self._error(f"{symbol!r} expected before {self._peek()[1]!r}")

    def finish(self) -> None:
        """Refuse what is left over."""
        if self._peek()[0] != "end":
            raise self._error(f"unexpected {self._peek()[1]!r}")

    def binary(self, level: int) -> Node:
        """Operators of `level` and everything that binds tighter."""
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self._peek()[0] != "text":
            operator = _SPELLINGS.get(self._peek()[1], self._peek()[1])
            if operator not in _LEVELS[level]:
                break
            self._take()
            left = Operation(operator, left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        """Unary minus, then `^`, which binds tighter and to the right."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"nested deeper than {_DEEPEST} levels")
        try:
            if self._peek()[1] == "-":
                self._take()
                return Negated(self.unary())
            base = self.primary()
            if self._peek()[1] == "^":
                self._take()
                return Operation("^", base, self.unary())
            return base
        finally:
            self._depth -= 1

    def primary(self) -> Node:
        """A literal, an Id, a call, an array or parentheses."""
        kind, text = self._take()
        if kind == "number":
            return Number(float(text))
        if kind == "text":
            return Text(text[1:-1])
        if kind == "name" and text not in ("AND", "OR"):
            if self._peek()[1] != "(":
                return Name(text)
            self._take()
            return Call(text, self._list(")"))
        if text == "(":
            inner = self.binary(0)
            self._expect(")")
            return inner
        if text == "[":
            return Array(self._list("]"))
        raise self._error(f"a value expected before {text!r}")

    def _list(self, closing: str) -> tuple[Node, ...]:
        items = list[Node]()
        if self._peek()[1] == closing:
            self._take()
            return ()
        while True:
            items.append(self.binary(0))
            if self._peek()[1] == ",":
                self._take()
                continue
            self._expect(closing)
            return tuple(items)

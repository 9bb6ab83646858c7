"""Composite alarms: the rule language, read and evaluated.

Pure. Grammar: PutCompositeAlarm, AlarmRule: ALARM(), OK(), INSUFFICIENT_DATA() around a name or
ARN, AND, OR, NOT, TRUE, FALSE and parentheses; at most 10 240 characters and 100 alarms.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelway.emulator.cloudwatch.alarms import State

LONGEST_RULE = 10240
MOST_ALARMS = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<test>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>[^()\"]+?))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<symbol>[()]))"
)


class RuleError(ValueError):
    """An AlarmRule that does not follow the grammar."""


@dataclass(frozen=True)
class StateTest:
    """`STATE(alarm)`."""

    state: State
    alarm: str
    """The name of the alarm, also where the rule gave its ARN."""


Condition = StateTest | bool | tuple[str, tuple["Condition", ...]]
"""A test, a constant, or `AND`, `OR`, `NOT` with its operands."""


def parse_rule(rule: str) -> Condition:
    """Give the condition that an AlarmRule writes.

    Raises:
        RuleError: with the place where the rule goes wrong.
    """
    if len(rule) > LONGEST_RULE:
        raise RuleError(f"AlarmRule has {len(rule)} characters; at most {LONGEST_RULE} are allowed")
    tokens = _split(rule)
    condition, at = _either(tokens, 0)
    if at != len(tokens):
        raise RuleError(f"AlarmRule: unexpected '{tokens[at]}'")
    if len(alarms_of(condition)) > MOST_ALARMS:
        raise RuleError(f"AlarmRule names more than {MOST_ALARMS} alarms")
    return condition


def alarms_of(condition: Condition) -> list[str]:
    """Give the names of the alarms that a condition depends on."""
    match condition:
        case StateTest(_, alarm):
            return [alarm]
        case (str(), operands):
            return [name for operand in operands for name in alarms_of(operand)]
        case _:
            return []


def holds(condition: Condition, state_of: Callable[[str], str | None]) -> bool:
    """Tell whether a condition is true; `state_of` gives the state of an alarm by name."""
    match condition:
        case StateTest(state, alarm):
            return state_of(alarm) == state
        case ("AND", operands):
            return all(holds(operand, state_of) for operand in operands)
        case ("OR", operands):
            return any(holds(operand, state_of) for operand in operands)
        case ("NOT", (operand,)):
            return not holds(operand, state_of)
        case constant:
            return constant is True


def _split(rule: str) -> list[StateTest | str]:
    tokens, at = list[StateTest | str](), 0
    text = rule.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise RuleError(f"AlarmRule: unexpected text at '{text[at:].strip()[:20]}'")
        if match["test"]:
            name = match["quoted"] or match["plain"]
            if name.startswith("arn:"):
                name = name.split(":alarm:", 1)[-1]
            tokens.append(StateTest(State(match["test"]), name))
        else:
            tokens.append(match["word"] or match["symbol"])
        at = match.end()
    return tokens


def _either(tokens: Sequence[StateTest | str], at: int) -> tuple[Condition, int]:
    return _joined("OR", _both, tokens, at)


def _both(tokens: Sequence[StateTest | str], at: int) -> tuple[Condition, int]:
    return _joined("AND", _one, tokens, at)


def _joined(
    word: str,
    inner: Callable[[Sequence[StateTest | str], int], tuple[Condition, int]],
    tokens: Sequence[StateTest | str],
    at: int,
) -> tuple[Condition, int]:
    first, at = inner(tokens, at)
    operands = [first]
    while at < len(tokens) and tokens[at] == word:
        operand, at = inner(tokens, at + 1)
        operands.append(operand)
    return (first if len(operands) == 1 else (word, tuple(operands))), at


def _one(tokens: Sequence[StateTest | str], at: int) -> tuple[Condition, int]:
    if at >= len(tokens):
        raise RuleError("AlarmRule ends where ALARM(...), OK(...) or INSUFFICIENT_DATA(...) is due")
    part = tokens[at]
    if isinstance(part, StateTest):
        return part, at + 1
    if part in ("TRUE", "FALSE"):
        return part == "TRUE", at + 1
    if part == "NOT":
        operand, at = _one(tokens, at + 1)
        return ("NOT", (operand,)), at
    if part == "(":
        inner, at = _either(tokens, at + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise RuleError("AlarmRule: a ')' is missing")
        return inner, at + 1
    raise RuleError(f"AlarmRule: unexpected '{part}'")

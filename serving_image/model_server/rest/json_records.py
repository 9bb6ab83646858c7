"""Rows as records: objects by the names of an input's columns.

Takes a list of rows and the rules that name the columns, gives the rows as lists in the columns'
order, and what is wrong with the names. Must not look at values.

A column may be absent where its rule says what a missing value is; it is then the same as null.
"""

from typing import TYPE_CHECKING, Any

from model_server.core.tensors import Contract
from model_server.rest.nested import ABSENT, ENOUGH_PROBLEMS, At, brackets, describe

if TYPE_CHECKING:
    from model_server.core.rules import TensorRules

LISTED_NAMES = 10
"""Names in one message at most."""


def are_records(rows: list[Any], contract: Contract, tensors: dict[str, "TensorRules"]) -> bool:
    """Whether rows are records: objects, of a model with one input whose columns have names.

    ``{"x": [41.0, 2.5]}`` for an input named x is no record but the row by its input's name.
    """
    spec = contract.inputs[0]
    rules = tensors.get(spec.name)
    if len(contract.inputs) != 1 or rules is None or not rules.columns or len(spec.shape) != 2:
        return False
    for row in rows:
        if type(row) is not dict:
            continue
        by_input = row.keys() == {spec.name} and (
            type(row[spec.name]) is list or spec.name not in rules.columns
        )
        return not by_input
    return False


def rows_of_records(rows: list[Any], rules: "TensorRules", problems: list[str]) -> list[Any]:
    """Give the rows' values in the columns' order, and add what is wrong with the names.

    A column that must be there and is not is `ABSENT`, so that everything else can be looked at.
    """
    columns = rules.columns
    wanted = set(columns)
    needed = {rule.column for rule in rules.fields if rule.needs_value}
    made: list[Any] = []
    for number, row in enumerate(rows):
        if type(row) is not dict:
            problems.append(
                f"instances[{number}] is {describe(row)}; it must be an object by column name, "
                "as other rows are"
            )
            made.append([ABSENT] * len(columns))
        elif row.keys() == wanted:
            made.append([row[name] for name in columns])
        else:
            absent = [name for name in columns if name in needed and name not in row]
            if absent:
                problems.append(f"instances[{number}] lacks {_listed(absent)}")
            other = [name for name in row if name not in wanted]
            if other:
                problems.append(f"instances[{number}] has {_listed(other)}; no column is named so")
            made.append([row.get(name, ABSENT if name in needed else None) for name in columns])
        if len(problems) >= ENOUGH_PROBLEMS:
            break
    return made


def record_path(rules: "TensorRules") -> At:
    """Give the caller's path of a value: ``instances[3].age``."""

    def at(index: tuple[int, ...]) -> str:
        names = "".join(f".{rules.columns[number]}" for number in index[1:])
        return f"instances{brackets(index[:1])}{names}"

    return at


def _listed(names: list[str]) -> str:
    listed = ", ".join(repr(name) for name in names[:LISTED_NAMES])
    left = len(names) - LISTED_NAMES
    return f"{listed} and {left} more" if left > 0 else listed

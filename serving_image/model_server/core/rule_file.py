"""``input_rules.json``: input rules as a file beside the model.

Takes the file's text and the model's contract, gives `InputRules`, or everything that is wrong with
the file. Must not guess: an unknown key, a name that the model does not have and a limit that no
value can meet are refused before anything is served.

::

    {
      "version": 1,
      "max_rows": 1000,
      "inputs": {
        "x": {
          "min": 0,
          "columns": [
            {"name": "age", "max": 120, "missing": {"value": 40}},
            {"name": "income", "missing": "allow"},
            {"name": "region", "categories": [1, 2, 5]}
          ]
        },
        "job": {"max_length": 40, "pattern": "[a-z]+( [a-z-]+)?"}
      },
      "example": {"x": {"age": 41, "income": 3200.5, "region": 2}, "job": ["cook"]}
    }

Keys of an input hold for all its values; a column's own keys replace them for that column. There
is one column for each place on the last axis, in order. `rule_schema` is the same as a JSON Schema.
"""

import json
from pathlib import Path
from typing import Any

from model_server.core.errors import MAX_PROBLEMS, ModelUnusable
from model_server.core.field_rule import FieldRule, in_dtype, is_of
from model_server.core.rule_limits import LIMIT_KEYS, Limits, read_limits, rule_problems
from model_server.core.rules import InputRules, TensorRules
from model_server.core.tensors import Contract, TensorSpec

RULES_FILE = "input_rules.json"
"""Name of the file in the model folder."""

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Largest file. Ours: some 40 000 columns with all their limits."""

VERSION = 1

TOP_KEYS = ("version", "max_rows", "inputs", "example")
INPUT_KEYS = (*LIMIT_KEYS, "columns")
COLUMN_KEYS = ("name", *LIMIT_KEYS)

MAX_COLUMN_NAME_LENGTH = 200
"""Characters of a column's name at most. Ours: names become labels of metrics."""


def load_rules(folder: Path, contract: Contract) -> InputRules | None:
    """Read the rule file of a model folder; None where there is none.

    Raises:
        ModelUnusable: with everything that is wrong with it.
    """
    path = folder / RULES_FILE
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ModelUnusable(f"{RULES_FILE} is larger than {MAX_FILE_BYTES} bytes")
    return read_rules(path.read_bytes(), contract)


def read_rules(text: bytes, contract: Contract) -> InputRules:
    """Read the text of a rule file.

    Raises:
        ModelUnusable: with everything that is wrong with it.
    """
    problems: list[str] = []
    document = _parsed(text, problems)
    rules = None if problems else _FileReader(contract, problems).read(document)
    if rules is None or problems:
        left = len(problems) - MAX_PROBLEMS
        listed = "; ".join(problems[:MAX_PROBLEMS]) + (f"; and {left} more" if left > 0 else "")
        raise ModelUnusable(f"{RULES_FILE} cannot be used: {listed}", problems)
    return rules


def _parsed(text: bytes, problems: list[str]) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                problems.append(f"the key {key!r} stands twice in one object")
            found[key] = value
        return found

    def no_number(name: str) -> None:
        problems.append(f"{name} is no number in JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        problems.append("it is nested too deeply" if deep else f"it is not JSON: {error}")
        return None


class _FileReader:
    """Reads a whole file and collects what is wrong with it."""

    def __init__(self, contract: Contract, problems: list[str]) -> None:
        self._contract = contract
        self._problems = problems

    def read(self, document: Any) -> InputRules | None:
        if type(document) is not dict:
            self._problems.append("it must be an object")
            return None
        version = document.get("version")
        if type(version) is not int or version != VERSION:
            # Of another version, nothing else can be said.
            self._problems.append(f"version must be {VERSION}")
            return None
        self._no_other_keys(document, TOP_KEYS, "the file")
        max_rows = document.get("max_rows")
        if "max_rows" in document and (type(max_rows) is not int or max_rows < 1):
            self._problems.append("max_rows must be a whole number from 1")
        inputs = document.get("inputs", {})
        if type(inputs) is not dict:
            self._problems.append("inputs must be an object with the model's inputs by name")
            return None
        tensors = [rules for name, given in inputs.items() if (rules := self._input(name, given))]
        example = None
        if "example" in document and not self._problems:  # it is judged by the rules
            example = self._example(document["example"], {rules.name: rules for rules in tensors})
        return None if self._problems else InputRules(tensors, max_rows, example)

    def _input(self, name: str, given: Any) -> TensorRules | None:
        path = f"inputs.{name}"
        spec = self._contract.input(name)
        if spec is None:
            named = self._contract.names_of_inputs()
            self._problems.append(f"{path} is no input of this model; it has {named}")
            return None
        if type(given) is not dict:
            self._problems.append(f"{path} must be an object")
            return None
        assert spec.dtype is not None  # inputs are always tensors
        self._no_other_keys(given, INPUT_KEYS, path)
        before = len(self._problems)
        limits = read_limits(given, spec.dtype, path, self._problems)
        if "columns" not in given:
            fields = [limits.rule(name, spec.dtype, None)]
            paths, columns = [path], []
        else:
            fields = self._columns(spec, given["columns"], limits)
            columns = [str(rule.column) for rule in fields]
            paths = [f"{path}.columns[{number}]" for number in range(len(fields))]
        if len(self._problems) == before:
            for rule, where in zip(fields, paths, strict=True):
                self._problems += rule_problems(rule, where)
        return TensorRules(spec, fields, columns) if len(self._problems) == before else None

    def _columns(self, spec: TensorSpec, given: Any, limits: Limits) -> list[FieldRule]:
        path = f"inputs.{spec.name}.columns"
        if len(spec.shape) < 2:
            self._problems.append(f"{path}: input {spec} has no axis of columns")
            return []
        if type(given) is not list or not given:
            self._problems.append(f"{path} must be a list with one object for each column")
            return []
        wanted = spec.shape[-1]
        if isinstance(wanted, int) and len(given) != wanted:
            self._problems.append(f"{path} has {len(given)} columns; input {spec} has {wanted}")
        assert spec.dtype is not None  # inputs are always tensors
        found: list[FieldRule] = []
        names: set[str] = set()
        for number, column in enumerate(given):
            where = f"{path}[{number}]"
            if type(column) is not dict:
                self._problems.append(f"{where} must be an object")
                continue
            self._no_other_keys(column, COLUMN_KEYS, where)
            own = read_limits(column, spec.dtype, where, self._problems)
            name = column.get("name")
            if type(name) is not str or not 0 < len(name) <= MAX_COLUMN_NAME_LENGTH:
                self._problems.append(
                    f"{where}.name must be text of 1 to {MAX_COLUMN_NAME_LENGTH} characters"
                )
                continue
            if name in names:
                self._problems.append(f"{where}.name {name!r} stands there twice")
            names.add(name)
            found.append(own.over(limits).rule(f"{spec.name}.{name}", spec.dtype, name))
        return found

    def _no_other_keys(self, given: dict[str, Any], known: tuple[str, ...], path: str) -> None:
        self._problems += [
            f"{path} has {key!r}, which is no key there; there are {', '.join(known)}"
            for key in given
            if key not in known
        ]

    def _example(self, given: Any, tensors: dict[str, TensorRules]) -> dict[str, Any] | None:
        if type(given) is not dict:
            self._problems.append("example must be an object with one row for each input")
            return None
        names = [spec.name for spec in self._contract.inputs]
        self._problems += [f"example lacks {name!r}" for name in names if name not in given]
        self._problems += [
            f"example has {name!r}, which is no input of this model"
            for name in given
            if name not in names
        ]
        found: dict[str, Any] = {}
        for spec in self._contract.inputs:
            rules = tensors.get(spec.name)
            if spec.name in given:
                row = self._in_order(given[spec.name], spec, rules)
                self._example_fits(row, spec, rules, f"example.{spec.name}", ())
                found[spec.name] = _filled(row, rules, 0)
        return found

    def _in_order(self, row: Any, spec: TensorSpec, rules: TensorRules | None) -> Any:
        """Give a row's values in the order of the columns where they are given by name."""
        if type(row) is not dict or rules is None or not rules.columns or len(spec.shape) != 2:
            return row
        self._problems += [
            f"example.{spec.name} has {name!r}, which is no column"
            for name in row
            if name not in rules.columns
        ]
        return [row.get(name) for name in rules.columns]

    def _example_fits(
        self,
        value: Any,
        spec: TensorSpec,
        rules: TensorRules | None,
        path: str,
        at: tuple[int, ...],
    ) -> None:
        axes = spec.shape[1:]
        if len(at) < len(axes):
            length = axes[len(at)]
            fixed = isinstance(length, int)
            if type(value) is not list or not value or (fixed and len(value) != length):
                self._problems.append(
                    f"{path} must be a list of {length if fixed else 'some'} values"
                )
                return
            for number, child in enumerate(value):
                self._example_fits(child, spec, rules, f"{path}[{number}]", (*at, number))
            return
        assert spec.dtype is not None  # inputs are always tensors
        if value is not None and not is_of(value, spec.dtype):
            self._problems.append(f"{path} is no {spec.datatype}")
        elif rules is not None:
            # One axis is the rows' own: such an input has one rule.
            exact = None if value is None else in_dtype(value, spec.dtype)
            problem = rules.field_at(at[-1] if at else 0).problem(exact)
            if problem is not None:
                self._problems.append(f"{path} {problem[1]}")
        elif value is None:
            self._problems.append(f"{path} is missing")


def _filled(value: Any, rules: TensorRules | None, last: int) -> Any:
    """Give an example with the replacements of what is missing in it; None stays for NaN."""
    if isinstance(value, list):
        return [_filled(child, rules, number) for number, child in enumerate(value)]
    return rules.field_at(last).replacement if value is None and rules is not None else value

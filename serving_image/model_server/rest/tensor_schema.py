"""JSON Schemas of what a model takes and gives, from its own tensors and rules.

Takes a contract and rules, gives schemas (draft 2020-12) of ``/invocations`` and of the Open
Inference Protocol's inference, as named parts that refer to each other. Must not know routes;
`openapi` does.

Some of what the server refuses cannot be said in a schema: equal lengths of axes of several inputs,
and that ``1.0`` is no whole number.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model_server.core.field_rule import FieldRule, Missing
from model_server.core.rules import InputRules, TensorRules
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.oip.datatypes import NAMES

Schema = dict[str, Any]

PARAMETERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
"""The protocol's parameters of requests, answers and tensors."""

REQUEST_PARAMETERS: Schema = {
    **PARAMETERS,
    "properties": {"binary_data_output": {"type": "boolean", "description": "Answer in bytes."}},
}

INPUT_PARAMETERS: Schema = {
    **PARAMETERS,
    "properties": {"binary_data_size": False},
    "description": "Without binary_data_size, which is for tensors that follow as bytes.",
}

OUTPUT_PARAMETERS: Schema = {
    **PARAMETERS,
    "properties": {
        "binary_data": {"type": "boolean", "description": "Answer in bytes."},
        "classification": False,
    },
}

Reference = Callable[[str], Schema]
"""Gives the reference to a part by its name."""


class ModelSchemas:
    """The schemas of one model, by part."""

    def __init__(self, contract: Contract, rules: InputRules | None, reference: Reference) -> None:
        """Make them.

        Args:
            contract: the model's tensors.
            rules: its rules.
            reference: how parts are referred to.
        """
        self._contract = contract
        self._rules = rules
        self._reference = reference
        self.parts: dict[str, Schema] = {}
        for number, spec in enumerate(contract.inputs):
            if spec.shape:
                self.parts[f"input{number}.row"] = self._nested(spec, spec.shape[1:])
                self.parts[f"input{number}"] = self._rows(spec, reference(f"input{number}.row"))
            else:
                self.parts[f"input{number}"] = value_schema(self._field(spec, 0))
        record = self._record()
        if record is not None:
            self.parts["record"] = record
        self.parts["request"] = self._request()
        self.parts["predictions"] = self._predictions()
        self.parts["infer_request"] = self._infer_request()
        self.parts["infer_answer"] = self._infer_answer()

    def _tensor(self, spec: TensorSpec) -> TensorRules | None:
        return None if self._rules is None else self._rules.tensors.get(spec.name)

    def _field(self, spec: TensorSpec, last: int) -> FieldRule:
        assert spec.dtype is not None  # inputs are always tensors
        tensor = self._tensor(spec)
        if tensor is None:
            return FieldRule(spec.name, spec.dtype)
        return tensor.field_at(last)

    def _nested(self, spec: TensorSpec, axes: Sequence[int | str | None]) -> Schema:
        if not axes:
            return value_schema(self._field(spec, 0))
        if len(axes) > 1:
            return _list_of(self._nested(spec, axes[1:]), axes[0])
        tensor = self._tensor(spec)
        columns = () if tensor is None else tensor.columns
        if not columns:
            return _list_of(value_schema(self._field(spec, 0)), axes[0])
        return {
            "type": "array",
            "prefixItems": [
                {"title": name, **value_schema(self._field(spec, number))}
                for number, name in enumerate(columns)
            ],
            "items": False,
            "minItems": len(columns),
            "maxItems": len(columns),
        }

    def _rows(self, spec: TensorSpec, row: Schema) -> Schema:
        schema = _list_of(row, spec.shape[0])
        if self._rules is not None and self._rules.max_rows is not None:
            schema.setdefault("maxItems", self._rules.max_rows)
        return {"title": spec.name, "description": f"Input {spec}.", **schema}

    def _record(self) -> Schema | None:
        """Give the schema of a row by column name, for models that take such."""
        spec = self._contract.inputs[0]
        tensor = self._tensor(spec)
        if len(self._contract.inputs) != 1 or tensor is None or not tensor.columns:
            return None
        if len(spec.shape) != 2:
            return None
        return {
            "type": "object",
            "properties": {
                name: value_schema(self._field(spec, number))
                for number, name in enumerate(tensor.columns)
            },
            "required": [rule.column for rule in tensor.fields if rule.needs_value],
            "additionalProperties": False,
        }

    def _request(self) -> Schema:
        inputs = self._contract.inputs
        by_name = _object(
            {spec.name: self._reference(f"input{n}") for n, spec in enumerate(inputs)}
        )
        tensors = [by_name]
        if len(inputs) == 1:
            tensors.insert(0, self._reference("input0"))
        properties: dict[str, Schema] = {}
        if all(spec.shape for spec in inputs):
            properties["instances"] = {
                "description": "Rows, all in the same form.",
                "anyOf": [self._rows_of(form) for form in self._row_forms()],
            }
        properties["inputs"] = {"description": "Whole tensors.", "anyOf": tensors}
        return {
            "type": "object",
            "properties": properties,
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }

    def _row_forms(self) -> list[Schema]:
        inputs = self._contract.inputs
        forms: list[Schema] = []
        if "record" in self.parts:
            forms.append(self._reference("record"))
        if len(inputs) == 1:
            forms.append(self._reference("input0.row"))
        named: dict[str, Schema] = {}
        for number, spec in enumerate(inputs):
            named[spec.name] = self._reference(f"input{number}.row")
            if spec.shape[1:] == (1,):
                bare = value_schema(self._field(spec, 0))
                named[spec.name] = {"anyOf": [bare, named[spec.name]]}
        forms.append(_object(named))
        return forms

    def _rows_of(self, form: Schema) -> Schema:
        lengths = [spec.shape[0] for spec in self._contract.inputs if spec.shape]
        fixed = next((length for length in lengths if isinstance(length, int)), None)
        schema = _list_of(form, fixed)
        if self._rules is not None and self._rules.max_rows is not None:
            schema.setdefault("maxItems", self._rules.max_rows)
        return schema

    def _predictions(self) -> Schema:
        outputs = self._contract.outputs
        rows = [_answer_schema(spec, spec.shape[1:]) for spec in outputs]
        names = [spec.name for spec in outputs]
        row = rows[0] if len(rows) == 1 else _object(dict(zip(names, rows, strict=True)))
        whole = {spec.name: _answer_schema(spec, spec.shape) for spec in outputs}
        return {
            "type": "object",
            "properties": {
                "predictions": {
                    "type": "array",
                    "items": row,
                    "description": "One entry for each row of the request.",
                },
                "outputs": {
                    "type": "object",
                    "properties": whole,
                    "description": "Whole tensors, where they do not have the request's rows.",
                },
                "warnings": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Where values are null because JSON has no NaN and no infinity.",
                },
            },
        }

    def _infer_request(self) -> Schema:
        inputs = [
            {
                "type": "object",
                "title": spec.name,
                "properties": {
                    "name": {"const": spec.name},
                    "shape": _shape_schema(spec),
                    "datatype": {"const": NAMES[spec.dtype]},
                    "data": self._infer_data(spec, number),
                    "parameters": INPUT_PARAMETERS,
                },
                "required": ["name", "shape", "datatype", "data"],
                "additionalProperties": False,
            }
            for number, spec in enumerate(self._contract.inputs)
            if spec.dtype is not None
        ]
        wanted = [spec.name for spec in self._contract.outputs if spec.dtype is not None]
        output = {
            "type": "object",
            "properties": {
                "name": {"enum": wanted} if wanted else {"type": "string"},
                "parameters": OUTPUT_PARAMETERS,
            },
            "required": ["name"],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "Comes back in the answer."},
                "inputs": {
                    "type": "array",
                    "items": inputs[0] if len(inputs) == 1 else {"anyOf": inputs},
                    "minItems": len(inputs),
                    "maxItems": len(inputs),
                },
                "outputs": {
                    "type": "array",
                    "items": output,
                    "uniqueItems": True,
                    "description": "Outputs wanted; all when left out.",
                },
                "parameters": REQUEST_PARAMETERS,
            },
            "required": ["inputs"],
            "additionalProperties": False,
        }

    def _infer_data(self, spec: TensorSpec, number: int) -> Schema:
        """Give the schema of a tensor's data, which may be flat."""
        tensor = self._tensor(spec)
        fields = [self._field(spec, 0)] if tensor is None else tensor.fields
        # Which column a flat value is of, a schema cannot say.
        values = [value_schema(rule) for rule in fields]
        distinct = [value for number, value in enumerate(values) if value not in values[:number]]
        items = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
        flat: Schema = {"type": "array", "items": items, "minItems": 1}
        if not spec.shape:
            return {**flat, "maxItems": 1}
        return {
            "description": "Nested as the shape is, or flat in row-major order.",
            "anyOf": [self._reference(f"input{number}"), flat],
        }

    def _infer_answer(self) -> Schema:
        outputs = [
            {
                "type": "object",
                "title": spec.name,
                "properties": {
                    "name": {"const": spec.name},
                    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "datatype": {"const": NAMES[spec.dtype]},
                    "data": {"type": "array", "description": "Flat, in row-major order."},
                    "parameters": PARAMETERS,
                },
                "required": ["name", "shape", "datatype"],
            }
            for spec in self._contract.outputs
            if spec.dtype is not None
        ]
        return {
            "type": "object",
            "properties": {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "parameters": PARAMETERS,
                "outputs": {"type": "array", "items": {"anyOf": outputs} if outputs else {}},
            },
            "required": ["model_name", "outputs"],
        }


def request_schema(contract: Contract, rules: InputRules | None, title: str) -> Schema:
    """Give the schema of ``/invocations``' JSON bodies as a document of its own."""
    schemas = ModelSchemas(contract, rules, lambda name: {"$ref": f"#/$defs/{name}"})
    needed = [name for name in schemas.parts if name.startswith(("input", "record"))]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schemas.parts["request"],
        "$defs": {name: schemas.parts[name] for name in needed},
    }


def value_schema(rule: FieldRule) -> Schema:
    """Give the schema of one value."""
    kind = rule.dtype.kind
    schema: Schema = {"type": {"f": "number", "O": "string", "b": "boolean"}.get(kind, "integer")}
    if rule.categories is not None:
        schema["enum"] = list(rule.categories)
    elif kind in "fiu":
        schema |= _range_schema(rule)
    elif kind == "O":
        if rule.max_length is not None:
            schema["maxLength"] = rule.max_length
        if rule.pattern is not None:
            schema["pattern"] = rule.pattern.anchored
    if rule.missing is not Missing.REFUSE:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
        instead = "NaN" if rule.missing is Missing.ALLOW else repr(rule.replacement)
        schema["description"] = f"A missing value is taken as {instead}."
    return schema


def _range_schema(rule: FieldRule) -> Schema:
    """Give the limits as they were written, and the datatype's own where there are none."""
    schema: Schema = {}
    whole = rule.dtype.kind in "iu"
    limits = np.iinfo(rule.dtype) if whole else np.finfo(rule.dtype)
    own = (int if whole else float)(limits.min), (int if whole else float)(limits.max)
    if rule.minimum is not None and rule.minimum.value >= own[0]:
        schema["exclusiveMinimum" if rule.minimum.exclusive else "minimum"] = rule.minimum.value
    else:
        schema["minimum"] = own[0]
    if rule.maximum is not None and rule.maximum.value <= own[1]:
        schema["exclusiveMaximum" if rule.maximum.exclusive else "maximum"] = rule.maximum.value
    else:
        schema["maximum"] = own[1]
    return schema


def _list_of(items: Schema, length: int | str | None) -> Schema:
    schema: Schema = {"type": "array", "items": items}
    if isinstance(length, int):
        return {**schema, "minItems": length, "maxItems": length}
    return {**schema, "minItems": 1}


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _answer_schema(spec: TensorSpec, axes: Sequence[int | str | None]) -> Schema:
    if spec.dtype is None:
        return {"description": "A map from classes to numbers."}
    if axes:
        return {"type": "array", "items": _answer_schema(spec, axes[1:])}
    kind = spec.dtype.kind
    if kind == "f":
        return {"type": ["number", "null"]}
    return {"type": {"O": "string", "b": "boolean"}.get(kind, "integer")}


def _shape_schema(spec: TensorSpec) -> Schema:
    axes = [
        {"const": axis} if isinstance(axis, int) else {"type": "integer", "minimum": 1}
        for axis in spec.shape
    ]
    schema: Schema = {"type": "array", "items": False, "minItems": len(axes)}
    return {**schema, "prefixItems": axes} if axes else {"type": "array", "maxItems": 0}

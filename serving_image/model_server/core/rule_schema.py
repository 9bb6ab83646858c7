"""The rule file's form as a JSON Schema (draft 2020-12).

Takes nothing, gives the document that is packaged as ``input_rules.schema.json``; a test holds the
two together. It says what can be said without the model: `rule_file` also checks names, columns and
datatypes against it.
"""

from typing import Any

from model_server.core.rule_file import MAX_COLUMN_NAME_LENGTH, VERSION
from model_server.core.text_pattern import MAX_PATTERN_LENGTH

_NUMBER_OR_TEXT = {"type": ["number", "string"]}

_LIMITS: dict[str, Any] = {
    "min": {"type": "number", "description": "Smallest value that is allowed. Numbers only."},
    "exclusive_min": {
        "type": "number",
        "description": "Every value must be above it. Numbers only; instead of 'min'.",
    },
    "max": {"type": "number", "description": "Largest value that is allowed. Numbers only."},
    "exclusive_max": {
        "type": "number",
        "description": "Every value must be below it. Numbers only; instead of 'max'.",
    },
    "categories": {
        "type": "array",
        "items": _NUMBER_OR_TEXT,
        "minItems": 1,
        "uniqueItems": True,
        "description": "Every value there may be. Numbers and text; alone, beside 'missing'.",
    },
    "max_length": {
        "type": "integer",
        "minimum": 0,
        "description": "Characters (Unicode code points) of a text at most. Text only.",
    },
    "pattern": {
        "type": "string",
        "maxLength": MAX_PATTERN_LENGTH,
        "description": (
            "What the whole of a text must look like. Text only. A part of the language of "
            "regular expressions in which matching takes linear time: literal characters, '.', "
            "sets such as [a-z], \\d, \\w, \\D, \\W, groups with alternatives, and the "
            "quantifiers ?, *, +, {m}, {m,} and {m,n}, of which a group takes only ?. Each "
            "character must settle by itself which part of the pattern it belongs to."
        ),
    },
    "missing": {
        "oneOf": [
            {"const": "refuse", "description": "The request is refused."},
            {"const": "allow", "description": "It reaches the model as NaN. Floats only."},
            {
                "type": "object",
                "properties": {
                    "value": {
                        "type": ["number", "string", "boolean"],
                        "description": "What is put in place; it must keep the other limits.",
                    }
                },
                "required": ["value"],
                "additionalProperties": False,
            },
        ],
        "default": "refuse",
        "description": "What happens with null in JSON and NaN in formats of bytes.",
    },
}

_ONE_OF_EACH_PAIR: list[dict[str, Any]] = [
    {"not": {"required": ["min", "exclusive_min"]}},
    {"not": {"required": ["max", "exclusive_max"]}},
    *(
        {"not": {"required": ["categories", key]}}
        for key in ("min", "exclusive_min", "max", "exclusive_max", "max_length", "pattern")
    ),
]


def rule_file_schema() -> dict[str, Any]:
    """Give the schema of ``input_rules.json``."""
    column = {
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_COLUMN_NAME_LENGTH,
                "description": "Its name in records, problems and statistics.",
            },
            **_LIMITS,
        },
        "required": ["name"],
        "additionalProperties": False,
        "allOf": _ONE_OF_EACH_PAIR,
    }
    tensor = {
        "type": "object",
        "properties": {
            **_LIMITS,
            "columns": {
                "type": "array",
                "items": {"$ref": "#/$defs/column"},
                "minItems": 1,
                "description": (
                    "One object for each place on the input's last axis, in order. Its keys "
                    "replace the input's own for that column."
                ),
            },
        },
        "additionalProperties": False,
        "allOf": _ONE_OF_EACH_PAIR,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Input rules of a model",
        "description": "What values may go into a model, beyond names, datatypes and shapes.",
        "type": "object",
        "properties": {
            "version": {"const": VERSION, "description": "Version of this format."},
            "max_rows": {
                "type": "integer",
                "minimum": 1,
                "description": "Rows of a request at most. Default: as many as the body holds.",
            },
            "inputs": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/input"},
                "description": (
                    "Rules by the name of an input. Where an input has rules, be they empty, its "
                    "values must not be missing unless 'missing' says otherwise."
                ),
            },
            "example": {
                "type": "object",
                "description": (
                    "One valid row by the name of each input: nested lists of the input's shape "
                    "without its first axis, or an object by column name."
                ),
            },
        },
        "required": ["version"],
        "additionalProperties": False,
        "$defs": {"input": tensor, "column": column},
    }

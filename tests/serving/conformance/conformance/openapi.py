"""The protocol's REST side as an OpenAPI document, for tools that make requests from one.

It is stricter than the one in the protocol's repository, which says neither what a member may hold
nor which statuses there are besides 200 and 400. It describes one of the reference models, so that
some of the requests that are made from it fit.
"""

from typing import Any

from conformance.tensors import DATATYPES

PARAMETERS = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}

GIVEN_PARAMETERS = {
    "type": ["object", "null"],
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
"""In requests null is the same as absent: many clients write out what they do not use."""

SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 0}}

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "minLength": 1}},
}

OUTPUT = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(DATATYPES)},
        "shape": SHAPE,
        "parameters": PARAMETERS,
        "data": {"type": "array"},
    },
    "additionalProperties": False,
}

ANSWER = {
    "type": "object",
    "required": ["model_name", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "parameters": PARAMETERS,
        "outputs": {"type": "array", "items": OUTPUT},
    },
    "additionalProperties": False,
}

TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(DATATYPES)},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
    },
}


def document(model: str = "echo_fp32") -> dict[str, Any]:
    """Give the description of a server that has this echo model, whose values are numbers."""
    datatype = model.removeprefix("echo_").upper()
    name = {"name": "name", "in": "path", "required": True, "schema": {"enum": [model]}}
    answers = {
        "/v2": _get({
            "type": "object",
            "required": ["name", "version", "extensions"],
            "properties": {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "extensions": {"type": "array", "items": {"type": "string"}},
            },
        }),
        "/v2/health/live": _get(_flags("live")),
        "/v2/health/ready": _get(_flags("live")),
        "/v2/models/{name}/ready": _get(_flags("ready"), name),
        "/v2/models/{name}": _get({
            "type": "object",
            "required": ["name", "platform", "inputs", "outputs"],
            "properties": {
                "name": {"type": "string"},
                "platform": {"type": "string"},
                "versions": {"type": "array", "items": {"type": "string"}},
                "inputs": {"type": "array", "items": TENSOR},
                "outputs": {"type": "array", "items": TENSOR},
            },
        }, name),
        "/v2/models/{name}/infer": {"post": {
            "parameters": [name],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _request(datatype)}},
            },
            "responses": _answers(ANSWER),
        }},
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "Open Inference Protocol", "version": "2"},
        "paths": answers,
    }


def _flags(name: str) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"const": True}}}


def _get(answer: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"parameters": list(parameters), "responses": _answers(answer)}}


def _answers(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": _body("What was asked for.", answer),
        "4XX": _body("What is wrong with the request.", ERROR),
        "503": _body("The server is not ready.", ERROR),
    }


def _body(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _request(datatype: str) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 6}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "parameters": GIVEN_PARAMETERS,
            "inputs": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name", "shape", "datatype", "data"],
                    "properties": {
                        "name": {"const": "x"},
                        "datatype": {"const": datatype},
                        "shape": {
                            "type": "array",
                            "prefixItems": [{"const": 1}, {"type": "integer", "minimum": 1}],
                            "items": {"type": "integer", "minimum": 1, "maximum": 6},
                            "minItems": 2,
                            "maxItems": 2,
                        },
                        "parameters": GIVEN_PARAMETERS,
                        "data": {
                            "anyOf": [
                                numbers,
                                {"type": "array", "items": numbers, "minItems": 1, "maxItems": 3},
                            ]
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "outputs": {
                "type": ["array", "null"],
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"const": "y"}, "parameters": GIVEN_PARAMETERS},
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }

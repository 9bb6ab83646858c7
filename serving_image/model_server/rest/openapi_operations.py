"""The operations of the routes that this server has, as OpenAPI describes them.

Takes the models that a route answers for, gives parameters, request bodies and answers. Must not
know which routes are served; `openapi` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from model_server.core.errors import ModelServerError
from model_server.core.rules import InputRules
from model_server.core.tensors import Contract
from model_server.rest.codecs import CODECS, Codec
from model_server.rest.example_request import (
    example_csv,
    example_infer_request,
    example_request,
)
from model_server.rest.http import refusal
from model_server.rest.tensor_schema import Reference

Made = dict[str, Any]

INFERENCE_ERRORS = (400, 401, 403, 404, 406, 408, 413, 415, 429, 431, 500, 503, 504)
"""What an inference can be answered with beside its result."""

METADATA_ERRORS = (401, 403, 404, 429, 503)

RETRY_STATUSES = (429, 503)
"""Answers that say when to try again."""

BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}

TEXT_FORMATS = {
    "text/csv": "One row a line, no header.",
    "application/jsonlines": "One row a line, as an entry of 'instances' is.",
    "application/x-ndjson": "One row a line, as an entry of 'instances' is.",
    "application/x-jsonlines": "One row a line, as an entry of 'instances' is.",
}


@dataclass(frozen=True, slots=True)
class Described:
    """What operations say of one model."""

    name: str
    version: str
    contract: Contract
    rules: InputRules | None
    reference: Reference
    """Gives the reference to a part of `ModelSchemas`."""


def operation(
    method: str, path: str, models: Sequence[Described], max_body_bytes: int
) -> Made | None:
    """Give what is known of a route's operation; None of an unknown route.

    Args:
        method: the route's method.
        path: its path, parameters in braces.
        models: those it answers for.
        max_body_bytes: the body limit.
    """
    make = _INFERENCE.get((method, path))
    if make is not None:
        return make(models, max_body_bytes)
    fixed = _FIXED.get((method, path))
    return None if fixed is None else fixed()


def _execution_parameters() -> Made:
    count = {"type": "integer", "minimum": 1}
    properties = {
        "MaxConcurrentTransforms": count,
        "BatchStrategy": {"type": "string", "enum": ["MULTI_RECORD"]},
        "MaxPayloadInMB": count,
    }
    answer = {"type": "object", "properties": properties, "required": list(properties)}
    answers = {"200": _json_answer("What suits this server.", answer)}
    return {"tags": ["inference"], "responses": answers}


def _ping() -> Made:
    text = {"type": "string"}
    state = {"type": "object", "properties": {"status": text}, "required": ["status"]}
    failure = {
        "type": "object",
        "properties": {"error": text, "code": text, "status": text},
        "required": ["error", "code", "status"],
    }
    answers = {
        "200": _json_answer("The model can answer.", state),
        "503": _json_answer(
            "It cannot: it is loading, could not be loaded, or the server stops.",
            failure,
        ),
    }
    return {"tags": ["health"], "responses": answers}


def _live() -> Made:
    return {"tags": ["health"], "responses": {"200": _json_answer("Yes.", _flag("live"))}}


def _ready() -> Made:
    answers = {
        "200": _json_answer("Yes.", _flag("ready")),
        "503": _json_answer("No; the body says why.", _flag("ready")),
    }
    return {"tags": ["health"], "responses": answers}


def _model_ready() -> Made:
    made = _ready()
    made["responses"] |= _errors((401, 403, 404, 429))
    return made


def _flag(name: str) -> Made:
    return {"type": "object", "properties": {name: {"type": "boolean"}}, "required": [name]}


def _server_metadata() -> Made:
    names = {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "extensions": names,
        },
        "required": ["name", "version", "extensions"],
    }
    return _metadata(schema, "What the server is.")


def _model_metadata() -> Made:
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {
                "type": "array",
                "items": {"type": "integer"},
                "description": "-1 is any length.",
            },
        },
        "required": ["name", "datatype", "shape"],
    }
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "versions": {"type": "array", "items": {"type": "string"}},
            "platform": {"type": "string"},
            "inputs": {"type": "array", "items": tensor},
            "outputs": {"type": "array", "items": tensor},
        },
        "required": ["name", "platform", "inputs", "outputs"],
    }
    return _metadata(schema, "The model's tensors.")


def _metadata(schema: Made, description: str) -> Made:
    answers = {"200": _json_answer(description, schema), **_errors(METADATA_ERRORS)}
    return {"tags": ["metadata"], "responses": answers}


def _invocations(models: Sequence[Described], max_body_bytes: int) -> Made:
    readers = [
        codec
        for codec in CODECS
        if any(codec.refuses_inputs(model.contract) is None for model in models) or not models
    ]
    writers = [
        codec
        for codec in CODECS
        if any(_can_write(codec, model.contract) for model in models) or not models
    ]
    body = {
        "required": True,
        "description": f"At most {max_body_bytes} bytes, not compressed.",
        "content": {codec.media_type: _request_content(codec, models) for codec in readers},
    }
    answer = {
        "description": "The predictions, in the format of the request unless Accept says another.",
        "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
        "content": {codec.media_type: _answer_content(codec, models) for codec in writers},
    }
    return {
        "tags": ["inference"],
        "description": (
            "Accept chooses the format of the answer, and one output with ';output=name'."
        ),
        "parameters": [*_SAGEMAKER_HEADERS, *_REQUEST_HEADERS],
        "requestBody": body,
        "responses": {"200": answer, **_errors(INFERENCE_ERRORS)},
    }


def _can_write(codec: Codec, contract: Contract) -> bool:
    """Whether a format can carry all outputs, or one that Accept chooses."""
    choices = [contract.outputs, *((spec,) for spec in contract.outputs)]
    return any(codec.refuses_outputs(outputs) is None for outputs in choices)


def _request_content(codec: Codec, models: Sequence[Described]) -> Made:
    fitting = [model for model in models if codec.refuses_inputs(model.contract) is None]
    if codec.media_type == "application/json":
        content: Made = {"schema": _any_of([model.reference("request") for model in fitting])}
        examples = {
            model.name: {"value": example_request(model.contract, model.rules)} for model in fitting
        }
        return {**content, "examples": examples} if examples else content
    if codec.media_type not in TEXT_FORMATS:
        return {"schema": BINARY}
    content = {"schema": {"type": "string", "description": TEXT_FORMATS[codec.media_type]}}
    if codec.media_type == "text/csv" and len(fitting) == 1:
        lines = example_csv(fitting[0].contract, fitting[0].rules)
        if lines is not None:
            content["example"] = lines
    return content


def _answer_content(codec: Codec, models: Sequence[Described]) -> Made:
    if codec.media_type == "application/json":
        return {"schema": _any_of([model.reference("predictions") for model in models])}
    return {"schema": {"type": "string"} if codec.media_type in TEXT_FORMATS else BINARY}


def _infer(models: Sequence[Described], max_body_bytes: int) -> Made:
    content: Made = {"schema": _any_of([model.reference("infer_request") for model in models])}
    if models:
        content["examples"] = {
            model.name: {"value": example_infer_request(model.contract, model.rules)}
            for model in models
        }
    answer = {"schema": _any_of([model.reference("infer_answer") for model in models])}
    return {
        "tags": ["inference"],
        "description": (
            "Open Inference Protocol v2. Tensors may follow the JSON part as bytes; the header "
            "Inference-Header-Content-Length then says how long that is."
        ),
        "parameters": _REQUEST_HEADERS,
        "requestBody": {
            "required": True,
            "description": f"At most {max_body_bytes} bytes, not compressed.",
            "content": {
                "application/json": content,
                "application/octet-stream": {"schema": BINARY},
            },
        },
        "responses": {
            "200": {
                "description": "The model's outputs.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {
                    "application/json": answer,
                    "application/octet-stream": {"schema": BINARY},
                },
            },
            **_errors(INFERENCE_ERRORS),
        },
    }


def _document() -> Made:
    return _metadata({"type": "object"}, "This document.")


def _page() -> Made:
    content = {"text/html": {"schema": {"type": "string"}}}
    answer = {"description": "A page that shows this document.", "content": content}
    return {"tags": ["metadata"], "responses": {"200": answer}}


def _any_of(schemas: list[Made]) -> Made:
    if not schemas:
        return {"type": "object"}
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _json_answer(description: str, schema: Made) -> Made:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(statuses: Sequence[int]) -> Made:
    media_type = refusal(ModelServerError("")).media_type.decode()
    found: Made = {}
    for status in statuses:
        answer: Made = {
            "description": HTTPStatus(status).phrase,
            "content": {media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in RETRY_STATUSES:
            answer["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
            }
        found[str(status)] = answer
    return found


def _header(name: str, schema: Made, description: str) -> Made:
    return {"name": name, "in": "header", "schema": schema, "description": description}


_REQUEST_HEADERS = [
    _header(
        "X-Request-Timeout-Ms",
        {"type": "integer", "minimum": 1},
        "How long the caller waits; a request whose time is over is not run.",
    ),
    _header(
        "X-Request-Priority",
        {"type": "integer", "minimum": -10, "maximum": 10, "default": 0},
        "Higher goes first among requests that wait.",
    ),
]

_SAGEMAKER_HEADERS = [
    _header(
        "X-Amzn-SageMaker-Inference-Id",
        {"type": "string", "maxLength": 64},
        "Becomes the request id of the log and the answer.",
    ),
    _header(
        "X-Amzn-SageMaker-Custom-Attributes",
        {"type": "string", "maxLength": 1024},
        "Comes back in the answer and is logged.",
    ),
]

_INFERENCE: dict[tuple[str, str], Callable[[Sequence[Described], int], Made]] = {
    ("POST", "/invocations"): _invocations,
    ("POST", "/models/{name}/invoke"): _invocations,
    ("POST", "/v2/models/{name}/infer"): _infer,
    ("POST", "/v2/models/{name}/versions/{version}/infer"): _infer,
}

_FIXED: dict[tuple[str, str], Callable[[], Made]] = {
    ("GET", "/ping"): _ping,
    ("GET", "/execution-parameters"): _execution_parameters,
    ("GET", "/v2"): _server_metadata,
    ("GET", "/v2/"): _server_metadata,
    ("GET", "/v2/health/live"): _live,
    ("GET", "/v2/health/ready"): _ready,
    ("GET", "/v2/models/{name}"): _model_metadata,
    ("GET", "/v2/models/{name}/ready"): _model_ready,
    ("GET", "/v2/models/{name}/versions/{version}"): _model_metadata,
    ("GET", "/v2/models/{name}/versions/{version}/ready"): _model_ready,
    ("GET", "/openapi.json"): _document,
    ("GET", "/schema/{model}"): _document,
    ("GET", "/docs"): _page,
}

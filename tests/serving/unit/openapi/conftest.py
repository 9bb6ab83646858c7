"""Documents of made-up models, and real ones to try examples on."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest

from model_server.core.rule_file import read_rules
from model_server.core.tensors import Contract, TensorSpec
from model_server.rest.http import Route
from model_server.rest.openapi import openapi_document
from model_server.settings import Settings


class Model:
    """What the documentation reads of a model."""

    def __init__(self, name, contract, rules=None, version="1"):
        self.name = name
        self.version = version
        self.digest = "sha256:00"
        self.contract = contract
        self.rules = rules


def nothing(request):
    raise AssertionError(request)


ROUTES = [
    Route("GET", "/ping", nothing, None, "Whether the model can answer."),
    Route("POST", "/invocations", nothing, "infer", "The model's predictions for rows."),
    Route("GET", "/v2", nothing, "metadata", "The server's name and extensions."),
    Route("GET", "/v2/health/live", nothing, None, "Whether the server runs."),
    Route("GET", "/v2/health/ready", nothing, None, "Whether it can answer."),
    *(
        route
        for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
        for route in (
            Route("GET", path, nothing, "metadata", "The model's tensors."),
            Route("GET", f"{path}/ready", nothing, "metadata", "Whether it can answer."),
            Route("POST", f"{path}/infer", nothing, "infer", "The model's outputs."),
        )
    ),
    Route("GET", "/metrics", nothing, "metrics", "Figures for Prometheus."),
    Route("*", "*", nothing, "infer", "The application of the image's owner."),
]


@pytest.fixture(scope="session")
def contract_of():
    """`contract_of("x float32 batch,3", ...)`: inputs; the outputs are a label and scores."""

    def spec(text):
        name, kind, *axes = text.split(" ")
        lengths = axes[0].split(",") if axes else []
        shape = tuple(int(axis) if axis.isdigit() else axis for axis in lengths)
        return TensorSpec(name, np.dtype("O" if kind == "text" else kind), shape)

    def make(*inputs, outputs=("label int64 batch", "scores float32 batch,3")):
        return Contract(tuple(map(spec, inputs)), tuple(map(spec, outputs)))

    return make


@pytest.fixture(scope="session")
def model_of(contract_of):
    """`model_of("x float32 batch,3", rules={...})`: a model with these inputs and rules."""

    def make(*inputs, rules=None, name="fraud", **rest):
        contract = contract_of(*inputs)
        document = {"version": 1, "inputs": rules or {}, **rest}
        read = None if rules is None else read_rules(json.dumps(document).encode(), contract)
        return Model(name, contract, read)

    return make


PEOPLE = {
    "x": {
        "columns": [
            {"name": "age", "min": 0, "max": 120},
            {"name": "income", "exclusive_min": 0, "missing": "allow"},
            {"name": "region", "categories": [1, 2, 5], "missing": {"value": 2}},
        ]
    }
}


@pytest.fixture(scope="session")
def people(model_of):
    """A model whose columns have names and limits."""
    return model_of("x float32 batch,3", rules=PEOPLE, name="people", max_rows=5)


@pytest.fixture(scope="session")
def document_of():
    """`document_of(model, ..., methods=(...))`: the document of a server with these models."""

    def make(*models, methods=(), settings=None, routes=ROUTES):
        return openapi_document(routes, models, settings or Settings(), methods)

    return make


@pytest.fixture
def ask():
    """`ask(routes, path, **parameters)`: what a route answers."""

    def run(routes, path, **parameters):
        (route,) = [route for route in routes if route.path == path]

        async def answer():
            answered = asyncio.get_running_loop().create_future()
            request = SimpleNamespace(parameters=parameters, answer=answered.set_result)
            route.handler(request)
            return await answered

        return asyncio.run(answer())

    return run

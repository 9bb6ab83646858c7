import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from model_server.core.errors import Overloaded
from model_server.rest.http import Route, refusal
from model_server.settings import Settings
from model_server.settings.access import AccessSettings

METHODS = ("api-key", "jwt", "mtls")


@pytest.mark.parametrize("methods", [(), METHODS])
def test_the_document_is_valid_openapi(document_of, people, model_of, methods):
    document = document_of(people, model_of("a text batch", "b bool"), methods=methods)

    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []


def test_every_schema_is_valid_and_every_reference_leads_somewhere(document_of, people):
    document = document_of(people)
    schemas = document["components"]["schemas"]

    for schema in schemas.values():
        jsonschema_rs.meta.validate(schema)
    references = re.findall(
        r'"\$ref":"#/components/schemas/([^"]+)"', orjson.dumps(document).decode()
    )
    assert set(references) <= schemas.keys()
    assert "people.request" in references


def test_without_a_model_the_document_is_valid_too(document_of):
    document = document_of()

    OPENAPI_31_VALIDATOR.validate(document)
    assert document["info"]["title"] == "model-server"
    assert "/v2/models/{name}/infer" in document["paths"]


def test_every_route_is_described_and_nothing_else(document_of, people):
    paths = document_of(people)["paths"]

    assert list(paths) == [
        "/ping",
        "/invocations",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/people",
        "/v2/models/people/ready",
        "/v2/models/people/infer",
        "/v2/models/{name}/versions/{version}",
        "/v2/models/{name}/versions/{version}/ready",
        "/v2/models/{name}/versions/{version}/infer",
        "/metrics",
    ]


def test_a_route_that_is_not_known_is_described_by_its_summary(document_of, people):
    route = Route("GET", "/rows/{id}", None, "metadata", "One row.")

    operation = document_of(people, routes=[route])["paths"]["/rows/{id}"]["get"]

    assert operation == {
        "operationId": "get_rows_id",
        "summary": "One row.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        ],
        "responses": {"200": {"description": "One row."}},
        "security": [],
        "x-scope": "metadata",
    }


def test_operation_ids_are_never_given_twice(document_of, model_of):
    routes = [
        Route("GET", "/v2", None, None, "a"),
        Route("GET", "/v2/", None, None, "b"),
        Route("GET", "/v2/models/{name}", None, None, "c"),
    ]
    models = [model_of("x float32 batch,1", name=name) for name in ("a-b", "a_b", "a/b", "ü")]

    document = document_of(*models, routes=routes)

    ids = [item["get"]["operationId"] for item in document["paths"].values()]
    assert ids == [
        "get_v2",
        "get_v2_2",
        "get_v2_models_a_b",
        "get_v2_models_a_2Fb",
        "get_v2_models_a_b_2",
        "get_v2_models_C3_BC",
    ]
    assert "/v2/models/a%2Fb" in document["paths"]
    OPENAPI_31_VALIDATOR.validate(document)


def test_all_models_are_described_up_to_twenty(document_of, model_of):
    models = [model_of("x float32 batch,1", name=f"m{number:02}") for number in range(25)]

    document = document_of(*models)

    infer = [path for path in document["paths"] if re.fullmatch("/v2/models/m../infer", path)]
    assert len(infer) == 20
    assert "20 of 25 models are described." in document["info"]["description"]
    schema = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
    assert len(schema["schema"]["anyOf"]) == 20


def test_parameters_of_a_path_have_examples_that_are_there(document_of, people):
    path = "/v2/models/{name}/versions/{version}"

    name, version = document_of(people)["paths"][path]["get"]["parameters"]

    assert name["schema"] == {"type": "string", "examples": ["people"]}
    assert version["schema"] == {"type": "string", "examples": ["1"]}


def test_of_several_versions_the_schemas_are_the_newest_ones(document_of, model_of):
    old, new = model_of("x float32 batch,1", name="m"), model_of("x float32 batch,2", name="m")
    new.version = "2"

    document = document_of(new, old)

    row = document["components"]["schemas"]["m.input0.row"]
    assert row["maxItems"] == 2


def test_limits_are_said(document_of, people):
    settings = Settings(max_body_bytes=1234, invoke_seconds=5.0, max_concurrency=7)

    document = document_of(people, settings=settings)

    assert document["info"]["description"].startswith(
        "A request body holds 1234 bytes at most. An answer takes 5.0 s at most. "
        "Up to 7 requests are worked on at once."
    )
    body = document["paths"]["/invocations"]["post"]["requestBody"]
    assert body["description"] == "At most 1234 bytes, not compressed."


def test_security_is_what_the_gate_asks_for(document_of, people):
    settings = Settings(access=AccessSettings(anonymous_scopes=("metrics",)))

    document = document_of(people, methods=METHODS, settings=settings)

    paths = document["paths"]
    assert document["components"]["securitySchemes"].keys() == {"api-key", "jwt", "mtls"}
    assert paths["/ping"]["get"]["security"] == []
    assert paths["/invocations"]["post"]["security"] == [
        {"api-key": ["infer"]},
        {"jwt": ["infer"]},
        {"mtls": ["infer"]},
    ]
    assert paths["/metrics"]["get"]["security"][-1] == {}
    assert paths["/v2"]["get"]["x-scope"] == "metadata"


def test_without_a_gate_there_is_no_security(document_of, people):
    document = document_of(people)

    assert "securitySchemes" not in document["components"]
    assert document["paths"]["/invocations"]["post"]["security"] == []


def test_invocations_name_the_formats_that_the_model_can_have(document_of, people, model_of):
    def formats(model):
        operation = document_of(model)["paths"]["/invocations"]["post"]
        asked = operation["requestBody"]["content"].keys()
        return asked, operation["responses"]["200"]["content"].keys()

    asked, answered = formats(people)
    assert {"application/json", "text/csv", "application/x-npy"} <= asked
    assert {"application/json", "text/csv", "application/x-npy"} <= answered
    asked, _ = formats(model_of("a text batch", "b float32 batch,1"))
    assert "application/json" in asked
    assert not {"text/csv", "application/x-npy"} & asked


def test_every_error_that_an_inference_can_have_is_a_problem(document_of, people):
    answers = document_of(people)["paths"]["/invocations"]["post"]["responses"]

    media_type = refusal(Overloaded("x")).media_type.decode()
    assert answers["400"]["content"] == {
        media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert {"400", "401", "403", "404", "406", "408", "413", "415", "429", "500", "503"} <= set(
        answers
    )
    assert "Retry-After" in answers["503"]["headers"]


def test_the_same_models_give_the_same_bytes_in_every_process(document_of, people):
    program = (
        "import sys, json, orjson; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np\n"
        "from model_server.core.rule_file import read_rules\n"
        "from model_server.core.tensors import Contract, TensorSpec\n"
        "from model_server.rest.openapi import openapi_document\n"
        "from model_server.rest.http import Route\n"
        "from model_server.settings import Settings\n"
        "class M: name='m'; version='1'; digest='d'\n"
        "f = np.dtype('float32')\n"
        "M.contract = Contract((TensorSpec('x', f, ('n', 2)),), (TensorSpec('y', f, ('n',)),))\n"
        'M.rules = read_rules(b\'{"version":1,"inputs":{"x":{"min":0}}}\', M.contract)\n'
        "routes = [Route('POST', '/invocations', None, 'infer', 's')]\n"
        "print(orjson.dumps(openapi_document(routes, [M], Settings(), ('api-key',))).decode())\n"
    )
    folder = Path(sys.modules["model_server"].__file__).parent.parent

    made = {
        subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(made) == 1

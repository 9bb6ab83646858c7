"""The documentation of a running server."""

import json
import shutil

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

RULES = {
    "version": 1,
    "max_rows": 3,
    "inputs": {
        "x": {
            "min": 0,
            "columns": [
                {"name": "length", "max": 10},
                {"name": "width", "missing": {"value": 1}},
                {"name": "kind", "categories": [1, 2]},
                {"name": "age"},
            ],
        }
    },
}


@pytest.fixture(scope="session")
def ruled(run_server, models, tmp_path_factory):
    """A server of the regressor, whose model folder has input rules."""
    folder = tmp_path_factory.mktemp("ruled")
    shutil.copy(models / "regressor" / "model.onnx", folder)
    (folder / "input_rules.json").write_text(json.dumps(RULES))
    server = run_server(folder)
    server.wait()
    return server


def test_the_document_is_valid_and_names_every_route_that_answers(ruled):
    reply = ruled.request("GET", "/openapi.json")

    document = reply.json()
    OPENAPI_31_VALIDATOR.validate(document)
    assert reply.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.1"
    gets = [path for path, item in document["paths"].items() if "get" in item and "{" not in path]
    assert {"/ping", "/openapi.json", "/docs", "/v2/models/model"} <= set(gets)
    assert {ruled.request("GET", path).status for path in gets} == {200}


def test_every_example_works(ruled):
    document = ruled.request("GET", "/openapi.json").json()
    sent = []

    for path, item in document["paths"].items():
        content = item.get("post", {}).get("requestBody", {}).get("content", {})
        for media_type, part in content.items():
            examples = [example["value"] for example in part.get("examples", {}).values()]
            examples += [part["example"]] if "example" in part else []
            for example in examples:
                body = example if isinstance(example, str) else json.dumps(example)
                filled = path.replace("{name}", "model").replace("{version}", "1")
                reply = ruled.request("POST", filled, body, content_type=media_type)
                assert reply.status == 200, reply.body
                sent.append((path, media_type))

    assert ("/invocations", "application/json") in sent
    assert ("/invocations", "text/csv") in sent
    assert ("/v2/models/model/infer", "application/json") in sent


def test_records_and_missing_values_reach_the_model(ruled):
    named = ruled.post({"instances": [{"age": 4, "kind": 2, "length": 3}]})
    plain = ruled.post({"instances": [[3, 1, 2, 4]]})

    assert named.status == plain.status == 200
    assert named.body == plain.body


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            {"instances": [[11, -1, 3, 0]]},
            [
                "input 'x', row 0, column 'length' is 11.0; it must be at least 0 and at most 10",
                "input 'x', row 0, column 'width' is -1.0; it must be at least 0",
                "input 'x', row 0, column 'kind' is 3.0; it must be one of 1, 2",
            ],
        ),
        (
            {"instances": [{"length": "a", "kind": 3}]},
            [
                "instances[0] lacks 'age'",
                "instances[0].length is text; input 'x' (float32 (batch, 4)) takes numbers",
                "instances[0].kind is 3.0; it must be one of 1, 2",
            ],
        ),
        (
            {"instances": [[1, 1, 1, 1]] * 4},
            ["the request has 4 rows; this model takes 3 at most"],
        ),
    ],
)
def test_values_against_the_rules_are_told_all_at_once(ruled, body, problems):
    reply = ruled.post(body)

    assert reply.status == 400
    assert reply.json()["problems"] == problems


def test_the_schema_and_the_page_are_served(ruled):
    schema = ruled.request("GET", "/schema/model")
    page = ruled.request("GET", "/docs")

    assert schema.json()["$defs"]["record"]["required"] == ["length", "kind", "age"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert ruled.request("GET", "/schema/other").status == 404


def test_a_wrong_rule_file_keeps_the_model_from_being_served(run_server, models, tmp_path):
    shutil.copy(models / "regressor" / "model.onnx", tmp_path)
    (tmp_path / "input_rules.json").write_text('{"version":1,"inputs":{"z":{}},"rows":1}')

    server = run_server(tmp_path, MODEL_SERVER_FAILURE_SECONDS=0)

    assert server.process.wait(30) == 3
    (event,) = server.events("model_unusable")
    assert "inputs.z is no input of this model" in event["reason"]
    assert "the file has 'rows', which is no key there" in event["reason"]

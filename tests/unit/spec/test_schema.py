"""The JSON Schema that editors read."""

from modelway.spec.schema import json_schema


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_schema_names_its_dialect_and_what_is_required():
    schema = json_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "modelway spec"
    assert schema["required"] == ["name", "model"]
    assert schema["additionalProperties"] is False


def test_every_reference_leads_somewhere_and_every_definition_is_used():
    schema = json_schema()
    names = {reference.removeprefix("#/$defs/") for reference in references(schema)}

    assert names == set(schema["$defs"])


def test_every_field_is_described():
    schema = json_schema()
    parts = [schema, *schema["$defs"].values()]

    undescribed = [
        field
        for part in parts
        for field, body in part.get("properties", {}).items()
        if "description" not in body
    ]

    assert undescribed == []


def test_an_environment_takes_the_same_fields_with_none_required():
    schema = json_schema()
    (choices,) = schema["properties"]["environments"]["patternProperties"].values()
    override = schema["$defs"]["ModelSpecOverride"]

    assert choices == {"anyOf": [{"$ref": "#/$defs/ModelSpecOverride"}, {"type": "null"}]}
    assert set(override["properties"]) == set(schema["properties"]) - {"name", "environments"}
    assert "required" not in override
    assert override["properties"]["model"]["$ref"] == "#/$defs/ModelOverride"
    assert "required" not in schema["$defs"]["ModelOverride"]
    assert {"$ref": "#/$defs/DataCaptureOverride"} in override["properties"]["data_capture"][
        "anyOf"
    ]


def test_items_of_lists_stay_complete_in_an_environment_since_lists_replace():
    schema = json_schema()
    schedules = schema["$defs"]["ScalingOverride"]["properties"]["schedules"]

    assert schedules["items"] == {"$ref": "#/$defs/Schedule"}
    assert schema["$defs"]["Schedule"]["required"] == ["name", "schedule"]


def test_instance_types_and_retention_are_offered_as_choices():
    schema = json_schema()

    assert "ml.m5.large" in schema["$defs"]["Serving"]["properties"]["instance_type"]["enum"]
    assert schema["$defs"]["Logging"]["properties"]["retention_days"]["enum"][:4] == [1, 3, 5, 7]

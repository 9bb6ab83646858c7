"""What other languages see is the same as what Python has, and changes only on purpose."""

import inspect
import json
from pathlib import Path
from typing import get_type_hints

import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider
from pydantic import BaseModel

from modelway import args as component_args
from modelway import spec as spec_model
from modelway.deployment import ModelDeployment
from modelway.platform import ModelPlatform

GOLDEN = Path(__file__).parent / "component_schema.json"

PARTS = sorted(
    name
    for name, kind in vars(spec_model).items()
    if inspect.isclass(kind)
    and issubclass(kind, BaseModel)
    and kind.__module__.startswith(f"{spec_model.__name__}.")
    and not name.startswith("_")
)


def test_the_schema_is_the_one_on_file():
    provider = ComponentProvider([ModelDeployment, ModelPlatform], "modelway")

    schema = json.loads(provider.schema)

    # A difference is a change for users in every language: review it, then write it anew.
    assert schema == json.loads(GOLDEN.read_text())


def test_every_part_of_the_spec_is_there():
    assert {f"{name}Args" for name in PARTS} <= set(vars(component_args))


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_same_fields_and_the_same_ones_may_be_left_out(name):
    part = getattr(spec_model, name)
    typed = getattr(component_args, f"{name}Args")

    required = {field for field, info in part.model_fields.items() if info.is_required()}
    assert set(typed.__annotations__) == set(part.model_fields)
    assert typed.__required_keys__ == required


@pytest.mark.parametrize("name", PARTS)
def test_a_field_may_be_null_exactly_where_the_spec_says(name):
    part = getattr(spec_model, name)
    hints = get_type_hints(getattr(component_args, f"{name}Args"))

    nullable = {field for field, hint in hints.items() if type(None) in hint_members(hint)}
    expected = {
        field
        for field, info in part.model_fields.items()
        if type(None) in hint_members(info.annotation)
    }
    assert nullable == expected


@pytest.mark.parametrize("name", PARTS)
def test_a_field_is_described_in_the_same_words(name):
    part = getattr(spec_model, name)
    described = Analyzer("modelway").analyze_type(
        getattr(component_args, f"{name}Args"), is_component_output=False
    )[0]

    by_name = {camel(field): info for field, info in part.model_fields.items()}
    for field, definition in described.items():
        text = " ".join((definition.description or "").split())
        assert text.startswith(" ".join((by_name[field].description or "").split())), field
        assert by_name[field].is_required() or "efault" in text, field


def hint_members(hint):
    return getattr(hint, "__args__", (hint,))


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)

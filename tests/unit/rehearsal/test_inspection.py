"""How scaling differs from what it was, and what the state says of an endpoint."""

import json

import pytest

from modelway.engine.backend import FileBackend
from modelway.rehearsal.inspection import endpoint_in_state, scaling_changes
from modelway.rehearsal.record import EndpointInState


@pytest.fixture
def backend(tmp_path) -> FileBackend:
    """A backend whose one stack holds two endpoints."""

    def endpoint(name, config, *history):
        targets = [{"endpoint_config_name": each, "model_names": []} for each in history]
        return {
            "outputs": {"endpoint_name": name, "endpoint_config_name": config}
            | {"history": targets}
        }

    exports = {"endpoint_name": "a", "endpoint_config_name": "a2"}
    resources = [{"outputs": exports}, {}, endpoint("a", "a2", "a1", "a0")]
    state = {"checkpoint": {"latest": {"resources": [*resources, endpoint("b", "b1")]}}}
    file = tmp_path / ".pulumi" / "stacks" / "rehearsed" / "local.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"version": 3, **state}))
    return FileBackend(tmp_path)


def test_what_is_gone_new_or_different_is_named_with_its_field():
    before = {"target a": {"MinCapacity": 1, "MaxCapacity": 3}, "policy p": {}, "action s": {}}
    after = {"target a": {"MinCapacity": 2, "MaxCapacity": 3}, "policy q": {}, "action s": {}}

    assert scaling_changes(before, after) == (
        "policy p is gone",
        "policy q is new",
        "target a: MinCapacity was 1 and is 2",
    )


def test_the_same_scaling_has_no_changes():
    scaling = {"target a": {"MinCapacity": 1}}

    assert scaling_changes(scaling, scaling) == ()


@pytest.mark.parametrize(
    ("endpoint", "config", "targets"),
    [("a", "a2", ("a1", "a0")), ("b", "b1", ()), ("c", "", ())],
)
def test_the_state_names_what_an_endpoint_serves_and_can_go_back_to(
    backend, endpoint, config, targets
):
    assert endpoint_in_state(backend, endpoint) == EndpointInState(config, targets)

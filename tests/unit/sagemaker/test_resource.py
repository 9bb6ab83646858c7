"""The thin Pulumi provider around EndpointDeployment: names at preview, diffs, and its pickle."""

import base64
import subprocess
import sys

import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN, Unknown

from modelway.errors import DeploymentError
from modelway.image.stand_in import StandInProvider
from modelway.poll import poll_seconds
from modelway.sagemaker import endpoint_resource
from modelway.sagemaker.endpoint_resource import EndpointProvider


@pytest.fixture
def provider():
    return EndpointProvider()


@pytest.fixture
def state(provider, inputs):
    """Outputs as a create leaves them."""
    return {
        **provider.check({}, inputs()).inputs,
        "endpoint_arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud-dev",
        "endpoint_status": "InService",
        "history": [],
    }


def test_names_are_known_before_the_update(provider, inputs):
    checked = provider.check({}, inputs()).inputs

    assert checked["endpoint_config_name"].startswith("fraud-dev-")
    assert len(checked["endpoint_config_name"]) == len("fraud-dev-") + 12
    assert len(checked["model_names"]) == 1


def test_names_are_unknown_while_the_image_is(provider, inputs):
    props = inputs()
    props["models"]["primary"]["image"] = UNKNOWN

    checked = provider.check({}, props).inputs

    assert isinstance(checked["endpoint_config_name"], Unknown)
    assert isinstance(checked["model_names"], Unknown)


def test_names_do_not_depend_on_tags_history_or_timeouts(provider, inputs):
    first = provider.check({}, inputs()).inputs
    second = provider.check(
        {}, inputs(tags={"a": "b"}, history_limit=9, timeout_seconds=700)
    ).inputs

    assert second["endpoint_config_name"] == first["endpoint_config_name"]


def test_whole_floats_of_the_engine_make_no_new_names(provider, inputs):
    changed = inputs()
    changed["variants"][0]["initial_instance_count"] = 1.0
    changed["variants"][0]["initial_weight"] = 1

    names = [
        provider.check({}, props).inputs["endpoint_config_name"] for props in (changed, inputs())
    ]

    assert names[0] == names[1]


def test_the_names_of_a_known_content_never_change(provider, inputs):
    checked = provider.check({}, inputs()).inputs

    assert checked["endpoint_config_name"] == "fraud-dev-2a0d4fb4d083"
    assert checked["model_names"] == ["fraud-dev-2d98f7c91df9"]


def test_nothing_changed_is_no_diff(provider, inputs, state):
    news = provider.check(state, inputs()).inputs

    assert provider.diff("fraud-dev", state, news).changes is False


@pytest.mark.parametrize(
    "change",
    [
        {"image": "b"},
        {"count": 2},
        {"tags": {}},
        {"autoscaled": True},
        {"history_limit": 1},
        {"kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1"},
        {"owner": "organization/modelway/renamed"},
    ],
)
def test_a_change_is_an_update_in_place(provider, inputs, state, change):
    result = provider.diff("fraud-dev", state, provider.check(state, inputs(**change)).inputs)

    assert result.changes is True
    assert result.replaces == []


@pytest.mark.parametrize("change", [{"endpoint_name": "fraud-eu"}, {"region": "eu-west-1"}])
def test_another_name_or_region_is_another_endpoint(provider, inputs, state, change):
    result = provider.diff("fraud-dev", state, provider.check(state, inputs(**change)).inputs)

    assert result.replaces == list(change)
    assert result.delete_before_replace is False


def test_an_endpoint_that_a_refresh_found_broken_is_updated(provider, inputs, state):
    news = provider.check(state, inputs()).inputs

    assert provider.diff("fraud-dev", {**state, "endpoint_status": "Failed"}, news).changes is True


def test_an_unknown_image_is_a_change(provider, inputs, state):
    props = inputs()
    props["models"]["primary"]["image"] = UNKNOWN

    assert provider.diff("fraud-dev", state, provider.check(state, props).inputs).changes is True


@pytest.mark.parametrize("kind", [EndpointProvider, StandInProvider])
def test_the_state_holds_the_providers_name_and_no_code(kind):
    pickled = base64.b64decode(serialize_provider(kind()))

    assert kind.__module__.encode() in pickled
    assert kind.__name__.encode() in pickled
    assert len(pickled) < 200
    assert serialize_provider(kind()) == serialize_provider(kind())
    assert kind.serialize_as_secret_always is False


def test_a_failure_shows_its_message_and_no_chain_of_tracebacks(provider, inputs, monkeypatch):
    class Broken:
        def create(self, _inputs):
            raise DeploymentError("the reason") from ValueError("noise")

    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    monkeypatch.setattr(endpoint_resource, "_deployment", lambda _region, _profile: Broken())

    with pytest.raises(DeploymentError, match="the reason") as failure:
        provider.create(inputs())

    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__ is True
    assert sys.tracebacklimit == 0


def test_the_poll_is_fifteen_seconds_unless_the_emulator_says_so(monkeypatch):
    monkeypatch.delenv("MODELWAY_POLL_SECONDS", raising=False)
    assert poll_seconds() == 15.0

    monkeypatch.setenv("MODELWAY_POLL_SECONDS", "0.2")
    assert poll_seconds() == 0.2


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_a_poll_that_is_no_time_is_refused(monkeypatch, text):
    monkeypatch.setenv("MODELWAY_POLL_SECONDS", text)

    with pytest.raises(DeploymentError, match="MODELWAY_POLL_SECONDS"):
        poll_seconds()


def test_the_profile_of_the_stack_is_used(provider, inputs, monkeypatch):
    used = []

    class Recording:
        def delete(self, props):
            used.append(props["endpoint_name"])

    def deployment(region, profile):
        used.extend([region, profile])
        return Recording()

    monkeypatch.setattr(endpoint_resource, "_deployment", deployment)
    config = Config({"aws:profile": "risk"}, "modelway")
    provider.configure(ConfigureRequest(config))

    provider.delete("fraud-dev", inputs())

    assert used == ["us-east-1", "risk", "fraud-dev"]


def test_a_create_does_not_load_the_planner_which_takes_half_a_second():
    program = (
        "import sys, modelway.sagemaker.endpoint_resource, modelway.sagemaker.endpoint;"
        "print([name for name in sys.modules if name.startswith(('modelway.plan', 'pydantic'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"

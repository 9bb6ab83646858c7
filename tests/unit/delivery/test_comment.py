"""The comment on a pull request: what a change would do to one stack."""

from dataclasses import replace

import pytest

from modelway.delivery.comment import PlannedModel, stack_comment
from modelway.package import read_artifact
from modelway.plan import plan_deployment
from modelway.rehearsal.scenario_file import SHIPPED
from modelway.spec import ModelSpec

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/models@sha256:{'a' * 64}"
URN = "urn:pulumi:prod::fraud::modelway:index:ModelDeployment$aws:sns/topic:Topic::alarms"


@pytest.fixture
def planned():
    spec = ModelSpec.model_validate(
        {
            "name": "fraud",
            "model": {"path": str(SHIPPED / "models" / "one.onnx")},
            "image": IMAGE,
            "scaling": {
                "min_instances": 2,
                "max_instances": 3,
                "target_invocations_per_instance_per_minute": 60,
            },
            "objectives": {"p99_latency_ms": 50},
            "rollout": {"strategy": "canary"},
        }
    )
    return PlannedModel(plan_deployment(spec, "prod", read_artifact(spec.model)), "no records")


def test_it_says_how_many_instances_a_change_needs_at_its_peak(planned):
    lines = stack_comment("prod", [planned, planned]).splitlines()

    assert lines[0] == "### Stack `prod`"
    assert "| ml.m5.large | 4 | 8 | 12 |" in lines


def test_it_says_how_an_update_goes(planned):
    told = stack_comment("prod", [planned])

    assert "An update takes 720 to 1200 s: waits of 600 s" in told
    assert "| canary | 10 % | 300 s | 420 to 900 s | 2 + 2 |" in told
    assert "| fraud-prod-rollout-new-p99-latency |" in told


def test_it_lists_what_the_engine_would_change_and_what_was_said(planned):
    preview = {
        "steps": [{"op": "create", "urn": URN}, {"op": "same", "urn": URN.replace("alarms", "b")}],
        "changeSummary": {"same": 1, "create": 1},
        "diagnostics": [{"severity": "info", "message": "fraud in prod: no release records\n"}],
    }

    told = stack_comment("prod", [planned], preview)

    assert "`pulumi preview`: 1 create, 1 same." in told
    assert "| create | `aws:sns/topic:Topic` | alarms |" in told
    assert "| same |" not in told
    assert "    fraud in prod: no release records\n" in told
    assert "refused" not in told


def test_a_refused_preview_is_said_to_be_one(planned):
    preview = {"steps": [], "diagnostics": [{"severity": "error", "message": "image: differs"}]}

    told = stack_comment("prod", [planned], preview)

    assert "**The preview was refused.**" in told
    assert "    image: differs" in told


def test_long_lists_are_cut_and_what_is_left_is_counted(planned):
    steps = [{"op": "create", "urn": f"{URN}-{number}"} for number in range(1000)]

    told = stack_comment("prod", [planned], {"steps": steps, "changeSummary": {"create": 1000}})

    assert "and 960 more" in told
    assert len(told) < 20_000


def test_values_do_not_become_markup(planned):
    odd = replace(planned, release="a | b\n<img src=x>", problems=("<b>`x`</b>",))

    told = stack_comment("prod", [odd])

    assert "a \\| b &lt;img src=x>." in told
    assert "**Not ready to deploy**: &lt;b>`x`&lt;/b>" in told

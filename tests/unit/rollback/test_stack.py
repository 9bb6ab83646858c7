"""A stack as the engine tells it; a `pulumi` of the test's own answers."""

import json
import subprocess

import pytest

from modelway.errors import DeploymentError
from modelway.rollback.stack import ENDPOINT_TYPE, Stack

STATE = {
    "deployment": {
        "resources": [
            {"type": "aws:s3/bucket:Bucket", "outputs": {}},
            {"type": ENDPOINT_TYPE, "outputs": {"endpoint_name": "fraud-prod", "history": []}},
        ]
    }
}
PREVIEW = {
    "steps": [
        {"op": "same", "newState": {"type": "pulumi:pulumi:Stack"}},
        {
            "op": "update",
            "newState": {
                "type": ENDPOINT_TYPE,
                "inputs": {"endpoint_name": "fraud-prod", "endpoint_config_name": "fraud-prod-9"},
            },
        },
    ]
}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: fraud\nruntime: python\nmain: stacks/\n")
    (tmp_path / "stacks").mkdir()
    return tmp_path


@pytest.fixture
def stack(project):
    """A stack whose `pulumi` gives prepared answers; `commands` are those that were run."""
    commands = []

    def make(answers, name="acme/fraud/prod"):
        def run(command, **_options):
            commands.append(command)
            status, text = answers[command[1]]
            return subprocess.CompletedProcess(command, status, text, "error: no stack")

        return Stack(project, name, {}, run)

    make.commands = commands
    return make


def test_the_outputs_of_the_endpoint_are_found_in_the_state(stack):
    opened = stack({"stack": (0, json.dumps(STATE))})

    assert opened.endpoint("fraud-prod") == {"endpoint_name": "fraud-prod", "history": []}
    assert stack.commands == [
        ["pulumi", "stack", "export", "--stack", "acme/fraud/prod", "--non-interactive"]
    ]


def test_an_endpoint_that_is_not_there_is_told_with_those_that_are(stack):
    opened = stack({"stack": (0, json.dumps(STATE))})

    with pytest.raises(DeploymentError) as failure:
        opened.endpoint("churn-prod")

    assert str(failure.value) == (
        "looking for endpoint churn-prod in stack prod: it is not there. "
        "Endpoints of this stack: fraud-prod."
    )


def test_a_stack_without_any_resource_has_no_endpoints(stack):
    opened = stack({"stack": (0, '{"version": 3, "deployment": {}}')})

    with pytest.raises(DeploymentError, match="Endpoints of this stack: none"):
        opened.endpoint("fraud-prod")


def test_what_the_program_wants_is_read_from_a_preview(stack):
    opened = stack({"preview": (0, json.dumps(PREVIEW))})

    assert opened.wanted_config_name("fraud-prod") == "fraud-prod-9"


def test_what_a_preview_leaves_out_is_wanted_as_it_is(stack):
    live = {"endpoint_name": "fraud-prod", "endpoint_config_name": "fraud-prod-8"}
    state = {"deployment": {"resources": [{"type": ENDPOINT_TYPE, "outputs": live}]}}
    opened = stack({"preview": (0, '{"steps": []}'), "stack": (0, json.dumps(state))})

    assert opened.wanted_config_name("fraud-prod") == "fraud-prod-8"


def test_a_configuration_that_is_not_known_yet_is_said(stack):
    preview = json.dumps(PREVIEW).replace("fraud-prod-9", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")
    opened = stack({"preview": (0, preview)})

    with pytest.raises(DeploymentError, match="depends on resources that are not there yet"):
        opened.wanted_config_name("fraud-prod")


def test_a_pulumi_that_fails_is_told_in_its_own_words(stack):
    opened = stack({"stack": (255, "")})

    with pytest.raises(DeploymentError, match=r"running `pulumi stack export .*error: no stack"):
        opened.endpoint("fraud-prod")


def test_a_preview_that_is_refused_tells_the_refusal_alone(stack):
    message = (
        "error: Program failed with an unhandled exception:\n"
        "Traceback (most recent call last):\n"
        '  File "stacks/__main__.py", line 29, in <module>\n'
        "    model = ModelDeployment(\n"
        "modelway.errors.NotReleased: deploying fraud in prod: this is something else:\n"
        "  spec: the record says sha256:1, here it is sha256:2\n"
    )
    warning = {"severity": "warning", "message": "warning: using pulumi-resource-aws from $PATH"}
    diagnostics = [warning, {"severity": "error", "message": message}]
    refused = json.dumps({**PREVIEW, "diagnostics": diagnostics})
    opened = stack({"preview": (255, refused)})

    with pytest.raises(DeploymentError) as failed:
        opened.wanted_config_name("fraud-prod")

    assert str(failed.value) == (
        "running `pulumi preview --json --stack acme/fraud/prod --non-interactive`: error: Program "
        "failed with an unhandled exception:\n"
        "modelway.errors.NotReleased: deploying fraud in prod: this is something else:\n"
        "  spec: the record says sha256:1, here it is sha256:2"
    )


def test_the_program_is_where_the_project_says(stack, project):
    assert stack({}).program_folder == project / "stacks/"
    assert stack({}).environment_name() == "prod"


def test_the_selected_stack_is_asked_for_when_none_is_given(stack):
    opened = stack({"stack": (0, "acme/fraud/dev\n")}, name=None)

    assert opened.environment_name() == "dev"

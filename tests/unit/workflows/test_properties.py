"""What actionlint does not know of the workflows: what they may do, pin and run."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from modelway.cli import app
from modelway.sagemaker.waiting import ROLL_BACK_SECONDS
from modelway.scaffold.choices import Choices
from modelway.scaffold.repository import repository_files
from modelway.spec import load_spec

ROOT = Path(__file__).parents[3]
OWN = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
SCAFFOLDED = {
    f"scaffold/{path}": content.decode()
    for path, content in repository_files(Choices("fraud")).items()
    if path.startswith(".github/workflows/") and "modelway-" not in path
}
TEXTS = OWN | SCAFFOLDED
WORKFLOWS = {path: yaml.safe_load(text) for path, text in TEXTS.items()}
JOBS = [
    pytest.param(job, id=f"{path}:{name}")
    for path, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
]
STEPPED = [each for each in JOBS if "steps" in each.values[0]]
STEPS = [
    pytest.param(step, id=f"{job.id}:{number}")
    for job in STEPPED
    for number, step in enumerate(job.values[0]["steps"])
]
COMMANDS = sorted({each.values[0]["run"] for each in STEPS if "run" in each.values[0]})
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OTHERS = {"bash", "cat", "echo", "gh", "git", "make", "modelway", "pulumi"}
WITH_ID_TOKEN = {"dev", "deploy", "preview", "prod", "record", "rollback", "staging"}
WRITING = {"record", "rollback"}
VALUES = {"$TO": "2"}
"""What stands for variables that are not names."""


def test_there_are_the_workflows_that_the_readme_tells_of():
    assert [path.rpartition("/")[2] for path in OWN] == [
        "deploy.yml",
        "modelway-deploy.yml",
        "modelway-due.yml",
        "modelway-preview.yml",
        "modelway-record.yml",
        "modelway-rehearse.yml",
        "modelway-rollback.yml",
        "modelway-test.yml",
        "pull-request.yml",
        "release.yml",
        "rollback.yml",
    ]
    assert len(STEPS) > 40


@pytest.mark.parametrize("path", TEXTS)
def test_every_action_of_others_is_pinned_by_commit_with_its_version_beside_it(path):
    uses = [line.strip(" -") for line in TEXTS[path].splitlines() if "uses:" in line]
    others = [line for line in uses if "uses: ./" not in line]

    assert [line for line in others if PINNED.fullmatch(line) is None] == []


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_has_no_permissions_and_each_job_says_its_own(path):
    assert WORKFLOWS[path]["permissions"] == {}
    for name, job in WORKFLOWS[path]["jobs"].items():
        assert job["permissions"]
        assert job["permissions"].get("contents", "read") == "read" or name in WRITING


@pytest.mark.parametrize("path", WORKFLOWS)
def test_only_jobs_that_call_aws_may_ask_for_an_identity(path):
    asking = {
        name for name, job in WORKFLOWS[path]["jobs"].items() if "id-token" in job["permissions"]
    }

    assert asking <= WITH_ID_TOKEN


@pytest.mark.parametrize("path", TEXTS)
def test_no_key_of_aws_is_stored(path):
    assert re.findall(r"aws-(access|secret)", TEXTS[path], re.IGNORECASE) == []
    assert set(re.findall(r"secrets\.(\w+)", TEXTS[path])) <= {"RELEASE_KEY", "PULL_REQUEST_TOKEN"}


@pytest.mark.parametrize("job", STEPPED)
def test_every_job_has_a_time_out(job):
    assert job["timeout-minutes"]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_one_command_and_takes_nothing_from_expressions(step):
    command = step.get("run", "")

    assert "\n" not in command.strip()
    assert "${{" not in command  # text from outside would become part of the command
    assert bool(step.get("run")) != bool(step.get("uses"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists(command):
    words = shlex.split(re.sub(r"<\(.*?\)|>>? ?\S+", "", command))

    assert words[0] in OTHERS
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        scaffolded = repository_files(Choices("fraud"))["Makefile"].decode()
        for target in words[1:]:
            assert target[0] == "$" or f"\n{target}:" in makefile
            assert target[0] == "$" or f"\n{target}:" in scaffolded
    if words[0] == "modelway":
        takes(words[1:])


@pytest.mark.parametrize("path", WORKFLOWS)
def test_every_target_that_a_workflow_hands_on_is_in_the_makefile(path):
    text = (
        (ROOT / "Makefile").read_text()
        if path in OWN
        else repository_files(Choices("fraud"))["Makefile"].decode()
    )
    triggers = WORKFLOWS[path][True]
    declared = (triggers.get("workflow_call") or {}).get("inputs", {}) if triggers else {}
    given = [job.get("with", {}) for job in WORKFLOWS[path]["jobs"].values()]
    given.append({name: each.get("default", "") for name, each in declared.items()})
    targets = [
        target
        for values in given
        for name in ("targets", "setup-targets")
        for target in str(values.get(name, "")).split()
    ]

    assert [target for target in targets if f"\n{target}:" not in text] == []


def takes(words):
    """Let the command line parse the words, variables standing for values."""
    arguments = [VALUES.get(word, word.lstrip("$")) for word in words if word != "$EVIDENCE"]
    if arguments[-1] in ("--key", "--github-output"):
        arguments.append("file")  # a substitution of the shell
    group = typer.main.get_command(app)
    context = group.make_context("modelway", arguments)
    name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    assert command.make_context(name, rest, parent=context).params


def test_a_command_that_does_not_exist_would_be_found():
    with pytest.raises(Exception, match="No such option: --no-such"):
        takes(["plan", "--env", "dev", "--no-such"])


def test_the_deployment_outlasts_the_longest_rollout_its_roll_back_and_the_start():
    workflow = WORKFLOWS[".github/workflows/modelway-deploy.yml"]
    inputs = workflow[True]["workflow_call"]["inputs"]
    seconds = inputs["timeout-minutes"]["default"] * 60
    specs = [load_spec(path) for path in sorted((ROOT / "stacks" / "specs").glob("*.yaml"))]
    longest = max(
        spec.for_environment(stack).rollout.timeout_seconds
        for spec in specs
        for stack in ("dev", "staging", "prod")
    )

    assert seconds >= longest + ROLL_BACK_SECONDS + 1200
    assert inputs["role-duration-seconds"]["default"] >= seconds
    assert workflow["jobs"]["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_going_back_waits_for_deployments_is_approved_and_deploys_nothing_itself():
    deploy, back = (
        WORKFLOWS[f".github/workflows/modelway-{name}.yml"]["jobs"][name]
        for name in ("deploy", "rollback")
    )
    commands = [step["run"] for step in back["steps"] if "run" in step]

    assert back["concurrency"] == deploy["concurrency"]
    assert back["environment"] == deploy["environment"] == "${{ inputs.stack }}"
    (going,) = [line for line in commands if line.startswith(("modelway rollback", "pulumi"))]
    assert "--write-only" in going
    assert commands[-1].startswith("gh pr create")


def test_newer_checks_of_a_pull_request_end_older_ones():
    for path, workflow in WORKFLOWS.items():
        if path.endswith("pull-request.yml"):
            assert workflow["concurrency"]["cancel-in-progress"] is True


def test_this_repository_deploys_and_goes_back_as_a_scaffolded_one_does():
    own = OWN[".github/workflows/deploy.yml"].replace(", setup-targets: setup models", "")
    back = OWN[".github/workflows/rollback.yml"].replace("      setup-targets: setup models\n", "")

    assert own == SCAFFOLDED["scaffold/.github/workflows/deploy.yml"]
    assert back.replace("digits", "fraud") == SCAFFOLDED["scaffold/.github/workflows/rollback.yml"]

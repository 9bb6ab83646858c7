"""The commands of the workflows, in their order: a model goes from dev to prod by pull requests.

GitHub is played: its expressions are filled in, `gh` only takes notes, and a pull request is merged
by git. The engine, the servers and the emulated AWS are real.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from modelway.rehearsal.scenario_file import SHIPPED
from promotion_program import APPROVER, COMMANDS, NAME, REPOSITORY, STACKS
from workflow_run import Runner

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("promotion"),
    pytest.mark.timeout(900),  # the first test that runs may wait for the whole way
]

POLICY = {
    "stacks": {
        "dev": {"approvers": [APPROVER]},
        "staging": {"promote_from": "dev", "evidence": ["tests", "rehearsal"]},
        "prod": {"promote_from": "staging", "approvers": [APPROVER], "bake_seconds": 60},
    }
}
MAKEFILE = """
setup models:
	@test -x .venv/bin/modelway
evidence:
	@mkdir -p .modelway/evidence
	@cp junit.xml .modelway/evidence/tests.xml
	@echo '{"held": true}' > .modelway/evidence/rehearsal.json
"""
DEPLOYING = "pulumi up --stack"


@dataclass(frozen=True)
class Push:
    """What one push to main did."""

    jobs: list[str]
    live: list[str]
    """Endpoints that are in service afterwards."""


class Repository:
    """The program in git, with an origin, and its workflows."""

    def __init__(self, program, client, work_dir: Path) -> None:
        self.program, self.client = program, client
        self.pull_requests = work_dir / "pull-requests"
        gh = work_dir / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {self.pull_requests}\n')
        gh.chmod(0o755)
        self.path = f"{gh.parent}:{program.environment['PATH']}"
        self.jobs = work_dir / "jobs"
        self.jobs.mkdir()
        self.number = 0
        origin = work_dir / "origin.git"
        program.shell(
            f"ln -s {COMMANDS.parent} .venv; git init -q --bare {origin}; git init -q -b main;"
            "git add Makefile Pulumi.yaml stacks;"
            "git -c user.name=ada -c user.email=ada@example.com commit -q -m begin;"
            f"git remote add origin {origin}; git push -q origin main"
        )

    def run(self, file: str, actor: str = APPROVER, matrix: str = "", **inputs: str):
        self.number += 1
        names = {
            "github.actor": actor,
            "matrix.stack": matrix,
            "github.event.repository.default_branch": "main",
            "secrets.RELEASE_KEY": (self.program.directory / "release-key.pem").read_text(),
            "vars.AWS_REGION": "us-east-1",
            "vars.PULUMI_BACKEND_URL": self.program.environment["PULUMI_BACKEND_URL"],
        }
        runner = Runner(REPOSITORY, self._shell, self.jobs, names)
        return runner, runner.run(file, **inputs)

    def _shell(self, line: str, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        environment = self.program.environment | {"PATH": self.path} | variables
        environment.pop("MODELWAY_RELEASE_KEY", None)
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=self.program.directory,
            env=environment | {"GITHUB_RUN_ID": str(self.number)},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    def release(self, source: str, stack: str, actor: str = APPROVER):
        return self.run("release.yml", actor, model=NAME, **{"from": source}, to=stack)

    def roll_back(self, stack: str, actor: str = APPROVER):
        return self.run("rollback.yml", actor, model=NAME, stack=stack)

    def change(self, model: str, version: str) -> None:
        """Push another model to main."""
        shutil.copy(
            SHIPPED / "models" / f"{model}.onnx", self.program.stacks / "models" / f"{NAME}.onnx"
        )
        self.program.write(model={"path": f"../models/{NAME}.onnx", "version": version})
        self.program.shell(
            "git -c user.name=ada -c user.email=ada@example.com commit -q -a -m change;"
            "git push -q origin main"
        )

    def merge(self) -> Push:
        """Merge the branch that was pushed last, and do what a push to main does."""
        branch = self.program.shell("git branch --show-current").stdout.strip()
        self.program.shell(f"git switch -q main && git merge -q --ff-only {branch}")
        runner, failed = self.run("deploy.yml")
        assert failed is None, failed.args[-1] + failed.stdout + failed.stderr
        endpoints = self.client("sagemaker").list_endpoints(StatusEquals="InService")["Endpoints"]
        return Push(runner.ran, sorted(each["EndpointName"] for each in endpoints))

    def branches(self) -> list[str]:
        """Give the branches of the origin."""
        listed = self.program.shell("git ls-remote --heads origin").stdout
        return sorted(line.partition("refs/heads/")[2] for line in listed.splitlines())


@pytest.fixture(scope="module")
def repository(program, client, tmp_path_factory) -> Repository:
    (program.stacks / "releases" / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    (program.stacks / "models").mkdir(exist_ok=True)
    shutil.copy(SHIPPED / "models" / "one.onnx", program.stacks / "models" / f"{NAME}.onnx")
    program.write(model={"path": f"../models/{NAME}.onnx", "version": "1"}, serving={})
    (program.directory / "Makefile").write_text(MAKEFILE)
    for stack in STACKS:
        program.on(stack).select()
    return Repository(program, client, tmp_path_factory.mktemp("github"))


@pytest.fixture(scope="module")
def in_dev(repository) -> Push:
    _runner, failed = repository.release("spec", "dev")
    assert failed is None, failed.stdout + failed.stderr
    return repository.merge()


@pytest.fixture(scope="module")
def previewed(in_dev, repository) -> dict[str, str]:
    """The comments on a pull request that changes nothing: staging has no record yet."""
    for stack in ("dev", "staging"):
        repository.run("modelway-preview.yml", matrix=stack)
    folder = repository.program.directory
    return {stack: (folder / f"preview-{stack}.md").read_text() for stack in ("dev", "staging")}


@pytest.fixture(scope="module")
def in_staging(previewed, repository) -> Push:
    _runner, failed = repository.release("dev", "staging")
    assert failed is None, failed.stdout + failed.stderr
    return repository.merge()


@pytest.fixture(scope="module")
def refused(in_staging, repository):
    """Somebody who may not approve promotes to prod: the runner and the step that failed."""
    return repository.release("staging", "prod", actor="mallory@example.com")


@pytest.fixture(scope="module")
def in_prod(refused, repository) -> Push:
    _runner, failed = repository.release("staging", "prod")
    assert failed is None, failed.stdout + failed.stderr
    return repository.merge()


@pytest.fixture(scope="module")
def newer(in_prod, repository) -> Push:
    """Another model is released in dev."""
    repository.change("two", "2")
    _runner, failed = repository.release("spec", "dev")
    assert failed is None, failed.stdout + failed.stderr
    return repository.merge()


@pytest.fixture(scope="module")
def refused_return(newer, repository):
    """Somebody who may not approve rolls dev back: the runner and the step that failed."""
    return repository.roll_back("dev", actor="mallory@example.com")


@pytest.fixture(scope="module")
def changed(refused_return, repository) -> list[str]:
    """Dev is rolled back; gives the files of the commit, and leaves its branch to be merged."""
    _runner, failed = repository.roll_back("dev")
    assert failed is None, failed.stdout + failed.stderr
    return repository.program.shell("git show --format= --name-only").stdout.splitlines()


@pytest.fixture(scope="module")
def back(changed, repository) -> Push:
    return repository.merge()


def test_a_merged_release_deploys_dev_and_leaves_the_others(in_dev):
    assert in_dev.jobs == ["due", "due", "dev", "deploy"]
    assert in_dev.live == ["flowers-dev"]


def test_a_preview_tells_what_would_change_and_the_peak_of_instances(previewed):
    told = previewed["dev"]

    assert told.startswith("### Stack `dev`\n")
    assert "| ml.m5.large | 1 | 2 | 2 |" in told
    assert re.search(r"^`pulumi preview`: \d+ same\.$", told, re.MULTILINE)
    assert "refused" not in told


def test_a_refused_preview_is_told_with_its_reason(previewed):
    told = previewed["staging"]

    assert "**The preview was refused.**" in told
    assert "Run `modelway promote flowers --from dev --to staging`" in told


def test_a_merged_promotion_deploys_the_next_stack(in_staging):
    assert in_staging.jobs == ["due", "due", "dev", "deploy", "staging", "deploy"]
    assert in_staging.live == ["flowers-dev", "flowers-staging"]


def test_a_refused_promotion_fails_with_its_rule_and_opens_no_pull_request(refused, repository):
    runner, failed = refused

    assert runner.commands[-1].startswith("modelway promote")
    assert failed.returncode == 1
    assert "│ approver" in failed.stdout
    assert "mallory@example.com; allowed: ml-lead@example.com" in failed.stdout
    assert failed.stderr == "flowers is not promoted to prod; nothing was written\n"
    assert "release/prod/flowers/7" not in repository.branches()


def test_a_refused_roll_back_fails_with_the_reason_and_opens_no_pull_request(
    refused_return, back, repository
):
    runner, failed = refused_return

    assert runner.commands[-1].startswith("modelway rollback")
    assert failed.returncode == 1
    assert "rolling flowers back in stack dev: approver: mallory@example.com" in failed.stderr
    assert "rollback/dev/flowers/12" not in repository.branches()


def test_a_roll_back_is_a_record_and_its_file_and_merged_it_deploys_that_stack(changed, back):
    names = [re.sub(r"-[0-9a-f]{12,}", "-ID", each) for each in changed]

    assert names == [
        "stacks/releases/dev/flowers/0003-ID.dsse.json",
        "stacks/releases/dev/flowers/0003-ID.json",
        "stacks/rollbacks/dev/flowers.json",
    ]
    assert back.jobs == ["due", "due", "dev", "deploy"]


def test_at_the_end_prod_has_what_dev_has(back, repository, client, image):
    sagemaker = client("sagemaker")

    def model(stack):
        config = sagemaker.describe_endpoint(EndpointName=f"{NAME}-{stack}")["EndpointConfigName"]
        (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)[
            "ProductionVariants"
        ]
        container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
        return container["Image"], container["ModelDataUrl"].rpartition("/models/")[2]

    assert model("prod") == model("staging") == model("dev")
    assert model("prod")[0] == image


def test_prod_is_deployed_after_the_others(in_prod):
    assert in_prod.jobs[-2:] == ["prod", "deploy"]


def test_each_record_came_by_a_pull_request_of_its_own(back, repository):
    opened = repository.pull_requests.read_text().splitlines()

    assert [line.partition("--head ")[2] for line in opened] == [
        "release/dev/flowers/1",
        "release/staging/flowers/5",
        "release/prod/flowers/8",
        "release/dev/flowers/10",
        "rollback/dev/flowers/13",
    ]
    assert all(line.startswith("pr create --fill --base main") for line in opened)
    assert repository.branches() == [
        "main",
        "release/dev/flowers/1",
        "release/dev/flowers/10",
        "release/prod/flowers/8",
        "release/staging/flowers/5",
        "rollback/dev/flowers/13",
    ]

"""Runs workflow files as GitHub does, as far as they go: jobs, called workflows, steps, outputs.

The commands are read out of the YAML and run in their order; actions of others are left out. What
expressions stand for is given by the test.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
NAMES = re.compile(r"'[^']*'|[\w-]+(?:\.[\w-]+)+")
FUNCTIONS = {
    "contains": lambda where, what: what in where,
    "fromJSON": json.loads,
    "failure": lambda: False,
    "cancelled": lambda: False,
}


class Expressions(dict[str, Any]):
    """What names such as `inputs.stack` stand for; a name that is not there stands for nothing."""

    def value(self, expression: str) -> Any:
        """Evaluate one expression."""
        python = NAMES.sub(
            lambda found: found[0] if found[0][0] == "'" else f"name({found[0]!r})", expression
        )
        python = re.sub(r"!(?!=)", " not ", python.replace("&&", " and ").replace("||", " or "))
        names = {**FUNCTIONS, "name": lambda each: self.get(each, "")}
        return eval(python, {"__builtins__": {}}, names)  # of the repository's own workflows

    def text(self, value: Any) -> str:
        """Fill in every expression of a text."""
        return EXPRESSION.sub(lambda found: str(self.value(found[1])), str(value))

    def holds(self, part: Mapping[str, Any]) -> bool:
        """Tell whether a job or a step is taken."""
        return bool(self.value(EXPRESSION.sub(r"\1", str(part.get("if", "'always'")))))


def _defaults(workflow: Mapping[Any, Any]) -> dict[str, Any]:
    """Give the inputs of a workflow that people or others start, as they are when not given."""
    triggers = workflow[True]
    return {
        f"inputs.{name}": each.get("default", "")
        for trigger in ("workflow_call", "workflow_dispatch")
        for name, each in (triggers.get(trigger) or {}).get("inputs", {}).items()
    }


class Runner:
    """Runs workflows in a checkout.

    Args:
        checkout: the repository's folder; workflows are in `.github/workflows` of `source`.
        source: where workflows are read.
        shell: runs one command line with additional variables.
        names: what expressions stand for, `inputs` apart.
    """

    def __init__(
        self,
        source: Path,
        shell: Callable[[str, dict[str, str]], "subprocess.CompletedProcess[str]"],
        work_dir: Path,
        names: Mapping[str, Any],
    ) -> None:
        self.workflows = source / ".github" / "workflows"
        self.shell = shell
        self.work_dir = work_dir
        self.names = dict(names)
        self.ran: list[str] = []
        """Every job that ran, by its name."""
        self.commands: list[str] = []

    def run(self, file: str, **inputs: str) -> "subprocess.CompletedProcess[str] | None":
        """Run a workflow; give the step that failed, or None."""
        self.ran, self.commands = [], []
        workflow = self._read(file)
        given = {f"inputs.{name}": value for name, value in inputs.items()}
        known = Expressions({**self.names, **_defaults(workflow), **given})
        failed, _outputs = self._jobs(workflow, known)
        return failed

    def _read(self, file: str) -> dict[Any, Any]:
        return yaml.safe_load((self.workflows / file).read_text())

    def _jobs(self, workflow: Mapping[Any, Any], known: Expressions) -> tuple[Any, dict[str, str]]:
        outputs: dict[str, str] = {}
        for name, job in workflow["jobs"].items():
            if not known.holds(job):
                continue
            self.ran.append(name)
            if "uses" in job:
                called = self._read(Path(job["uses"]).name)
                failed, found = self._jobs(called, self._inside(called, job, known))
                declared = called[True]["workflow_call"].get("outputs", {})
                outer = {key: found[each["value"][4:-3]] for key, each in declared.items()}
                for key, value in outer.items():
                    known[f"needs.{name}.outputs.{key}"] = value
            else:
                failed, found = self._steps(job, known)
                for key, value in job.get("outputs", {}).items():
                    inside = Expressions({**known, **found})
                    outputs[f"jobs.{name}.outputs.{key}"] = inside.text(value)
            if failed:
                return failed, outputs
        return None, outputs

    def _inside(
        self, called: Mapping[Any, Any], job: Mapping[str, Any], known: Expressions
    ) -> Expressions:
        """Give what a called workflow knows: its own inputs, and what is the same everywhere."""
        inputs = _defaults(called)
        given = {f"inputs.{name}": known.text(v) for name, v in job.get("with", {}).items()}
        assert set(given) <= set(inputs)
        return Expressions({**self.names, **inputs, **given})

    def _steps(self, job: Mapping[str, Any], known: Expressions) -> tuple[Any, dict[str, str]]:
        folder = self.work_dir / f"job-{len(list(self.work_dir.iterdir()))}"
        folder.mkdir()
        files = {each: folder / each for each in ("GITHUB_PATH", "GITHUB_OUTPUT")}
        for file in files.values():
            file.touch()
        job_variables = self._variables(job, known) | {k: str(v) for k, v in files.items()}
        found: dict[str, str] = {}
        failed = None
        for step in job["steps"]:
            # After a failure only those steps are taken that ask for it.
            asked = failed is None or "cancelled()" in step.get("if", "")
            if "run" not in step or not asked or not known.holds(step):
                continue
            variables = job_variables | self._variables(step, known)
            # Each step is a shell of its own; what an earlier one put on PATH comes first.
            first = ":".join(reversed(files["GITHUB_PATH"].read_text().split()))
            line = f'export PATH="{first}:$PATH"; {step["run"]}' if first else step["run"]
            self.commands.append(step["run"])
            done = self.shell(line, variables)
            failed = failed or (done if done.returncode != 0 else None)
            found |= dict(self._outputs(step, files["GITHUB_OUTPUT"]))
        return failed, found

    @staticmethod
    def _variables(part: Mapping[str, Any], known: Expressions) -> dict[str, str]:
        return {name: known.text(value) for name, value in part.get("env", {}).items()}

    @staticmethod
    def _outputs(step: Mapping[str, Any], file: Path) -> Iterator[tuple[str, str]]:
        for line in file.read_text().splitlines():
            name, _equals, value = line.partition("=")
            yield f"steps.{step.get('id')}.outputs.{name}", value

"""A stack as the engine knows it: an endpoint's state, and what the program wants of it.

Takes a project folder and a stack, runs `pulumi`, gives plain values. It must not change the stack
but through `up`, and must not know what a rollback is.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelway.errors import DeploymentError
from modelway.project import program_folder

ENDPOINT_TYPE = "pulumi-python:dynamic/modelway:Endpoint"

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that a preview cannot know (pulumi sdk, plugin.UnknownStringValue).
"""

_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+", re.MULTILINE)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Stack:
    """One stack of one project.

    Args:
        project: the folder of `Pulumi.yaml`.
        name: the stack's name; None for the selected one.
        environment: of the `pulumi` processes.
        run: runs a process; default: subprocess.run.
    """

    project: Path
    name: str | None
    environment: Mapping[str, str]
    run: Run = field(default=subprocess.run)

    @property
    def program_folder(self) -> Path:
        """Where the program is: `main` of Pulumi.yaml, or the project's folder."""
        return program_folder(self.project)

    def environment_name(self) -> str:
        """Give the stack's name without organization and project."""
        name = self.name or self._text("stack", "--show-name").strip()
        return name.rsplit("/", 1)[-1]

    def endpoint(self, name: str) -> dict[str, Any]:
        """Give the outputs of the endpoint resource whose endpoint has this name.

        Raises:
            DeploymentError: the stack has no such endpoint; those that it has are listed.
        """
        exported = json.loads(self._text("stack", "export"))
        resources = (exported.get("deployment") or {}).get("resources") or []
        found = {each["endpoint_name"]: each for each in _endpoints(resources, "outputs")}
        if name not in found:
            there = ", ".join(sorted(found)) or "none"
            raise DeploymentError(
                f"looking for endpoint {name} in stack {self.environment_name()}: it is not there. "
                f"Endpoints of this stack: {there}."
            )
        return found[name]

    def wanted_config_name(self, name: str) -> str:
        """Give the endpoint configuration that the program wants now, by a preview.

        A preview lists only what would change; what it leaves out is wanted as it is.

        Raises:
            DeploymentError: the preview fails, or the configuration is not known yet.
        """
        preview = json.loads(self._text("preview", "--json"))
        states = [step.get("newState") or {} for step in preview.get("steps", [])]
        for inputs in _endpoints(states, "inputs"):
            if inputs["endpoint_name"] != name:
                continue
            config_name = inputs.get("endpoint_config_name")
            if isinstance(config_name, str) and config_name != _UNKNOWN:
                return config_name
            raise DeploymentError(
                f"previewing stack {self.environment_name()}: which configuration endpoint {name} "
                "would get depends on resources that are not there yet. Run `pulumi up` first."
            )
        return str(self.endpoint(name)["endpoint_config_name"])

    def up(self, *options: str) -> int:
        """Run `pulumi up` for everybody to see; give its exit status."""
        command = ["pulumi", "up", *self._stack(), *options]
        return self.run(command, cwd=self.project, env=dict(self.environment)).returncode

    def _text(self, *arguments: str) -> str:
        command = ["pulumi", *arguments, *self._stack(), "--non-interactive"]
        done = self.run(
            command, cwd=self.project, env=dict(self.environment), capture_output=True, text=True
        )
        if done.returncode != 0:
            raise DeploymentError(f"running `{' '.join(command)}`: {_why(done)}")
        return done.stdout

    def _stack(self) -> Sequence[str]:
        return () if self.name is None else ("--stack", self.name)


def _why(failed: "subprocess.CompletedProcess[str]") -> str:
    """Give why a command failed; a preview with `--json` says it among all that it prints."""
    try:
        diagnostics = json.loads(failed.stdout)["diagnostics"]
    except (ValueError, KeyError, TypeError):
        return (failed.stderr or failed.stdout).strip()
    errors = [str(each["message"]) for each in diagnostics if each.get("severity") == "error"]
    # Of a program that raised, the last lines are for people; the way to them is not.
    return "\n".join(_TRACEBACK.sub("", error).strip() for error in errors)


def _endpoints(resources: Sequence[Mapping[str, Any]], part: str) -> Iterator[dict[str, Any]]:
    for resource in resources:
        values = resource.get(part) or {}
        if resource.get("type") == ENDPOINT_TYPE and "endpoint_name" in values:
            yield values

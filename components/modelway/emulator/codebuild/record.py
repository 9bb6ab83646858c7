"""One build of an emulated project.

Takes what StartBuild was asked, gives what BatchGetBuilds says. Every change is one method, made
under the emulator's lock. It must not run anything (that is `runner`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

IN_PROGRESS = "IN_PROGRESS"


@dataclass
class Build:
    """A build and how far it is. Times are virtual, in seconds since the epoch."""

    account: str
    region: str
    id: str
    arn: str
    number: int
    project: Mapping[str, Any]
    """The project's description when the build began."""
    request: Mapping[str, Any]
    """StartBuild's parameters."""
    started: float
    status: str = IN_PROGRESS
    ended: float | None = None
    phases: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __post_init__(self) -> None:
        """Begin with the first phase."""
        if not self.phases:
            self.enter("SUBMITTED", self.started)
            self.enter("QUEUED", self.started)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status == IN_PROGRESS

    @property
    def variables(self) -> dict[str, str]:
        """The build's environment: the project's with the request's over it."""
        given = [
            *self.project["environment"].get("environmentVariables", ()),
            *self.request.get("environmentVariablesOverride", ()),
        ]
        return {each["name"]: each["value"] for each in given}

    @property
    def source(self) -> dict[str, Any]:
        """Where its sources are."""
        given = {
            "type": self.request.get("sourceTypeOverride"),
            "location": self.request.get("sourceLocationOverride"),
            "buildspec": self.request.get("buildspecOverride"),
        }
        return {**self.project["source"], **{k: v for k, v in given.items() if v is not None}}

    @property
    def log_group(self) -> str:
        """Where it logs."""
        configured = self.project.get("logsConfig", {}).get("cloudWatchLogs", {})
        return str(configured.get("groupName") or f"/aws/codebuild/{self.project['name']}")

    @property
    def log_stream(self) -> str:
        """The part of its id that is its own."""
        return self.id.rpartition(":")[2]

    def enter(self, phase: str, at: float) -> None:
        """Go on to a phase; the one before has succeeded."""
        self._close("SUCCEEDED", at)
        self.phases.append({"phaseType": phase, "startTime": at})

    def end(self, status: str, at: float, message: str = "") -> None:
        """End with `SUCCEEDED`, `FAILED` or `STOPPED`, in the phase that it is in."""
        self._close(status, at, message)
        for phase in ("FINALIZING", "COMPLETED"):
            self.enter(phase, at)
        self.status, self.ended = status, at

    def described(self) -> dict[str, Any]:
        """Give it as BatchGetBuilds does."""
        environment = {
            **self.project["environment"],
            "environmentVariables": [
                {"name": name, "value": value, "type": "PLAINTEXT"}
                for name, value in self.variables.items()
            ],
        }
        overrides = {"type": "environmentTypeOverride", "image": "imageOverride"}
        for member, override in overrides.items():
            environment[member] = self.request.get(override) or environment[member]
        group, stream = self.log_group, self.log_stream
        found = {
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": self.started,
            "currentPhase": self.phases[-1]["phaseType"],
            "buildStatus": self.status,
            "buildComplete": not self.running,
            "projectName": self.project["name"],
            "phases": self.phases,
            "source": self.source,
            "secondarySources": [],
            "artifacts": {"location": ""},
            "cache": {"type": "NO_CACHE"},
            "environment": environment,
            "serviceRole": self.project["serviceRole"],
            "logs": {
                "groupName": group,
                "streamName": stream,
                "cloudWatchLogsArn": f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}"
                f":log-stream:{stream}",
            },
            "timeoutInMinutes": self.request.get("timeoutInMinutesOverride")
            or self.project["timeoutInMinutes"],
            "queuedTimeoutInMinutes": self.request.get("queuedTimeoutInMinutesOverride")
            or self.project["queuedTimeoutInMinutes"],
            "initiator": "emulator",
            "encryptionKey": self.project["encryptionKey"],
        }
        return found if self.ended is None else {**found, "endTime": self.ended}

    def _close(self, status: str, at: float, message: str = "") -> None:
        if not self.phases or "phaseStatus" in self.phases[-1]:
            return
        last = self.phases[-1]
        last["phaseStatus"] = status
        last["endTime"] = at
        last["durationInSeconds"] = int(at - last["startTime"])
        last["contexts"] = [{"statusCode": "", "message": message}] if message else []

"""One image, built by AWS CodeBuild unless the repository has it.

Takes boto3's clients of ECR, CodeBuild and CloudWatch Logs and what is wanted, gives the image's
digest. Works again after any interruption: an image of the tag means that nothing is built, and a
build of the same content that is under way is followed. Must not know Pulumi, and must not read the
sources: they lie in S3 under their content hash.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelway.errors import ImageError
from modelway.image.build_log import BuildLog
from modelway.image.buildspec import TAG

BUILD_MINUTES = 60
"""Longest time of a build: ten times what one takes (StartBuild.timeoutInMinutes, 5 to 2160)."""

QUEUE_MINUTES = 30
"""Longest time until it begins (StartBuild.queuedTimeoutInMinutes, 5 to 480)."""

LOOKED_AT = 100
"""Latest builds among which one of the same content is looked for (BatchGetBuilds.ids, 100)."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class WantedImage:
    """What is to be in the repository."""

    repository: str
    """Its name."""
    tag: str
    project: str
    """CodeBuild's project."""
    source: str
    """`BUCKET/KEY` of the build context."""
    machine: tuple[str, str]
    """Type of CodeBuild's environment, and its image."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


class ImageBuildRun:
    """Brings one image about.

    Args:
        ecr: boto3's client.
        codebuild: boto3's client.
        logs: boto3's client of CloudWatch Logs.
        poll_seconds: pause between two looks at a build.
        step: told what is done at this moment.
        note: told what stays in the output.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        ecr: Any,
        codebuild: Any,
        logs: Any,
        poll_seconds: float,
        step: Say,
        note: Say,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ecr, self._codebuild, self._logs = ecr, codebuild, logs
        self._poll_seconds = poll_seconds
        self._step, self._note = step, note
        self._sleep = sleep

    def digest(self, wanted: WantedImage) -> str | None:
        """Give the digest of the image in the repository; None where there is none."""
        try:
            found = self._ecr.describe_images(
                repositoryName=wanted.repository, imageIds=[{"imageTag": wanted.tag}]
            )
        except (
            self._ecr.exceptions.ImageNotFoundException,
            self._ecr.exceptions.RepositoryNotFoundException,
        ):
            return None
        return str(found["imageDetails"][0]["imageDigest"])

    def ensure(self, wanted: WantedImage) -> str:
        """Give the image's digest, after a build where there was none.

        Raises:
            ImageError: the build failed, was stopped or took too long.
        """
        digest = self.digest(wanted)
        if digest is not None:
            self._note(f"{wanted.repository}: the image {wanted.tag} is there, nothing is built")
            return digest
        build = self._running(wanted) or self._start(wanted)
        build = self._ended(build)
        digest = self.digest(wanted)
        if digest is None:
            raise ImageError(
                f"building an image: build {build['id']} succeeded, and {wanted.repository} has no "
                f"image {wanted.tag}; see the build's log"
            )
        self._note(f"{wanted.repository}: image {wanted.tag} was built by {build['id']}")
        return digest

    def _running(self, wanted: WantedImage) -> dict[str, Any] | None:
        """Give the build of this content that somebody has begun."""
        running = [each for each in self._builds(wanted) if each["buildStatus"] == "IN_PROGRESS"]
        if not running:
            return None
        self._note(f"following {running[0]['id']}, which builds this image already")
        return running[0]

    def _builds(self, wanted: WantedImage) -> list[dict[str, Any]]:
        """Give the project's latest builds of this content."""
        ids: list[str] = self._codebuild.list_builds_for_project(
            projectName=wanted.project, sortOrder="DESCENDING"
        )["ids"][:LOOKED_AT]
        if not ids:
            return []
        builds: list[dict[str, Any]] = self._codebuild.batch_get_builds(ids=ids)["builds"]
        return [each for each in builds if _variable(each, TAG) == wanted.tag]

    def _start(self, wanted: WantedImage) -> dict[str, Any]:
        kind, image = wanted.machine
        # Two models of one stack may want the same image at once: the same token is one build.
        # Each attempt has its own, or a failed build would be given again for five minutes.
        token = f"{wanted.tag[:40]}-{len(self._builds(wanted))}"
        started: dict[str, Any] = self._codebuild.start_build(
            projectName=wanted.project,
            idempotencyToken=token,
            sourceTypeOverride="S3",
            sourceLocationOverride=wanted.source,
            environmentTypeOverride=kind,
            imageOverride=image,
            environmentVariablesOverride=[
                {"name": name, "value": value, "type": "PLAINTEXT"}
                for name, value in wanted.variables.items()
            ],
            timeoutInMinutesOverride=BUILD_MINUTES,
            queuedTimeoutInMinutesOverride=QUEUE_MINUTES,
        )["build"]
        return started

    def _ended(self, build: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for the end of a build, telling its log meanwhile."""
        log = BuildLog(self._logs)
        waited, longest = 0.0, (BUILD_MINUTES + QUEUE_MINUTES + 5) * 60
        while True:
            found: dict[str, Any] = self._codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
            for line in log.read(found):
                self._step(line)
            if found["buildStatus"] == "SUCCEEDED":
                return found
            if found["buildStatus"] != "IN_PROGRESS":
                raise ImageError(_failure(found, log.last))
            if waited >= longest:
                raise ImageError(
                    f"building an image: {found['id']} is still in phase "
                    f"{found.get('currentPhase')} after {longest / 60:.0f} min; run `pulumi up` "
                    "again to follow it, or stop it with `aws codebuild stop-build`"
                )
            self._step(f"building the image: {found.get('currentPhase', 'SUBMITTED')}")
            self._sleep(self._poll_seconds)
            waited += self._poll_seconds


def _variable(build: Mapping[str, Any], name: str) -> str | None:
    held: Sequence[Mapping[str, str]] = build["environment"].get("environmentVariables", ())
    return next((each["value"] for each in held if each["name"] == name), None)


def _failure(build: Mapping[str, Any], last: Sequence[str]) -> str:
    """Say what a build ended with: the phase, CodeBuild's own words, and the log's last lines."""
    broken = [
        phase
        for phase in build.get("phases", ())
        if phase.get("phaseStatus") not in (None, "SUCCEEDED")
    ]
    phase = broken[0]["phaseType"] if broken else build.get("currentPhase", "unknown")
    words = [
        str(context["message"])
        for each in broken
        for context in each.get("contexts", ())
        if context.get("message")
    ]
    lines = "".join(f"\n  {line}" for line in last) or "\n  (the log is empty)"
    return (
        f"building an image: {build['id']} ended as {build['buildStatus']} in phase {phase}"
        f"{': ' + '; '.join(words) if words else ''}. Correct the cause and run `pulumi up` again. "
        f"The log's last lines:{lines}"
    )

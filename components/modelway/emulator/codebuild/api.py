"""The operations of AWS CodeBuild on projects and builds.

Takes moto's requests; keeps projects and builds in moto's store, checks them as AWS does. Nothing
is built here (that is `runner`). Rules: botocore's service model and the CodeBuild API reference
(read 2026-11).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.codebuild.exceptions import (
    InvalidInputException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from moto.codebuild.models import CodeBuildBackend
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.moto_api._internal import mock_random

from modelway.emulator.codebuild.record import Build
from modelway.emulator.codebuild.runner import Runner
from modelway.emulator.services import Services

TOKEN_SECONDS = 300
"""How long StartBuild remembers an idempotency token."""

PAGE = 100
"""ListBuildsForProject gives at most so many ids at once."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}\Z")
_RANGES = {"timeoutInMinutes": (5, 2160, 60), "queuedTimeoutInMinutes": (5, 480, 480)}
"""Least, most and default."""

_SOURCES = ("BITBUCKET", "CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB")
_SOURCES += ("GITLAB_SELF_MANAGED", "NO_SOURCE", "S3")
_ARTIFACTS = ("CODEPIPELINE", "NO_ARTIFACTS", "S3")
_KEPT = (
    *("artifacts", "cache", "concurrentBuildLimit", "description", "encryptionKey", "environment"),
    *("fileSystemLocations", "logsConfig", "queuedTimeoutInMinutes", "secondaryArtifacts"),
    *("secondarySourceVersions", "secondarySources", "serviceRole", "source", "sourceVersion"),
    *("tags", "timeoutInMinutes", "vpcConfig"),
)
"""Members of a project that a caller gives."""


class Project:
    """A project, as moto's own listing wants it."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self.project_metadata = metadata
        self.arn: str = metadata["arn"]


class CodeBuildApi:
    """The operations, bound to one emulator's services."""

    def __init__(self, services: Services, runner: Runner) -> None:
        self._services, self._runner = services, runner

    def install(self) -> None:
        """Replace moto's methods and add those it lacks."""

        def bound(method: Any) -> Any:
            return lambda response: ActionResult(method(_backend(response), _given(response)))

        for method in (
            self.create_project,
            self.update_project,
            self.batch_get_projects,
            self.delete_project,
            self.start_build,
            self.batch_get_builds,
            self.list_builds_for_project,
            self.stop_build,
        ):
            setattr(CodeBuildResponse, method.__name__, bound(method))

    def create_project(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """CreateProject."""
        name = given["name"]
        if _NAME.match(name) is None:
            raise InvalidInputException(
                f"Project name {name!r} must have 2 to 150 letters, digits, hyphens and underscores"
            )
        if name in backend.codebuild_projects:
            raise ResourceAlreadyExistsException(f"Project already exists: {_arn(backend, name)}")
        now = self._services.clock.now()
        metadata = {
            "name": name,
            "arn": _arn(backend, name),
            "created": now,
            "badge": {"badgeEnabled": False},
            "projectVisibility": "PRIVATE",
            "cache": {"type": "NO_CACHE"},
            "encryptionKey": f"arn:aws:kms:{backend.region_name}:{backend.account_id}:alias/aws/s3",
            **{name: default for name, (_least, _most, default) in _RANGES.items()},
        }
        return self._keep(backend, metadata, given)

    def update_project(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateProject: what is not given stays."""
        return self._keep(backend, dict(_project(backend, given["name"])), given)

    def batch_get_projects(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """BatchGetProjects, by name or ARN."""
        by_arn = {project.arn: name for name, project in backend.codebuild_projects.items()}
        names = [by_arn.get(name, name) for name in given["names"]]
        known = backend.codebuild_projects
        return {
            "projects": [known[name].project_metadata for name in names if name in known],
            "projectsNotFound": [name for name in names if name not in known],
        }

    def delete_project(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteProject: its builds stay; a project that is not there is no error."""
        backend.codebuild_projects.pop(given["name"], None)
        return {}

    def start_build(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """StartBuild; the same token within five minutes is the same build."""
        name = given["projectName"]
        project = _project(backend, name)
        now = self._services.clock.now()
        builds = _builds(backend)
        token = given.get("idempotencyToken")
        for build in builds.values():
            if token is None or build.request.get("idempotencyToken") != token:
                continue
            if now - build.started < TOKEN_SECONDS:
                if dict(build.request) != dict(given):
                    raise InvalidInputException(
                        "Parameter mismatch: the idempotency token was used with other parameters"
                    )
                return {"build": build.described()}
        id_ = f"{name}:{mock_random.uuid4()}"
        build = Build(
            account=backend.account_id,
            region=backend.region_name,
            id=id_,
            arn=f"arn:aws:codebuild:{backend.region_name}:{backend.account_id}:build/{id_}",
            number=1 + sum(each.project["name"] == name for each in builds.values()),
            project=dict(project),
            request=dict(given),
            started=now,
        )
        builds[id_] = build
        self._runner.begin(build)
        return {"build": build.described()}

    def batch_get_builds(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """BatchGetBuilds."""
        if any(":" not in id_ for id_ in given["ids"]):
            raise InvalidInputException("Invalid build ID provided")
        builds = _builds(backend)
        return {
            "builds": [builds[id_].described() for id_ in given["ids"] if id_ in builds],
            "buildsNotFound": [id_ for id_ in given["ids"] if id_ not in builds],
        }

    def list_builds_for_project(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """ListBuildsForProject, the latest first unless asked otherwise."""
        name = given["projectName"]
        _project(backend, name)
        ids = [id_ for id_, build in _builds(backend).items() if build.project["name"] == name]
        if given.get("sortOrder") != "ASCENDING":
            ids.reverse()
        return {"ids": ids[:PAGE]}

    def stop_build(self, backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """StopBuild; a build that has ended stays as it is."""
        build = _builds(backend).get(given["id"])
        if build is None:
            raise ResourceNotFoundException(f"Build {given['id']} does not exist")
        if build.running:
            build.end("STOPPED", self._services.clock.now())
        return {"build": build.described()}

    def _keep(
        self, backend: Any, metadata: dict[str, Any], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        metadata |= {name: given[name] for name in _KEPT if given.get(name) is not None}
        metadata["lastModified"] = self._services.clock.now()
        metadata["environment"] = {
            "environmentVariables": [],
            "privilegedMode": False,
            "imagePullCredentialsType": "CODEBUILD",
            **metadata["environment"],
        }
        _check(backend, metadata)
        backend.codebuild_projects[metadata["name"]] = Project(metadata)
        return {"project": metadata}


def builds_of_all(backends: Any) -> list[Build]:
    """Give every build of every account and region."""
    return [
        build
        for regions in backends.values()
        for backend in regions.values()
        for build in _builds(backend).values()
    ]


def _check(backend: Any, project: Mapping[str, Any]) -> None:
    for name, (least, most, _default) in _RANGES.items():
        if not least <= project[name] <= most:
            raise InvalidInputException(
                f"Invalid {name}: {project[name]}; it must be between {least} and {most}"
            )
    source, artifacts = project["source"], project["artifacts"]
    if source.get("type") not in _SOURCES:
        raise InvalidInputException("Invalid type provided: Project source type")
    if source["type"] not in {"NO_SOURCE", "CODEPIPELINE"} and not source.get("location"):
        raise InvalidInputException("Project source location is required")
    if source["type"] == "S3" and "/" not in source["location"].strip("/"):
        raise InvalidInputException(
            f"Invalid project source: location {source['location']!r} must be BUCKET/KEY"
        )
    if artifacts.get("type") not in _ARTIFACTS:
        raise InvalidInputException("Invalid type provided: Artifact type")
    if artifacts["type"] == "NO_ARTIFACTS" and artifacts.get("location"):
        raise InvalidInputException(
            "Invalid artifacts: artifact type NO_ARTIFACTS should have null location"
        )
    _check_role(backend, project["serviceRole"])


def _check_role(backend: Any, arn: str) -> None:
    from moto.iam.models import iam_backends

    prefix = f"arn:aws:iam::{backend.account_id}:role/"
    if not arn.startswith(prefix):
        raise InvalidInputException(
            "Invalid service role: Service role account ID does not match caller's account"
        )
    name = arn.rpartition("/")[2]
    roles = iam_backends[backend.account_id]["aws"].roles.values()
    role = next((each for each in roles if each.name == name), None)
    if role is None or "codebuild.amazonaws.com" not in str(role.assume_role_policy_document):
        raise InvalidInputException(
            "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify"
            f" that: 1) The provided service role exists, 2) The role {arn} has a trust policy for"
            " codebuild.amazonaws.com"
        )


def _backend(response: Any) -> CodeBuildBackend:
    backend: CodeBuildBackend = response.codebuild_backend
    return backend


def _given(response: Any) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(response.body)
    return given


def _builds(backend: Any) -> dict[str, Build]:
    """Give the builds that moto's store keeps for us; a reset of moto takes them away."""
    if not hasattr(backend, "modelway_builds"):
        backend.modelway_builds = {}
    found: dict[str, Build] = backend.modelway_builds
    return found


def _project(backend: Any, name: str) -> dict[str, Any]:
    project = backend.codebuild_projects.get(name)
    if project is None:
        raise ResourceNotFoundException(f"Project cannot be found: {_arn(backend, name)}")
    found: dict[str, Any] = project.project_metadata
    return found


def _arn(backend: Any, name: str) -> str:
    return f"arn:aws:codebuild:{backend.region_name}:{backend.account_id}:project/{name}"

"""Carries emulated builds out.

Takes a build that has begun, takes it through its phases in a thread of its own and puts an image
into the emulated ECR. What is built are the images that modelway's own buildspec builds: with
Docker where replicas are containers; elsewhere a manifest stands in, and the build's log says that
no image was built. Any other buildspec fails, and says so.
"""

import io
import logging
import threading
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from modelway.emulator.codebuild.record import Build
from modelway.emulator.hosting import images
from modelway.emulator.hosting.artifact import Fetch
from modelway.emulator.services import Services
from modelway.errors import ImageError
from modelway.image.buildspec import ARGUMENTS, REPOSITORY, TAG, buildspec
from modelway.image.content import extras_in
from modelway.image.manifest import StandInManifest
from modelway.image.repository import Repository

log = logging.getLogger(__name__)

STAND_IN_SECONDS = 3.0
"""Virtual time of a build that stands in: long enough to be seen, short enough to wait for."""


class BuildFailed(Exception):  # noqa: N818 - a state that the caller reports
    """The build cannot go on; the message is for its log and its phase."""


class Runner:
    """Runs builds.

    Args:
        services: the emulator's parts.
        fetch: reads from S3.
    """

    def __init__(self, services: Services, fetch: Fetch) -> None:
        self._services, self._fetch = services, fetch

    def begin(self, build: Build) -> None:
        """Start a build; while the journal is replayed, `resume` does so later."""
        if not self._services.replaying:
            name = f"build-{build.log_stream[:8]}"
            threading.Thread(target=self._run, args=(build,), name=name, daemon=True).start()

    def resume(self, builds: Iterable[Build]) -> None:
        """Start what was under way when the emulator stopped."""
        for build in builds:
            if build.running:
                self.begin(build)

    def _run(self, build: Build) -> None:
        try:
            repository = build.variables.get(REPOSITORY, "")
            tag = build.variables.get(TAG, "")
            self._enter(build, "PROVISIONING", "DOWNLOAD_SOURCE")
            files = self._sources(build)
            self._enter(build, "INSTALL", "PRE_BUILD", "BUILD")
            self._require_own(build)
            content = tag.rpartition("-")[2]
            self._build(build, content, files)
            self._enter(build, "POST_BUILD")
            self._push(build, repository, tag, StandInManifest(content, extras_in(files)))
            self._enter(build, "UPLOAD_ARTIFACTS")
        except BuildFailed as failure:
            self._say(build, f"[Container] {failure}")
            self._end(build, "FAILED", str(failure))
        except _Stopped:
            return
        except Exception as error:
            log.exception("build %s", build.id)
            self._end(build, "FAULT", f"the emulator failed: {type(error).__name__}: {error}")
        else:
            self._end(build, "SUCCEEDED")

    def _sources(self, build: Build) -> dict[str, bytes]:
        source = build.source
        if source["type"] != "S3":
            raise BuildFailed(f"the emulator reads sources from S3 only, not from {source['type']}")
        bucket, _, key = source["location"].partition("/")
        found = self._fetch(bucket, key, False, self._services.stopping)
        if not found:
            raise BuildFailed(
                f"NoSuchKey: The specified key does not exist. for {source['location']}"
            )
        try:
            with zipfile.ZipFile(io.BytesIO(found[0][1])) as archive:
                return {name: archive.read(name) for name in archive.namelist()}
        except zipfile.BadZipFile:
            raise BuildFailed(f"{source['location']} is no zip file") from None

    def _require_own(self, build: Build) -> None:
        if build.source.get("buildspec") != buildspec():
            raise BuildFailed(
                "the emulator runs the buildspec of this version of modelway and no other one; "
                "AWS runs any"
            )
        if not build.project["environment"]["privilegedMode"]:
            raise BuildFailed(
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
                "daemon running? (the project's privilegedMode is off)"
            )

    def _build(self, build: Build, content: str, files: dict[str, bytes]) -> None:
        if self._services.settings.runtime != "docker":
            lines = images.stand_in_lines(extras_in(files))
            self._say(build, *(f"[Container] {line}" for line in lines))
            if self._services.clock.sleep(STAND_IN_SECONDS, self._services.stopping):
                raise _Stopped
            return
        self._say(build, f"[Container] docker build --tag {images.local_tag(content)}")
        try:
            arguments = {name: build.variables[held] for name, held in ARGUMENTS.items()}
            images.build(content, files, arguments, lambda line: self._say(build, line))
        except ImageError as error:
            raise BuildFailed(f"COMMAND_EXECUTION_ERROR: {error}") from error

    def _push(self, build: Build, url: str, tag: str, manifest: StandInManifest) -> None:
        name = url.partition("/")[2]
        client = self._client(build)
        repository = Repository(client, name)
        try:
            repository.put(manifest, tag)
        except (ImageError, client.exceptions.ClientError) as error:
            raise BuildFailed(f"COMMAND_EXECUTION_ERROR: pushing {url}:{tag}: {error}") from error
        self._say(build, f"{tag}: digest: {manifest.digest}")

    def _client(self, build: Build) -> Any:
        # The way of a user's request: it goes into the journal and outlives a restart. Imported
        # late, since it takes a second and few emulators build images.
        from modelway.emulator.provider.clients import Clients

        return Clients(self._services.settings.url).of_account("ecr", build.region, build.account)

    def _enter(self, build: Build, *phases: str) -> None:
        for phase in phases:
            self._change(build, lambda at, phase=phase: build.enter(phase, at))
            self._say(build, f"[Container] Entering phase {phase}")

    def _end(self, build: Build, status: str, message: str = "") -> None:
        try:
            self._change(build, lambda at: build.end(status, at, message))
        except _Stopped:
            return

    def _change(self, build: Build, change: Callable[[float], None]) -> None:
        with self._services.lock:
            # Stopped by StopBuild, or forgotten by a reset, in the meantime.
            if not build.running or self._services.stopping.is_set():
                raise _Stopped
            change(self._services.clock.now())

    def _say(self, build: Build, *lines: str) -> None:
        self._services.logs.write(build.log_group, build.log_stream, lines)


class _Stopped(Exception):  # noqa: N818 - a state
    """The build goes no further."""

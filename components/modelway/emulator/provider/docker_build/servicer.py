"""The provider's gRPC calls (pulumi/pulumi: proto/pulumi/provider.proto) for `docker_build.Image`.

Turns each of the engine's requests into plain values, has `image` do the work, and turns the result
or the error back. What makes the real provider build again does so here: every input but passwords,
the place of the context, and the context's files (pulumi/pulumi-docker-build:
provider/internal/image.go, `Diff`).
"""

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from modelway import engine_log
from modelway.emulator.provider.clients import Clients
from modelway.emulator.provider.docker_build.context import (
    context_files,
    context_folder,
    context_hash,
)
from modelway.emulator.provider.docker_build.image import Images, TaggedImage
from modelway.emulator.provider.plugin import Plugin, answering, changes, type_of
from modelway.emulator.provider.wire import (
    UNKNOWN,
    Properties,
    holds_unknown,
    read_struct,
    write_struct,
)
from modelway.errors import EmulatorError

IMAGE = "docker-build:index:Image"

OUTPUTS = ("contextHash", "digest", "ref")
"""What the provider says of an image."""

TAKEN = frozenset(
    (
        *("buildArgs", "buildOnPreview", "context", "network", "platforms", "push", "registries"),
        "tags",
    )
)
"""Inputs that mean something here. Others would be left out of the image in silence."""


class DockerBuildProvider(Plugin):
    """The `docker-build` package.

    Args:
        clients: reach the emulator.
        directory: where relative paths of contexts begin.
        runtime: what a replica is, `process` or `docker`.
    """

    package = "docker-build"

    def __init__(self, clients: Clients, directory: Path, runtime: str) -> None:
        super().__init__()
        self._images, self._directory = Images(clients, runtime), directory

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Give the version of pulumi_docker_build, where it is installed."""
        del request, context
        try:
            return plugin_pb2.PluginInfo(version=version("pulumi_docker_build"))
        except PackageNotFoundError:
            return plugin_pb2.PluginInfo()

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Replace no provider: nothing of its configuration is used here."""
        del request, context
        return provider_pb2.DiffResponse(changes=changes(()))

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Take any configuration; the emulator's registry is the only one."""
        del request, context
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answering
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Check the inputs; all problems at once."""
        del context
        if type_of(request.urn) != IMAGE:
            raise EmulatorError(
                f"the emulator's docker-build provider does not cover {type_of(request.urn)}; it "
                f"covers: {IMAGE}"
            )
        news = read_struct(request.news)
        return provider_pb2.CheckResponse(
            inputs=request.news,
            failures=[
                provider_pb2.CheckFailure(property=name, reason=reason)
                for name, reason in self._problems(news.values)
            ],
        )

    @answering
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Say what would have the image built again; nothing replaces it."""
        del context
        olds, news = read_struct(request.olds).values, read_struct(request.news).values
        before = {name: value for name, value in olds.items() if name not in OUTPUTS}
        old, new = _without_passwords(before), _without_passwords(news)
        found = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        hashed = context_hash(context_folder(news, self._directory))
        if hashed != olds.get("contextHash"):
            found.append("contextHash")
        return provider_pb2.DiffResponse(changes=changes(found), diffs=found)

    @answering
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Build and push, or say what that would give."""
        del context
        news = read_struct(request.properties)
        state = self._state(news, request)
        return provider_pb2.CreateResponse(
            id=str(state.values["digest"]) if not request.preview else "",
            properties=write_struct(state.values, state.secrets),
        )

    @answering
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Build and push again."""
        del context
        state = self._state(read_struct(request.news), request)
        return provider_pb2.UpdateResponse(properties=write_struct(state.values, state.secrets))

    @answering
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Look whether the image is there; an empty id says that it is gone."""
        del context
        state = read_struct(request.properties).values
        if self._images.find(_tagged(state)) != state["digest"]:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    @answering
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Delete the image from its repository."""
        del context
        state = read_struct(request.properties).values
        self._images.delete(_tagged(state), state["digest"])
        return empty_pb2.Empty()

    def _state(self, news: Properties, request: Any) -> Properties:
        if request.preview:
            return Properties({**news.values, **dict.fromkeys(OUTPUTS, UNKNOWN)}, news.secrets)
        folder = context_folder(news.values, self._directory)
        image = _tagged(news.values)

        def say(line: str) -> None:
            if self.engine_address:
                engine_log.tell(self.engine_address, line, urn=request.urn)

        arguments = news.values.get("buildArgs", {})
        try:
            digest = self._images.make(image, context_files(folder), arguments, say)
        except EmulatorError as error:
            raise EmulatorError(f"building {news.values['tags'][0]}: {error}") from error
        outputs = {
            "contextHash": context_hash(folder),
            "digest": digest,
            "ref": f"{news.values['tags'][0]}@{digest}",
        }
        return Properties({**news.values, **outputs}, news.secrets)

    def _problems(self, news: Mapping[str, Any]) -> list[tuple[str, str]]:
        found = [
            (name, f"the emulator does not take it; it takes: {', '.join(sorted(TAKEN))}")
            for name in sorted(news.keys() - TAKEN)
        ]
        if news.get("push") is not True:
            found.append(("push", "must be true: the emulator keeps images in its ECR alone"))
        if news.get("network", "default") != "default":
            found.append(("network", "the emulator builds in Docker's default network only"))
        tags = news.get("tags", [])
        if tags is not UNKNOWN and len(tags) != 1:
            found.append(("tags", f"has {len(tags)}; the emulator takes one"))
        found += _refusal(lambda: context_folder(news, self._directory), news.get("context"))
        found += _refusal(lambda: [TaggedImage.of(tag) for tag in tags], tags)
        return found


def _refusal(read: Callable[[], object], value: object) -> list[tuple[str, str]]:
    """Give the property and the reason for which a known value cannot be read."""
    if holds_unknown(value):
        return []
    try:
        read()
    except EmulatorError as error:
        name, _, reason = str(error).partition(": ")
        return [(name, reason)]
    return []


def _tagged(inputs: Mapping[str, Any]) -> TaggedImage:
    return TaggedImage.of(inputs["tags"][0])


def _without_passwords(inputs: Mapping[str, Any]) -> dict[str, Any]:
    registries = inputs.get("registries", [])
    if not isinstance(registries, list):
        return dict(inputs)
    shown = [{k: v for k, v in each.items() if k != "password"} for each in registries]
    return {**inputs, "registries": shown}

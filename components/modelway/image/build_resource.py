"""An image that AWS CodeBuild builds, as a Pulumi resource: a thin dynamic provider.

Takes a repository, a project, where the build context lies and the content hash; gives the image by
digest. Nothing is deleted: an older image may be what a roll-back target refers to. The images go
with their repository.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from modelway import engine_log
from modelway.aws_client import aws_client
from modelway.image.build import ImageBuildRun, WantedImage
from modelway.image.buildspec import MACHINES, variables
from modelway.image.content import ImageContent
from modelway.plain_failure import told_plainly
from modelway.poll import poll_seconds

INPUTS = ("repository_url", "project", "source", "tag", "platform", "variables")

DECIDING = ("repository_url", "tag")
"""Inputs that make it another image; a moved project or source alone builds nothing."""


class CodeBuildImageProvider(dynamic.ResourceProvider):
    """Serves the resource; made once per plugin process, and pickled by reference."""

    serialize_as_secret_always = False
    _profile: str | None = None

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Take the profile from the stack's configuration, as pulumi-aws does."""
        self._profile = req.config.get("aws:profile")

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Another repository is another resource; other content is one more image in it."""
        changed = [key for key in DECIDING if olds.get(key) != news.get(key)]
        replaces = [key for key in changed if key == "repository_url"]
        return dynamic.DiffResult(bool(changed), replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Build the image unless it is there."""
        outputs = self._ensured(props)
        return dynamic.CreateResult(outputs["uri"], outputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Build the image of the new content beside the old one."""
        return dynamic.UpdateResult(self._ensured(news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look whether the image is there."""
        digest = self._run(props).digest(_wanted(props))
        if digest is None:
            return dynamic.ReadResult(None, {})
        return dynamic.ReadResult(id_, {**props, **_named(props, digest)})

    def _ensured(self, props: Mapping[str, Any]) -> dict[str, Any]:
        with told_plainly():
            digest = self._run(props).ensure(_wanted(props))
        return {**{key: props[key] for key in INPUTS}, **_named(props, digest)}

    def _run(self, props: Mapping[str, Any]) -> ImageBuildRun:
        region = props["repository_url"].split(".")[3]
        ecr, codebuild, logs = (
            aws_client(service, region, self._profile) for service in ("ecr", "codebuild", "logs")
        )
        return ImageBuildRun(ecr, codebuild, logs, poll_seconds(), engine_log.step, engine_log.note)


class CodeBuildImage(dynamic.Resource, module="modelway", name="CodeBuildImage"):
    """An image in ECR that CodeBuild builds where it is missing.

    Args:
        name: the resource's name.
        content: of the image.
        repository_url: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
        project: name of the CodeBuild project.
        source: `BUCKET/KEY` of the build context.
        opts: the usual options.
    """

    digest: pulumi.Output[str]
    """`sha256:` and 64 hexadecimal digits."""
    uri: pulumi.Output[str]
    """The image by digest."""

    def __init__(
        self,
        name: str,
        content: ImageContent,
        repository_url: pulumi.Input[str],
        project: pulumi.Input[str],
        source: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        tag = content.tag
        props = {
            "repository_url": repository_url,
            "project": project,
            "source": source,
            "tag": tag,
            "platform": content.platform,
            "variables": pulumi.Output.from_input(repository_url).apply(
                lambda url: dict(variables(content, url))
            ),
            "digest": None,
            "uri": None,
        }
        super().__init__(CodeBuildImageProvider(), name, props, opts)


def _wanted(props: Mapping[str, Any]) -> WantedImage:
    return WantedImage(
        repository=props["repository_url"].partition("/")[2],
        tag=props["tag"],
        project=props["project"],
        source=props["source"],
        machine=MACHINES[props["platform"]],
        variables=props["variables"],
    )


def _named(props: Mapping[str, Any], digest: str) -> dict[str, str]:
    return {"digest": digest, "uri": f"{props['repository_url']}@{digest}"}

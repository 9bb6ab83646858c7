"""BuildKit as a builder, through Pulumi's `docker-build` provider: the Docker where Pulumi runs.

Takes an image's content and a place, declares `docker_build.Image`. Other than CodeBuild's, this
builder cannot take over an image that the repository has already under the content's tag: the
provider builds what its stack does not know (`Image.Create`), and ECR refuses another image under
an immutable tag. Stacks that share content and a repository use release records, which deploy a
digest.

What the provider compares must be the same on every machine, or another machine builds again
(pulumi/pulumi-docker-build: provider/internal/image.go, `Diff`). It compares the context's place as
it is written, so that is relative to the program; a place of the user's cannot be ignored either,
since `ignore_changes` would have one machine look for the folder of another.
"""

import shutil
from pathlib import Path

import pulumi
from pulumi_aws import ecr

from modelway.builders.place import BuildPlace, BuiltImage
from modelway.errors import ImageError
from modelway.image.content import ImageContent

CONTEXTS = Path(".modelway") / "contexts"
"""Where build contexts are, from the program's folder, which is the provider's too."""

EPOCH = "0"
"""SOURCE_DATE_EPOCH, in seconds: BuildKit dates image and history by it. The exporter's
`rewrite-timestamp`, which would date files as well, is left out: Docker's own store refuses it
(moby/buildkit issue 4230)."""


def docker_build_image(
    name: str, content: ImageContent, place: BuildPlace, shared: dict[str, pulumi.Resource]
) -> BuiltImage:
    """Declare an image that BuildKit builds and pushes where the stack has none of its content.

    Raises:
        ImageError: the package of the provider is not installed, or the context cannot be written.
    """
    del shared  # an image needs nothing but a repository
    try:
        import pulumi_docker_build as docker_build
    except ModuleNotFoundError as error:
        raise ImageError(
            f"declaring the image {name}: image.builder is docker-build, whose package is not "
            'installed; run `pip install "modelway[docker-build]"`, or use `builder: codebuild`'
        ) from error
    repository = pulumi.Output.from_input(place.repository_url)
    token = ecr.get_authorization_token_output(opts=pulumi.InvokeOptions(parent=place.parent))
    made = docker_build.Image(
        name,
        push=True,
        build_on_preview=False,
        build_args={**content.build_arguments, "SOURCE_DATE_EPOCH": EPOCH},
        context={"location": write_context(content)},
        platforms=[docker_build.Platform(content.platform)],
        tags=[pulumi.Output.concat(repository, ":", content.tag)],
        # For the push, and for a base image in the same registry.
        registries=[
            {
                "address": repository.apply(lambda url: url.partition("/")[0]),
                "username": token.user_name,
                "password": pulumi.Output.secret(token.password),
            }
        ],
        # An older image may be what a roll-back target refers to.
        opts=pulumi.ResourceOptions(parent=place.parent, retain_on_delete=True),
    )
    return BuiltImage(pulumi.Output.concat(repository, "@", made.digest), made)


def write_context(content: ImageContent) -> str:
    """Write a build context below the working folder unless it is there, whole and unchanged.

    Returns:
        its place, relative to the working folder.

    Raises:
        ImageError: it cannot be written.
    """
    folder = CONTEXTS / content.hash
    try:
        if folder.is_dir() and not content.is_in(folder):
            shutil.rmtree(folder)
        content.write(folder)
        (CONTEXTS / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise ImageError(
            f"writing the build context {folder} below {Path.cwd()}: {error}; make the program's "
            "folder writable"
        ) from error
    return folder.as_posix()

"""What AWS CodeBuild runs to build and push one image.

Pure: the same modelway gives the same text. What differs from build to build comes in variables, so
that one project serves every image of a repository. Format: "Build specification reference", AWS
CodeBuild user guide, version 0.2; JSON is YAML.
"""

import json
from collections.abc import Mapping

from modelway.image.content import ImageContent

REPOSITORY = "IMAGE_REPOSITORY"
"""Variable: the repository, as Docker names it."""

TAG = "IMAGE_TAG"
"""Variable: the image's tag, which names its content."""

PLATFORM = "IMAGE_PLATFORM"
"""Variable: such as `linux/amd64`."""

ARGUMENTS = {
    "BASE_IMAGE": "IMAGE_BASE",
    "REQUIREMENTS": "IMAGE_REQUIREMENTS",
    "EXECUTION_PROVIDERS": "IMAGE_PROVIDERS",
}
"""Variable of each build argument."""

MACHINES = {
    "linux/amd64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "linux/arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}
"""Type of environment and AWS's image of it, by platform ("Docker images provided by CodeBuild").
They bring Docker and the AWS CLI, and nothing of them goes into what is built."""


def buildspec() -> str:
    """Give the build specification."""
    arguments = " ".join(
        f'--build-arg {name}="${variable}"' for name, variable in ARGUMENTS.items()
    )
    log_in = (
        'aws ecr get-login-password --region "$AWS_REGION" | '
        f'docker login --username AWS --password-stdin "${{{REPOSITORY}%%/*}}"'
    )
    build = f'docker build --platform "${PLATFORM}" {arguments} --tag "${REPOSITORY}:${TAG}" .'
    # The phase after a build runs when it failed, too.
    push = ['test "$CODEBUILD_BUILD_SUCCEEDING" = 1', f'docker push "${REPOSITORY}:${TAG}"']
    return json.dumps(
        {
            "version": 0.2,
            "env": {"shell": "bash", "variables": {"DOCKER_BUILDKIT": "1"}},
            "phases": {
                "pre_build": {"commands": [log_in]},
                "build": {"commands": [build]},
                "post_build": {"commands": push},
            },
        },
        indent=2,
    )


def variables(content: ImageContent, repository_url: str) -> Mapping[str, str]:
    """Give the variables of one build."""
    return {
        REPOSITORY: repository_url,
        TAG: content.tag,
        PLATFORM: content.platform,
        **{ARGUMENTS[name]: value for name, value in content.build_arguments.items()},
    }

"""Image references of ECR, taken apart.

Takes `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:...`, gives ARN and digest. Pure.
"""

import re

REGISTRY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<name>[^@:]+)"
)
"""ECR's registry host and repository name (ECR user guide, "Private registries")."""


def repository_arn(image: str, partition: str) -> str | None:
    """Give the ARN of an image's repository; None when it is not in ECR."""
    found = REGISTRY.match(image)
    if found is None:
        return None
    place = f"{found['region']}:{found['account']}"
    return f"arn:{partition}:ecr:{place}:repository/{found['name']}"


def digest_of(image: str) -> str:
    """Give an image's digest, or empty when it is not named by digest."""
    return image.partition("@")[2]

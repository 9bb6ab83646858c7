"""What whoever copies a release from one account to another may do: in the source, in the target.

Takes an image or an artifact and where it goes, gives statements for both sides. Pure; no wildcard
action, and `*` as resource only for GetAuthorizationToken, which knows none. Actions: those of the
registry's HTTP API that `modelway.image.copy` uses ("Registry HTTP API", ECR user guide), and S3's.
"""

from modelway.iam.statements import Statement, allow
from modelway.image.reference import ImageReference, repository_arn

READ_IMAGE = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:ListImageReferrers",
)
WRITE_IMAGE = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


def image_copy_statements(
    source: ImageReference, target: ImageReference
) -> dict[str, list[Statement]]:
    """Give the statements for an image, by side."""
    login = allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"])
    return {
        "source": [login, allow("ReadImage", READ_IMAGE, [_arn(source)])],
        "target": [login, allow("WriteImage", WRITE_IMAGE, [_arn(target)])],
    }


def artifact_copy_statements(
    source: tuple[str, str], target: tuple[str, str], region: str
) -> dict[str, list[Statement]]:
    """Give the statements for an artifact, by side.

    Args:
        source: bucket and key.
        target: bucket and key.
        region: of the target; says the partition.
    """
    partition = _partition(region)
    read, write = (f"arn:{partition}:s3:::{bucket}/{key}" for bucket, key in (source, target))
    return {
        "source": [allow("ReadArtifact", ["s3:GetObject"], [read])],
        "target": [
            allow(
                "WriteArtifact",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                [write],
            ),
            # Without it S3 answers 403, not 404, for an object that is not there yet.
            allow("FindArtifact", ["s3:ListBucket"], [write.removesuffix(f"/{target[1]}")]),
        ],
    }


def _arn(image: ImageReference) -> str:
    # A reference has been read, so it is in ECR.
    return repository_arn(str(image), _partition(image.region)) or ""


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"

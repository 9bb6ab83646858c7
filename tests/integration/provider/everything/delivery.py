"""What delivers a model: the project that builds its image, and the registry of its versions."""

import json

import pulumi_aws as aws


def declare(role: aws.iam.Role, bucket: aws.s3.Bucket) -> None:
    """Declare them with a role that CodeBuild may take and a bucket of sources."""
    aws.codebuild.Project(
        "builds",
        description="builds images",
        service_role=role.arn,
        build_timeout=60,
        queued_timeout=30,
        source={
            "type": "S3",
            "location": bucket.bucket.apply(lambda name: f"{name}/context.zip"),
            "buildspec": "version: 0.2",
        },
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "compute_type": "BUILD_GENERAL1_SMALL",
            "privileged_mode": True,
        },
        tags={"team": "risk"},
    )
    group = aws.sagemaker.ModelPackageGroup(
        "versions",
        model_package_group_name="fraud",
        model_package_group_description="versions of fraud",
        tags={"team": "risk"},
    )
    aws.sagemaker.ModelPackageGroupPolicy(
        "approvers",
        model_package_group_name=group.model_package_group_name,
        resource_policy=group.arn.apply(
            lambda arn: json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "sagemaker:UpdateModelPackage",
                            "Resource": arn.replace("model-package-group", "model-package") + "/*",
                        }
                    ],
                }
            )
        ),
    )

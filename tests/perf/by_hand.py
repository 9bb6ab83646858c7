"""What a user would write without modelway: the same resources, straight from pulumi_aws.

A Pulumi program. Config: `models` (how many), `artifact` (a model.tar.gz), `digest` (the image's).
"""

import json

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, ecr, iam, kms, s3, sagemaker, sns

config = pulumi.Config()
count = config.require_int("models")
artifact_path = config.require("artifact")
DIGEST = config.require("digest")

PLATFORM_TAGS = {"platform": "models"}
key = kms.Key(
    "models-key",
    description="data of the models",
    enable_key_rotation=True,
    deletion_window_in_days=7,
    tags=PLATFORM_TAGS,
)
kms.Alias("models-key-alias", target_key_id=key.key_id)
bucket = s3.Bucket("models-artifacts", force_destroy=True, tags=PLATFORM_TAGS)
s3.BucketVersioning(
    "models-versioning", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}
)
s3.BucketServerSideEncryptionConfiguration(
    "models-encryption",
    bucket=bucket.bucket,
    rules=[
        {
            "apply_server_side_encryption_by_default": {
                "sse_algorithm": "aws:kms",
                "kms_master_key_id": key.arn,
            },
            "bucket_key_enabled": True,
        }
    ],
)
block = s3.BucketPublicAccessBlock(
    "models-private",
    bucket=bucket.bucket,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
s3.BucketOwnershipControls(
    "models-ownership", bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}
)
s3.BucketLifecycleConfiguration(
    "models-lifecycle",
    bucket=bucket.bucket,
    rules=[
        {
            "id": "uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
    ],
)
s3.BucketPolicy(
    "models-tls",
    bucket=bucket.bucket,
    policy=bucket.arn.apply(
        lambda arn: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [arn, f"{arn}/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            }
        )
    ),
    opts=pulumi.ResourceOptions(depends_on=[block]),
)
repository = ecr.Repository(
    "models-images",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    tags=PLATFORM_TAGS,
)
ecr.LifecyclePolicy(
    "models-images-lifecycle",
    repository=repository.name,
    policy=json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 30,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    ),
)
topic = sns.Topic("models-alarms", kms_master_key_id=key.arn, tags=PLATFORM_TAGS)
sns.TopicPolicy(
    "models-alarms-policy",
    arn=topic.arn,
    policy=topic.arn.apply(
        lambda arn: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": arn,
                    }
                ],
            }
        )
    ),
)

ALARMS = {
    "p99-latency": ("AWS/SageMaker", "ModelLatency", "p99", 100_000, "Microseconds"),
    "cpu": ("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", 180, "Percent"),
    "memory": ("/aws/sagemaker/Endpoints", "MemoryUtilization", "Maximum", 90, "Percent"),
    "disk": ("/aws/sagemaker/Endpoints", "DiskUtilization", "Maximum", 90, "Percent"),
}
RATES = {"error-rate": "Invocation5XXErrors", "client-error-rate": "Invocation4XXErrors"}
WIDGETS = {
    "Requests a minute": [("AWS/SageMaker", "Invocations", "Sum")],
    "Latency": [
        ("AWS/SageMaker", "ModelLatency", "p50"),
        ("AWS/SageMaker", "ModelLatency", "p99"),
        ("AWS/SageMaker", "OverheadLatency", "p99"),
    ],
    "Failed requests a minute": [
        ("AWS/SageMaker", "Invocation4XXErrors", "Sum"),
        ("AWS/SageMaker", "Invocation5XXErrors", "Sum"),
    ],
    "CPU": [("/aws/sagemaker/Endpoints", "CPUUtilization", "Average")],
    "Memory": [("/aws/sagemaker/Endpoints", "MemoryUtilization", "Maximum")],
    "Disk": [("/aws/sagemaker/Endpoints", "DiskUtilization", "Maximum")],
}
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def policy_json(*statements: dict) -> str:
    """Write a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions: list[str], resource: str) -> dict:
    """Allow some actions on one resource."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def dashboard(endpoint_name: str) -> str:
    """Draw what the alarms watch."""
    dimensions = ["EndpointName", endpoint_name, "VariantName", "primary"]
    widgets = [
        {
            "type": "metric",
            "x": 8 * (number % 3),
            "y": 6 * (number // 3),
            "width": 8,
            "height": 6,
            "properties": {
                "title": title,
                "view": "timeSeries",
                "stacked": False,
                "period": 60,
                "region": "us-east-1",
                "metrics": [
                    [namespace, metric, *dimensions, {"stat": stat, "label": metric}]
                    for namespace, metric, stat in metrics
                ],
                "yAxis": {"left": {"min": 0}},
            },
        }
        for number, (title, metrics) in enumerate(WIDGETS.items())
    ]
    return json.dumps({"start": "-PT3H", "periodOverride": "inherit", "widgets": widgets})


def declare(name: str) -> None:
    """Declare one model's endpoint and what belongs to it."""
    endpoint_name = f"{name}-local"
    tags = {"environment": "local", "model": name, "model-version": "1"}
    dimensions = {"EndpointName": endpoint_name, "VariantName": "primary"}
    group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
    group_arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    role = iam.Role(
        f"{name}-role",
        description=f"SageMaker runs the model {name}",
        assume_role_policy=policy_json(TRUST),
        tags=tags,
    )
    archive = s3.BucketObjectv2(
        f"{name}-artifact",
        bucket=bucket.bucket,
        key=f"models/{name}/model.tar.gz",
        source=pulumi.FileAsset(artifact_path),
        content_type="application/gzip",
        server_side_encryption="aws:kms",
        kms_key_id=key.arn,
    )
    policy = iam.RolePolicy(
        f"{name}-policy",
        role=role.name,
        policy=pulumi.Output.all(bucket.arn, key.arn, repository.arn).apply(
            lambda arns: policy_json(
                allow(["s3:GetObject"], f"{arns[0]}/models/{name}/model.tar.gz"),
                allow(["logs:CreateLogGroup"], group_arn),
                allow(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    f"{group_arn}:*",
                ),
                allow(["cloudwatch:PutMetricData"], "*"),
                allow(
                    [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    arns[2],
                ),
                allow(["ecr:GetAuthorizationToken"], "*"),
                allow(["kms:Decrypt"], arns[1]),
            )
        ),
    )
    logs = cloudwatch.LogGroup(
        f"{name}-logs", name=group, retention_in_days=1, kms_key_id=key.arn, tags=tags
    )
    notified = {
        "comparison_operator": "GreaterThanThreshold",
        "datapoints_to_alarm": 2,
        "evaluation_periods": 3,
        "treat_missing_data": "notBreaching",
        "alarm_actions": [topic.arn],
        "ok_actions": [topic.arn],
        "tags": tags,
    }
    for alarm, (namespace, metric, statistic, threshold, unit) in ALARMS.items():
        percentile = statistic.startswith("p")
        cloudwatch.MetricAlarm(
            f"{name}-{alarm}",
            name=f"{endpoint_name}-{alarm}",
            alarm_description=f"Endpoint {endpoint_name}: {metric} is above {threshold} {unit}",
            namespace=namespace,
            metric_name=metric,
            statistic=None if percentile else statistic,
            extended_statistic=statistic if percentile else None,
            unit=unit,
            dimensions=dimensions,
            period=60,
            threshold=threshold,
            **notified,
        )
    for alarm, metric in RATES.items():
        queries = [
            {
                "id": short,
                "return_data": False,
                "metric": {
                    "namespace": "AWS/SageMaker",
                    "metric_name": metric_name,
                    "dimensions": dimensions,
                    "period": 60,
                    "stat": "Sum",
                },
            }
            for short, metric_name in (("errors", metric), ("requests", "Invocations"))
        ]
        rate = {
            "id": "rate",
            "expression": "IF(requests > 0, 100 * errors / requests, 0)",
            "label": alarm,
            "return_data": True,
        }
        cloudwatch.MetricAlarm(
            f"{name}-{alarm}",
            name=f"{endpoint_name}-{alarm}",
            alarm_description=f"Endpoint {endpoint_name}: too large a share of requests fail",
            threshold=1,
            metric_queries=[rate, *queries],
            **notified,
        )
    model = sagemaker.Model(
        f"{name}-model",
        execution_role_arn=role.arn,
        enable_network_isolation=True,
        primary_container={
            "image": f"111122223333.dkr.ecr.us-east-1.amazonaws.com/models@{DIGEST}",
            "model_data_url": pulumi.Output.concat("s3://", bucket.bucket, "/", archive.key),
        },
        tags=tags,
        opts=pulumi.ResourceOptions(depends_on=[policy]),
    )
    endpoint_config = sagemaker.EndpointConfiguration(
        f"{name}-config",
        kms_key_arn=key.arn,
        production_variants=[
            {
                "variant_name": "primary",
                "model_name": model.name,
                "instance_type": "ml.m5.large",
                "initial_instance_count": 1,
            }
        ],
        tags=tags,
    )
    endpoint = sagemaker.Endpoint(
        f"{name}-endpoint",
        name=endpoint_name,
        endpoint_config_name=endpoint_config.name,
        tags=tags,
        opts=pulumi.ResourceOptions(depends_on=[logs]),
    )
    target = appautoscaling.Target(
        f"{name}-scaling",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{endpoint_name}/variant/primary",
        min_capacity=1,
        max_capacity=2,
        tags=tags,
        opts=pulumi.ResourceOptions(depends_on=[endpoint]),
    )
    appautoscaling.Policy(
        f"{name}-tracking",
        policy_type="TargetTrackingScaling",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {
                "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
            },
            "target_value": 600,
            "scale_in_cooldown": 300,
            "scale_out_cooldown": 60,
        },
    )
    cloudwatch.Dashboard(
        f"{name}-dashboard",
        dashboard_name=endpoint_name,
        dashboard_body=dashboard(endpoint_name),
    )


for number in range(count):
    declare(f"digits{number}")

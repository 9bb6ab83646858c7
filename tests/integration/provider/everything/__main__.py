"""One resource of every type that the emulator's aws provider covers."""

import json

import delivery
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
threshold = config.get_float("threshold") or 5.0
account = aws.get_caller_identity().account_id
region = aws.get_region().region

key = aws.kms.Key(
    "key", description="everything", enable_key_rotation=True, deletion_window_in_days=7
)
aws.kms.Alias("alias", target_key_id=key.key_id)

bucket = aws.s3.Bucket("Store", force_destroy=True, tags={"team": "risk"})
versioning = aws.s3.BucketVersioning(
    "versioning", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}
)
aws.s3.BucketServerSideEncryptionConfiguration(
    "encryption",
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
block = aws.s3.BucketPublicAccessBlock(
    "block",
    bucket=bucket.bucket,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketOwnershipControls(
    "ownership", bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}
)
aws.s3.BucketLifecycleConfiguration(
    "lifecycle",
    bucket=bucket.bucket,
    rules=[
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {"prefix": "models/"},
            "noncurrent_version_expiration": {"noncurrent_days": 30},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        },
        {
            "id": "captures",
            "status": "Enabled",
            "filter": {"and_": {"prefix": "capture/", "tags": {"kind": "capture"}}},
            "expiration": {"days": 90},
            "transitions": [{"days": 30, "storage_class": "STANDARD_IA"}],
        },
    ],
)
tls_only = aws.iam.get_policy_document_output(
    statements=[
        {
            "sid": "TlsOnly",
            "effect": "Deny",
            "principals": [{"type": "*", "identifiers": ["*"]}],
            "actions": ["s3:*"],
            "resources": [bucket.arn, bucket.arn.apply(lambda arn: f"{arn}/*")],
            "conditions": [
                {"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}
            ],
        }
    ]
)
aws.s3.BucketPolicy(
    "tls",
    bucket=bucket.bucket,
    policy=tls_only.json,
    opts=pulumi.ResourceOptions(depends_on=[block]),
)
aws.s3.BucketObjectv2(
    "text",
    bucket=bucket.bucket,
    key="notes/hello.txt",
    content="hello",
    content_type="text/plain",
    tags={"kind": "note"},
    opts=pulumi.ResourceOptions(depends_on=[versioning]),
)
artifact = aws.s3.BucketObjectv2(
    "model.tar.gz",
    bucket=bucket.bucket,
    source=pulumi.FileAsset("payload.bin"),
    opts=pulumi.ResourceOptions(depends_on=[versioning]),
)

repository = aws.ecr.Repository(
    "images",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
)
aws.ecr.LifecyclePolicy(
    "images-lifecycle",
    repository=repository.name,
    policy=json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "untagged",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    ),
)
aws.ecr.RepositoryPolicy(
    "images-policy",
    repository=repository.name,
    policy={
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Pull",
                "Effect": "Allow",
                "Principal": {"AWS": account},
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            }
        ],
    },
)

topic = aws.sns.Topic("alarms", kms_master_key_id=key.arn, display_name="Alarms")
aws.sns.TopicPolicy(
    "alarms-policy",
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
aws.sns.TopicSubscription("mail", topic=topic.arn, protocol="email", endpoint="ml@example.com")
aws.sns.TopicSubscription(
    "hook", topic=topic.arn, protocol="https", endpoint="https://127.0.0.1:9/alarm"
)

role = aws.iam.Role(
    "execution",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {
                        "Service": ["codebuild.amazonaws.com", "sagemaker.amazonaws.com"]
                    },
                    "Action": ["sts:AssumeRole"],
                }
            ],
        }
    ),
    max_session_duration=7200,
)
aws.iam.RolePolicy(
    "read-model",
    role=role.name,
    policy=bucket.arn.apply(
        lambda arn: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"{arn}/models/*"}
                ],
            }
        )
    ),
)
policy = aws.iam.Policy(
    "logs",
    policy={
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}],
    },
)
attachment = aws.iam.RolePolicyAttachment("logs-attachment", role=role.name, policy_arn=policy.arn)

model = aws.sagemaker.Model(
    "model",
    execution_role_arn=role.arn,
    enable_network_isolation=True,
    primary_container={
        "image": config.require("image"),
        "model_data_url": pulumi.Output.concat("s3://", artifact.bucket, "/", artifact.key),
        "environment": {"MODEL_SERVER_LOG_LEVEL": "info"},
    },
)
configuration = aws.sagemaker.EndpointConfiguration(
    "configuration",
    production_variants=[
        {
            "variant_name": "primary",
            "model_name": model.name,
            "instance_type": "ml.c6i.large",
            "initial_instance_count": 2,
            "initial_variant_weight": 1.0,
            "container_startup_health_check_timeout_in_seconds": 120,
        }
    ],
    data_capture_config={
        "enable_capture": True,
        "initial_sampling_percentage": 10,
        "destination_s3_uri": bucket.bucket.apply(lambda name: f"s3://{name}/capture"),
        "capture_options": [{"capture_mode": "InputAndOutput"}],
    },
)
endpoint = aws.sagemaker.Endpoint(
    "endpoint", name="fraud-dev", endpoint_config_name=configuration.name
)

delivery.declare(role, bucket)

target = aws.appautoscaling.Target(
    "target",
    service_namespace="sagemaker",
    resource_id=endpoint.name.apply(lambda name: f"endpoint/{name}/variant/primary"),
    scalable_dimension="sagemaker:variant:DesiredInstanceCount",
    min_capacity=1,
    max_capacity=4,
)
where = {
    "service_namespace": target.service_namespace,
    "resource_id": target.resource_id,
    "scalable_dimension": target.scalable_dimension,
}
aws.appautoscaling.Policy(
    "invocations",
    policy_type="TargetTrackingScaling",
    target_tracking_scaling_policy_configuration={
        "target_value": 1000,
        "predefined_metric_specification": {
            "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
        },
        "scale_in_cooldown": 300,
        "scale_out_cooldown": 60,
    },
    **where,
)
aws.appautoscaling.Policy(
    "steps",
    policy_type="StepScaling",
    step_scaling_policy_configuration={
        "adjustment_type": "ChangeInCapacity",
        "cooldown": 60,
        "step_adjustments": [
            {"scaling_adjustment": 1, "metric_interval_lower_bound": "0"},
            {"scaling_adjustment": -1, "metric_interval_upper_bound": "0.0"},
        ],
    },
    **where,
)
aws.appautoscaling.ScheduledAction(
    "night",
    schedule="cron(0 22 * * ? *)",
    timezone="Europe/Zurich",
    start_time="2030-01-01T00:00:00Z",
    scalable_target_action={"min_capacity": 0, "max_capacity": 1},
    **where,
)

errors = aws.cloudwatch.MetricAlarm(
    "errors",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=3,
    datapoints_to_alarm=2,
    threshold=threshold,
    treat_missing_data="notBreaching",
    alarm_actions=[topic.arn],
    ok_actions=[topic.arn],
    metric_queries=[
        {
            "id": "invocations",
            "metric": {
                "namespace": "AWS/SageMaker",
                "metric_name": "Invocations",
                "stat": "Sum",
                "period": 60,
                "dimensions": {"EndpointName": endpoint.name, "VariantName": "primary"},
            },
        },
        {
            "id": "errors",
            "metric": {
                "namespace": "AWS/SageMaker",
                "metric_name": "Invocation5XXErrors",
                "stat": "Sum",
                "period": 60,
                "dimensions": {"EndpointName": endpoint.name, "VariantName": "primary"},
            },
        },
        {
            "id": "rate",
            "expression": "100 * errors / invocations",
            "label": "5xx rate",
            "return_data": True,
        },
    ],
)
latency = aws.cloudwatch.MetricAlarm(
    "latency",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=5,
    namespace="AWS/SageMaker",
    metric_name="ModelLatency",
    extended_statistic="p99",
    period=60,
    threshold=250000,
    unit="Microseconds",
    dimensions={"EndpointName": endpoint.name, "VariantName": "primary"},
    alarm_actions=[topic.arn],
)
aws.cloudwatch.CompositeAlarm(
    "either",
    alarm_name="fraud-dev-either",
    alarm_rule=pulumi.Output.all(errors.name, latency.name).apply(
        lambda names: " OR ".join(f'ALARM("{name}")' for name in names)
    ),
    alarm_actions=[topic.arn],
)
aws.cloudwatch.Dashboard(
    "board",
    dashboard_name="fraud-dev",
    dashboard_body=endpoint.name.apply(
        lambda name: json.dumps(
            {
                "widgets": [
                    {
                        "type": "metric",
                        "x": 0,
                        "y": 0,
                        "width": 12,
                        "height": 6,
                        "properties": {
                            "metrics": [["AWS/SageMaker", "Invocations", "EndpointName", name]],
                            "region": region,
                        },
                    }
                ]
            }
        )
    ),
)
logs = aws.cloudwatch.LogGroup(
    "endpoint-logs",
    name="/aws/sagemaker/Endpoints/fraud-dev-logs",
    retention_in_days=30,
    tags={"owner": config.get_secret("owner") or "nobody"},
)

pulumi.export("bucket", bucket.bucket)
pulumi.export("topic", topic.arn)
pulumi.export("alarm", errors.name)
pulumi.export("log_group", logs.name)
pulumi.export("role", role.name)
pulumi.export("partition", aws.get_partition().partition)

"""What the provider is asked for: for each type, what is created and what it is changed into."""

import json

TAGS = ({"tags": {"a": "1", "b": "2"}}, {"tags": {"b": "3"}})


def policy(*actions, resource="*", principal=None):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if principal:
        statement["Principal"] = principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
BUILDER_TRUST = TRUST.replace("sagemaker", "codebuild")
OTHER_TRUST = TRUST.replace("sagemaker", "lambda")
LIFECYCLE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
    "action": {"type": "expire"},
}


def bucket_cases(world):
    key = world["key"]
    encryption = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}
    rule = {"id": "r", "status": "Enabled", "filter": {"prefix": "a/"}, "expiration": {"days": 9}}
    tagged = {"and": {"prefix": "b/", "tags": {"k": "v", "l": "w"}}}
    bucket = {"bucket": "world"}
    return {
        "s3/bucket:Bucket": ({**TAGS[0]}, {**TAGS[1], "forceDestroy": True}),
        "s3/bucketVersioning:BucketVersioning": (
            {**bucket, "versioningConfiguration": {"status": "Enabled"}},
            {**bucket, "versioningConfiguration": {"status": "Suspended"}},
        ),
        ("s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"): (
            {
                **bucket,
                "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
            },
            {
                **bucket,
                "rules": [
                    {"applyServerSideEncryptionByDefault": encryption, "bucketKeyEnabled": True}
                ],
            },
        ),
        "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
            {**bucket, "blockPublicAcls": True},
            {**bucket, "blockPublicPolicy": True, "restrictPublicBuckets": True},
        ),
        "s3/bucketOwnershipControls:BucketOwnershipControls": (
            {**bucket, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
            {**bucket, "rule": {"objectOwnership": "ObjectWriter"}},
        ),
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
            {**bucket, "rules": [rule]},
            {**bucket, "rules": [{**rule, "filter": tagged}, {**rule, "id": "s", "filter": {}}]},
        ),
        "s3/bucketPolicy:BucketPolicy": (
            {**bucket, "policy": bucket_policy("s3:GetObject")},
            {**bucket, "policy": bucket_policy("s3:GetObject", "s3:PutObject")},
        ),
        "s3/bucketObjectv2:BucketObjectv2": (
            {**bucket, **TAGS[0], "key": "k", "content": "one", "metadata": {"m": "1"}},
            {**bucket, **TAGS[1], "key": "k", "content": "two", "contentType": "text/css"},
        ),
    }


def bucket_policy(*actions):
    return policy(*actions, resource="arn:aws:s3:::world/*", principal={"AWS": "123456789012"})


def registry_and_identity_cases(world):
    repository = {"repository": "world"}
    puller = {"AWS": "arn:aws:iam::123456789012:root"}
    statement = {"Effect": "Allow", "Principal": puller, "Action": ["ecr:BatchGetImage"]}
    pull = {"Version": "2012-10-17", "Statement": [statement]}
    push = {"Version": "2012-10-17", "Statement": [{**statement, "Action": ["ecr:PutImage"]}]}
    fewer = {**LIFECYCLE, "selection": {**LIFECYCLE["selection"], "countNumber": 3}}
    inline = [{"name": "i", "policy": policy("a:b")}]
    return {
        "ecr/repository:Repository": (
            {**TAGS[0], "imageScanningConfiguration": {"scanOnPush": True}},
            {**TAGS[1], "imageTagMutability": "IMMUTABLE", "forceDelete": True},
        ),
        "ecr/lifecyclePolicy:LifecyclePolicy": (
            {**repository, "policy": json.dumps({"rules": [LIFECYCLE]})},
            {**repository, "policy": json.dumps({"rules": [fewer]})},
        ),
        "ecr/repositoryPolicy:RepositoryPolicy": (
            {**repository, "policy": json.dumps(pull)},
            {**repository, "policy": json.dumps(push)},
        ),
        "iam/role:Role": (
            {**TAGS[0], "assumeRolePolicy": TRUST, "description": "one", "inlinePolicies": inline},
            {
                **TAGS[1],
                "assumeRolePolicy": OTHER_TRUST,
                "forceDetachPolicies": True,
                "managedPolicyArns": [world["boundary"]],
                "maxSessionDuration": 7200,
                "permissionsBoundary": world["boundary"],
            },
        ),
        "iam/rolePolicy:RolePolicy": (
            {"role": "world", "policy": policy("a:b")},
            {"role": "world", "policy": policy("a:c")},
        ),
        "iam/policy:Policy": (
            {**TAGS[0], "policy": policy("a:b")},
            {**TAGS[1], "policy": policy("a:c", "a:d")},
        ),
        "iam/rolePolicyAttachment:RolePolicyAttachment": (
            {"role": "world", "policyArn": world["boundary"]},
            {"role": "world", "policyArn": world["boundary"]},
        ),
        "kms/key:Key": (
            {**TAGS[0], "description": "one", "enableKeyRotation": True},
            {**TAGS[1], "description": "two", "isEnabled": False, "deletionWindowInDays": 7},
        ),
        "kms/alias:Alias": (
            {"targetKeyId": world["key"]},
            {"targetKeyId": world["other_key"]},
        ),
    }


def notification_cases(world):
    topic = world["topic"]
    where = {"topic": topic, "protocol": "email", "endpoint": "ml@example.com"}
    publish = {"Service": "cloudwatch.amazonaws.com"}
    return {
        "sns/topic:Topic": (
            {**TAGS[0], "displayName": "One", "kmsMasterKeyId": world["key"]},
            {**TAGS[1], "displayName": "Two", "deliveryPolicy": '{"http": {}}'},
        ),
        "sns/topicPolicy:TopicPolicy": (
            {"arn": topic, "policy": policy("sns:Publish", resource=topic, principal=publish)},
            {"arn": topic, "policy": policy("sns:Subscribe", resource=topic, principal=publish)},
        ),
        "sns/topicSubscription:TopicSubscription": (
            {**where, "filterPolicy": '{"severity": ["page"]}'},
            {**where, "rawMessageDelivery": False},
        ),
    }


def monitoring_and_scaling_cases(world):
    alarm = {
        **TAGS[0],
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 2,
        "namespace": "AWS/SageMaker",
        "metricName": "ModelLatency",
        "extendedStatistic": "p99",
        "period": 60,
        "threshold": 5,
        "dimensions": {"EndpointName": "e"},
        "alarmActions": [world["topic"]],
    }
    board = {"dashboardName": "d", "dashboardBody": '{"widgets": []}'}
    text = {
        "type": "text",
        "x": 0,
        "y": 0,
        "width": 6,
        "height": 3,
        "properties": {"markdown": "m"},
    }
    where = world["where"]
    tracking = {
        "targetValue": 10.5,
        "predefinedMetricSpecification": {
            "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
    }
    night = {"schedule": "cron(0 22 * * ? *)", "scalableTargetAction": {"minCapacity": 0}}
    return {
        "cloudwatch/metricAlarm:MetricAlarm": (
            alarm,
            {**alarm, **TAGS[1], "threshold": 7.5, "okActions": [world["topic"]], "unit": "Count"},
        ),
        "cloudwatch/compositeAlarm:CompositeAlarm": (
            {**TAGS[0], "alarmName": "c", "alarmRule": "FALSE"},
            {**TAGS[1], "alarmName": "c", "alarmRule": "TRUE", "alarmDescription": "always"},
        ),
        "cloudwatch/dashboard:Dashboard": (
            board,
            {**board, "dashboardBody": json.dumps({"widgets": [text]})},
        ),
        "cloudwatch/logGroup:LogGroup": (
            {**TAGS[0], "retentionInDays": 30, "kmsKeyId": world["key"]},
            {**TAGS[1]},
        ),
        "appautoscaling/policy:Policy": (
            {
                **where,
                "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": tracking,
            },
            {
                **where,
                "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": {**tracking, "scaleInCooldown": 60},
            },
        ),
        "appautoscaling/scheduledAction:ScheduledAction": (
            {**where, **night},
            {**where, **night, "timezone": "Europe/Zurich"},
        ),
        # Last: deleting it takes the others' ground away.
        "appautoscaling/target:Target": (
            {**where, **TAGS[0], "minCapacity": 1, "maxCapacity": 2},
            {**where, **TAGS[1], "minCapacity": 2, "maxCapacity": 5},
        ),
    }


def hosting_cases(world):
    model = {"executionRoleArn": world["role"], "primaryContainer": {"image": world["image"]}}
    variant = {"modelName": "one", "instanceType": "ml.c6i.large", "initialInstanceCount": 1}
    return {
        "sagemaker/model:Model": ({**model, **TAGS[0]}, {**model, **TAGS[1]}),
        "sagemaker/endpointConfiguration:EndpointConfiguration": (
            {**TAGS[0], "productionVariants": [variant]},
            {**TAGS[1], "productionVariants": [variant]},
        ),
        "sagemaker/endpoint:Endpoint": (
            {**TAGS[0], "endpointConfigName": "one"},
            {**TAGS[1], "endpointConfigName": "two"},
        ),
    }


def packaging_cases(world):
    group = {"modelPackageGroupName": "world"}
    reader = {"AWS": "123456789012"}
    packages = "arn:aws:sagemaker:us-east-1:123456789012:model-package/world/*"
    project = {
        "serviceRole": world["builder"],
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "privilegedMode": True,
        },
        "source": {"type": "S3", "location": "world/k.zip", "buildspec": "version: 0.2"},
    }
    return {
        "sagemaker/modelPackageGroup:ModelPackageGroup": (
            {**TAGS[0], "modelPackageGroupName": "g", "modelPackageGroupDescription": "one"},
            {**TAGS[1], "modelPackageGroupName": "g", "modelPackageGroupDescription": "one"},
        ),
        "sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": tuple(
            {
                **group,
                "resourcePolicy": policy(action, resource=packages, principal=reader),
            }
            for action in ("sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")
        ),
        "codebuild/project:Project": (
            {**TAGS[0], **project, "description": "one", "encryptionKey": world["key"]},
            {
                **TAGS[1],
                **project,
                "description": "two",
                "encryptionKey": world["other_key"],
                "buildTimeout": 30,
                "environment": {**project["environment"], "computeType": "BUILD_GENERAL1_SMALL"},
            },
        ),
    }


NEVER_GONE = {
    # AWS puts its default in the place of what is deleted.
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topicPolicy:TopicPolicy",
}

GROUPS = [
    bucket_cases,
    registry_and_identity_cases,
    notification_cases,
    monitoring_and_scaling_cases,
    hosting_cases,
    packaging_cases,
]

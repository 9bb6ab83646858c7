"""Every type is created, read back, changed, read back and deleted, without any left-over change.

Speaks to the provider as the engine does, but without one, so that every kind of change can be had
for milliseconds. The engine's own part is in the other modules.
"""

import json

import grpc
import pytest

from modelway.emulator.provider.table import entries

pytestmark = pytest.mark.integration

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
OTHER_TRUST = TRUST.replace("sagemaker", "lambda")
LIFECYCLE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
    "action": {"type": "expire"},
}


@pytest.fixture(scope="module")
def world(client, image):
    """What the resources under test hang on."""
    client("s3").create_bucket(Bucket="world")
    client("ecr").create_repository(repositoryName="world")
    topic = client("sns").create_topic(Name="world")["TopicArn"]
    keys = [client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    role = client("iam").create_role(RoleName="world", AssumeRolePolicyDocument=TRUST)
    boundary = client("iam").create_policy(PolicyName="edge", PolicyDocument=policy("a:b"))
    sagemaker = client("sagemaker")
    for name in ("one", "two"):
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=role["Role"]["Arn"],
            PrimaryContainer={"Image": image},
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "primary",
                    "ModelName": name,
                    "InstanceType": "ml.c6i.large",
                    "InitialInstanceCount": 1,
                }
            ],
        )
    sagemaker.create_endpoint(EndpointName="world", EndpointConfigName="one")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="world", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    where = {
        "serviceNamespace": "sagemaker",
        "resourceId": "endpoint/world/variant/primary",
        "scalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    client("application-autoscaling").register_scalable_target(
        **{name[0].upper() + name[1:]: value for name, value in where.items()},
        MinCapacity=1,
        MaxCapacity=2,
    )
    return {
        "boundary": boundary["Policy"]["Arn"],
        "image": image,
        "key": keys[0],
        "other_key": keys[1],
        "role": role["Role"]["Arn"],
        "topic": topic,
        "where": where,
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
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__.removesuffix("_cases"))
def test_a_resource_can_be_created_changed_and_deleted(resource_of, world, group):
    wrong = {}
    for type_, (first, second) in group(world).items():
        try:
            live(resource_of(f"aws:{type_}"), f"aws:{type_}", first, second)
        except (AssertionError, grpc.RpcError) as error:
            details = getattr(error, "details", None)
            wrong[type_] = details() if details else str(error)

    assert wrong == {}


def live(resource, type_, first, second):
    resource.create(first)
    assert resource.changes(first) == [], "right after creating"
    assert resource.read(), "not there after creating"
    assert resource.changes(first) == [], "after creating and a refresh"

    expected = first == second
    assert (resource.changes(second) == []) == expected, "nothing to change"
    resource.update(second)
    assert resource.changes(second) == [], "right after changing"
    assert resource.read(), "not there after changing"
    assert resource.changes(second) == [], "after changing and a refresh"

    resource.delete()
    if type_ not in NEVER_GONE:
        assert not resource.read(), "still there after deleting"
    resource.delete()


def test_the_groups_hold_every_type(world):
    held = {f"aws:{type_}" for group in GROUPS for type_ in group(world)}

    assert held == entries().keys()

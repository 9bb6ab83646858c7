"""Every type is created, read back, changed, read back and deleted, without any left-over change.

Speaks to the provider as the engine does, but without one, so that every kind of change can be had
for milliseconds. The engine's own part is in the other modules.
"""

import grpc
import pytest

from modelway.emulator.provider.table import entries
from resource_cases import BUILDER_TRUST, GROUPS, NEVER_GONE, TRUST, policy

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(client, image):
    """What the resources under test hang on."""
    client("s3").create_bucket(Bucket="world")
    client("ecr").create_repository(repositoryName="world")
    topic = client("sns").create_topic(Name="world")["TopicArn"]
    keys = [client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    role = client("iam").create_role(RoleName="world", AssumeRolePolicyDocument=TRUST)
    builder = client("iam").create_role(RoleName="builds", AssumeRolePolicyDocument=BUILDER_TRUST)
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
    sagemaker.create_model_package_group(ModelPackageGroupName="world")
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
        "builder": builder["Role"]["Arn"],
        "image": image,
        "key": keys[0],
        "other_key": keys[1],
        "role": role["Role"]["Arn"],
        "topic": topic,
        "where": where,
    }


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

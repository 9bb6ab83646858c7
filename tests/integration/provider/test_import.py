"""Resources that exist already come under Pulumi's care without a change."""

import pytest

pytestmark = pytest.mark.integration

PROGRAM = """
import pulumi
import pulumi_aws as aws
aws.cloudwatch.LogGroup(
    "logs",
    name="/app/imported",
    retention_in_days=30,
    tags={"team": "risk"},
    opts=pulumi.ResourceOptions(import_="/app/imported"),
)
aws.iam.RolePolicyAttachment(
    "attachment",
    role="imported",
    policy_arn="arn:aws:iam::123456789012:policy/imported",
    opts=pulumi.ResourceOptions(
        import_="imported/arn:aws:iam::123456789012:policy/imported"
    ),
)
"""
POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}'
)
TRUST = POLICY.replace('"Resource": "*"', '"Principal": {"Service": "sagemaker.amazonaws.com"}')
TRUST = TRUST.replace("logs:PutLogEvents", "sts:AssumeRole")


@pytest.fixture
def existing(client):
    logs, iam = client("logs"), client("iam")
    logs.create_log_group(logGroupName="/app/imported", tags={"team": "risk"})
    logs.put_retention_policy(logGroupName="/app/imported", retentionInDays=30)
    iam.create_role(RoleName="imported", AssumeRolePolicyDocument=TRUST)
    arn = iam.create_policy(PolicyName="imported", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="imported", PolicyArn=arn)
    yield
    for attached in iam.list_attached_role_policies(RoleName="imported")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="imported", PolicyArn=attached["PolicyArn"])
    iam.delete_policy(PolicyArn=arn)
    iam.delete_role(RoleName="imported")


def test_a_program_that_says_what_there_is_imports_it_unchanged(stack_of, existing, client):
    stack = stack_of("adopting", PROGRAM)

    planned = stack.changes()
    stack.up()

    assert planned == {"create": 1, "import": 2}
    assert stack.changes() == {"same": 3}
    stack.destroy()
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/app/imported")
    assert groups["logGroups"] == []


def test_the_import_command_takes_over_what_is_there(stack_of, client):
    client("logs").create_log_group(logGroupName="/app/found", tags={"a": "b"})
    stack = stack_of("finding", "")

    stack.run(
        *("import", "aws:cloudwatch/logGroup:LogGroup", "found", "/app/found"),
        *("--yes", "--generate-code=false", "--protect=false"),
    )

    (found,) = [each for each in stack.resources() if each["type"].startswith("aws:")]
    assert found["id"] == "/app/found"
    assert found["inputs"]["name"] == "/app/found"
    assert found["inputs"]["tags"] == {"a": "b"}

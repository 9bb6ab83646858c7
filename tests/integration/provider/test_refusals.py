"""What goes wrong ends with a clear error, a non-zero exit and nothing lost."""

import pytest

pytestmark = pytest.mark.integration

GROUP = """
import pulumi
import pulumi_aws as aws
days = pulumi.Config().require_int("days")
aws.cloudwatch.LogGroup("logs", name="/app/logs", retention_in_days=days)
"""

TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "sagemaker.amazonaws.com"}}]}'
)


def all_text(done):
    return done.stdout + done.stderr


def test_a_type_that_is_not_covered_is_named(stack_of):
    stack = stack_of(
        "network", 'import pulumi_aws as aws\naws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")\n'
    )

    done = stack.up(check=False)

    assert done.returncode != 0
    assert "does not cover the resource type aws:ec2/vpc:Vpc" in all_text(done)


def test_without_an_emulator_the_error_says_how_to_start_one(stack_of):
    stack = stack_of("alone", 'import pulumi_aws as aws\naws.sns.Topic("t")\n')
    # Port 9 (discard): nobody listens there.
    stack.environment["MODELWAY_EMULATOR_URL"] = "http://127.0.0.1:9"

    done = stack.run("up", "--yes", "--skip-preview", check=False)

    assert done.returncode != 0
    assert "no emulator answers at http://127.0.0.1:9" in all_text(done)
    assert "modelway emulator start" in all_text(done)
    stack.environment.update(stack.emulator.environment())


def test_without_an_address_the_error_says_what_to_set(stack_of):
    stack = stack_of("lost", 'import pulumi_aws as aws\naws.sns.Topic("t")\n')
    del stack.environment["MODELWAY_EMULATOR_URL"]

    done = stack.run("up", "--yes", "--skip-preview", check=False)

    assert done.returncode != 0
    assert "MODELWAY_EMULATOR_URL is not set" in all_text(done)
    stack.environment.update(stack.emulator.environment())


def test_a_role_that_exists_already_is_not_taken_over(stack_of, client):
    client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)
    program = (
        f"import pulumi_aws as aws\naws.iam.Role('r', name='mine', assume_role_policy={TRUST!r})"
    )
    stack = stack_of("greedy", program)

    done = stack.up(check=False)

    assert done.returncode != 0
    assert "EntityAlreadyExists" in all_text(done)
    assert "aws:iam/role:Role 'r'" in all_text(done)
    client("iam").delete_role(RoleName="mine")


def test_a_bucket_that_exists_already_is_not_taken_over(stack_of, client):
    client("s3").create_bucket(Bucket="mine-already")
    stack = stack_of(
        "thief", 'import pulumi_aws as aws\naws.s3.Bucket("b", bucket="mine-already")\n'
    )

    done = stack.up(check=False)

    assert done.returncode != 0
    assert "BucketAlreadyExists" in all_text(done)
    client("s3").delete_bucket(Bucket="mine-already")


def test_what_was_made_before_a_failure_is_kept_and_repaired(stack_of, client):
    # AWS knows no retention of 31 days, but the group exists by then.
    stack = stack_of("halfway", GROUP, days="31")

    failed = stack.up(check=False)
    kept = [each["type"] for each in stack.resources()]
    stack.run("config", "set", "days", "30")
    stack.up()

    assert failed.returncode != 0
    assert "InvalidParameterException" in all_text(failed)
    assert "aws:cloudwatch/logGroup:LogGroup" in kept
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/app/logs")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30]

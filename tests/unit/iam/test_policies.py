"""Least privilege, as a rule over every statement: pure, no AWS."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelway.cli import app
from modelway.iam.build_role import BuildNeeds, build_statements
from modelway.iam.deployer import DeployerOptions, deployer_statements
from modelway.iam.deployer_image import codebuild_statements, local_build_statements
from modelway.iam.deployer_platform import platform_statements, shared_platform_statements
from modelway.iam.execution_role import ExecutionNeeds, execution_statements, trust_policy
from modelway.iam.merge import merged
from modelway.iam.platform_policies import approval_statements
from modelway.iam.statements import Scope
from modelway.spec import ModelSpec

SCOPE = Scope(account="123456789012", region="eu-west-1")

KNOW_NO_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "kms:CreateKey",
    "kms:ListAliases",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModels",
}
"""Actions without a resource type in the service authorization reference (read 2026-11)."""


def spec(**parts):
    return ModelSpec.model_validate({"name": "fraud", "model": {"path": "m.onnx"}, **parts})


def needs(**parts):
    return ExecutionNeeds(
        **{
            "artifact_arns": ["arn:aws:s3:::b/models/fraud/1/model.tar.gz"],
            "repository_arn": "arn:aws:ecr:eu-west-1:123456789012:repository/r",
            "log_group": "/aws/sagemaker/Endpoints/fraud-prod",
            "kms_key_arns": ["arn:aws:kms:eu-west-1:123456789012:key/1"],
            **parts,
        }
    )


FULL_NEEDS = needs(
    capture_arn="arn:aws:s3:::b/data-capture/fraud-prod/*",
    rollback_alarm_arns=["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:fraud-prod-p99"],
    subnet_ids=["subnet-1"],
    security_group_ids=["sg-1"],
)
FULL_SPEC = spec(
    scaling={
        "min_instances": 1,
        "max_instances": 3,
        "target_invocations_per_instance_per_minute": 10,
    },
    alarms={"notify": ["ops@example.com"]},
    objectives={"availability_percent": 99.9},
    encryption={"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/own"},
    image=f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:{'a' * 64}",
    rollout={"strategy": "canary"},
    shadow={"model": {"registry": "fraud@approved"}},
)
BASE_ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/python"
ALL = {
    "execution role": execution_statements(FULL_NEEDS, SCOPE),
    "deployer": deployer_statements(FULL_SPEC, "prod", SCOPE, DeployerOptions()),
    "deployer with a boundary": deployer_statements(
        FULL_SPEC, "prod", SCOPE, DeployerOptions(permissions_boundary_arn="arn:boundary")
    ),
    "image builds": codebuild_statements("platform", "platform-artifacts-*", SCOPE),
    "local image builds": local_build_statements(BASE_ARN, SCOPE),
    "build role": build_statements(
        BuildNeeds(
            bucket_arn="arn:aws:s3:::b",
            repository_arn="arn:aws:ecr:eu-west-1:123456789012:repository/r",
            kms_key_arn="arn:aws:kms:eu-west-1:123456789012:key/1",
            log_group_arn="arn:aws:logs:eu-west-1:123456789012:log-group:g",
        )
    ),
    "platform": platform_statements("platform", SCOPE, may_empty=True, groups=["fraud"]),
    "shared platform": shared_platform_statements("platform", SCOPE),
}


@pytest.mark.parametrize("statements", ALL.values(), ids=ALL.keys())
def test_no_action_is_a_wildcard(statements):
    assert [a for statement in statements for a in statement["Action"] if "*" in a] == []


@pytest.mark.parametrize("statements", ALL.values(), ids=ALL.keys())
def test_a_resource_is_open_only_where_aws_knows_none(statements):
    open_actions = {
        action
        for statement in statements
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }

    assert open_actions <= KNOW_NO_RESOURCE


@pytest.mark.parametrize("statements", ALL.values(), ids=ALL.keys())
def test_every_statement_has_its_own_name(statements):
    sids = [statement["Sid"] for statement in statements]

    assert len(set(sids)) == len(sids)


@pytest.mark.parametrize(("objectives", "may"), [({}, False), ({"availability_percent": 99}, True)])
def test_composite_alarms_may_be_put_only_where_the_spec_has_burn_rates(objectives, may):
    statements = deployer_statements(spec(objectives=objectives), "prod", SCOPE, DeployerOptions())

    (alarms,) = [s for s in statements if s["Sid"] == "ManageAlarms"]
    assert ("cloudwatch:PutCompositeAlarm" in alarms["Action"]) is may


def test_metrics_may_go_to_sagemakers_namespaces_only():
    (statement,) = [s for s in ALL["execution role"] if s["Sid"] == "PublishMetrics"]

    assert statement["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}
    }


def test_a_deployer_may_vouch_for_a_new_fleet_in_modelways_own_namespace_only():
    (statement,) = [s for s in ALL["deployer"] if s["Sid"] == "VouchForNewFleet"]

    assert statement["Action"] == ["cloudwatch:PutMetricData"]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "modelway/Rollouts"}}


def test_a_deployer_may_look_for_the_image_in_its_own_repository_only():
    (statement,) = [s for s in ALL["deployer"] if s["Sid"] == "CheckImage"]

    assert statement["Action"] == ["ecr:DescribeImages"]
    assert statement["Resource"] == ["arn:aws:ecr:eu-west-1:123456789012:repository/server"]


@pytest.mark.parametrize(
    "rollout", [{}, {"strategy": "canary", "minimum_requests_per_minute": None}]
)
def test_a_deployer_that_demands_no_evidence_publishes_no_metrics(rollout):
    statements = deployer_statements(spec(rollout=rollout), "prod", SCOPE, DeployerOptions())

    assert [s["Sid"] for s in statements if "cloudwatch:PutMetricData" in s["Action"]] == []


def test_a_container_may_write_its_own_logs_only():
    (statement,) = [s for s in ALL["execution role"] if s["Sid"] == "WriteOwnLogs"]

    assert statement["Resource"] == [
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/Endpoints/fraud-prod:*"
    ]


@pytest.mark.parametrize(
    ("left_out", "sid"),
    [
        ({"repository_arn": None}, "PullImage"),
        ({"kms_key_arns": []}, "UseKeys"),
        ({}, "WriteCapturedData"),
        ({}, "ReadRollbackAlarms"),
        ({}, "CreateNetworkInterfaces"),
    ],
)
def test_what_is_not_needed_is_not_granted(left_out, sid):
    statements = execution_statements(needs(**left_out), SCOPE)

    assert sid not in [statement["Sid"] for statement in statements]


def test_keys_are_used_to_write_only_when_something_is_written():
    actions = {s["Sid"]: s["Action"] for s in execution_statements(needs(), SCOPE)}
    writing = {s["Sid"]: s["Action"] for s in ALL["execution role"]}

    assert actions["UseKeys"] == ["kms:Decrypt"]
    assert writing["UseKeys"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_sagemaker_may_assume_the_role_for_this_account_only():
    assert trust_policy("123456789012") == {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    }


def test_a_deployer_touches_this_endpoint_only():
    by_sid = {s["Sid"]: s for s in deployer_statements(spec(), "prod", SCOPE, DeployerOptions())}

    assert by_sid["ManageEndpoint"]["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/fraud-prod",
        "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/fraud-prod-*",
        "arn:aws:sagemaker:eu-west-1:123456789012:model/fraud-prod-*",
    ]
    assert by_sid["HandRoleToSageMaker"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_a_name_in_capitals_is_allowed_in_both_spellings():
    upper = ModelSpec.model_validate({"name": "Fraud", "model": {"path": "m.onnx"}})
    (statement,) = [
        s
        for s in deployer_statements(upper, "prod", SCOPE, DeployerOptions())
        if s["Sid"] == "ManageEndpoint"
    ]

    assert "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/Fraud-prod" in statement["Resource"]
    assert "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/fraud-prod" in statement["Resource"]


def test_a_boundary_is_the_condition_of_every_grant():
    by_sid = {statement["Sid"]: statement for statement in ALL["deployer with a boundary"]}

    assert by_sid["GrantToRole"]["Condition"] == {
        "StringEquals": {"iam:PermissionsBoundary": "arn:boundary"}
    }
    assert "iam:PutRolePermissionsBoundary" in by_sid["GrantToRole"]["Action"]


def test_with_an_existing_role_no_role_can_be_made():
    options = DeployerOptions(existing_role_arn="arn:aws:iam::123456789012:role/mine")
    statements = deployer_statements(spec(), "prod", SCOPE, options)

    iam = [a for s in statements for a in s["Action"] if a.startswith("iam:")]
    assert iam == ["iam:PassRole"]


def test_scaling_is_allowed_only_where_the_spec_scales():
    fixed = deployer_statements(spec(), "prod", SCOPE, DeployerOptions())

    assert "ManageScaling" not in [statement["Sid"] for statement in fixed]
    assert "ManageScaling" in [statement["Sid"] for statement in ALL["deployer"]]


def test_a_protected_platform_cannot_be_emptied():
    statements = platform_statements("platform", SCOPE, may_empty=False)

    actions = {action for statement in statements for action in statement["Action"]}
    assert not {"s3:DeleteObject", "ecr:BatchDeleteImage"} & actions


def test_keys_are_told_by_the_platforms_tag():
    by_sid = {statement["Sid"]: statement for statement in ALL["platform"]}

    assert by_sid["ManageKey"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/modelway:platform": "platform"}
    }


def test_two_models_share_statements_that_differ_in_resources_only():
    other = ModelSpec.model_validate({"name": "churn", "model": {"path": "m.onnx"}})
    options = DeployerOptions()
    both = [
        *deployer_statements(spec(), "dev", SCOPE, options),
        *deployer_statements(other, "dev", SCOPE, options),
    ]

    joined = merged(both)

    assert len(joined) == len(deployer_statements(spec(), "dev", SCOPE, options))
    (roles,) = [s for s in joined if s["Sid"] == "HandRoleToSageMaker"]
    assert roles["Resource"] == [
        "arn:aws:iam::123456789012:role/fraud-dev-execution-*",
        "arn:aws:iam::123456789012:role/churn-dev-execution-*",
    ]


def test_statements_that_differ_in_more_keep_apart_and_get_numbers():
    first = {"Sid": "A", "Effect": "Allow", "Action": ["x:Y"], "Resource": ["1"]}
    second = {**first, "Action": ["x:Z"]}

    assert [statement["Sid"] for statement in merged([first, second])] == ["A", "A2"]


def test_the_command_prints_the_policy_and_nothing_else_on_stdout(tmp_path: Path):
    file = tmp_path / "fraud.yaml"
    file.write_text("name: fraud\nmodel: {path: fraud.onnx}\n")

    done = CliRunner().invoke(app, ["iam", str(file), "--env", "dev", "--account", "123456789012"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["Version"] == "2012-10-17"
    assert "arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud-dev" in done.stdout


def test_the_command_says_when_the_account_is_missing(tmp_path: Path):
    file = tmp_path / "fraud.yaml"
    file.write_text("name: fraud\nmodel: {path: fraud.onnx}\n")

    done = CliRunner().invoke(app, ["iam", str(file), "--env", "dev"])

    assert "give --account ID" in done.stderr
    assert "ACCOUNT:endpoint/fraud-dev" in done.stdout


def actions(statements):
    return {action for statement in statements for action in statement["Action"]}


def test_who_deploys_a_model_of_a_registry_reads_its_group_and_never_approves():
    of = spec(model={"registry": "risk@approved"})
    statements = deployer_statements(of, "prod", SCOPE, DeployerOptions())
    by_sid = {statement["Sid"]: statement for statement in statements}

    assert by_sid["ReadRegistry"]["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/risk",
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package/risk/*",
    ]
    assert by_sid["FetchPackages"]["Resource"] == [
        "arn:aws:s3:::platform-artifacts-*/models/risk/*"
    ]
    platform = platform_statements("platform", SCOPE, may_empty=True, groups=["risk"])
    approving = {"sagemaker:UpdateModelPackage", "sagemaker:CreateModelPackage"}
    assert not approving & (actions(statements) | actions(platform))


def test_a_platforms_groups_are_managed_by_name_and_only_where_it_has_some():
    managed = platform_statements("platform", SCOPE, may_empty=False, groups=["risk", "fraud"])
    by_sid = {statement["Sid"]: statement for statement in managed}

    assert by_sid["ManageModelGroups"]["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/risk",
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/fraud",
    ]
    assert "sagemaker:PutModelPackageGroupPolicy" in by_sid["ManageModelGroups"]["Action"]
    without = platform_statements("platform", SCOPE, may_empty=False)
    assert "ManageModelGroups" not in {statement["Sid"] for statement in without}


def test_the_iam_command_takes_the_groups_of_the_platform(tmp_path):
    file = tmp_path / "fraud.yaml"
    file.write_text("name: fraud\nmodel: {registry: fraud@approved}\n")

    done = CliRunner().invoke(
        app, ["iam", str(file), "--env", "local", "--account", "1" * 12, "--model-group", "fraud"]
    )

    sids = [statement["Sid"] for statement in json.loads(done.stdout)["Statement"]]
    assert {"ManageModelGroups", "ReadRegistry", "FetchPackages"} <= {*sids}


def test_only_approvers_change_versions_or_register_an_approved_one():
    approvers = ["arn:aws:iam::123456789012:role/ml-lead"]
    decide, register = approval_statements("fraud", approvers, SCOPE)

    versions = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/fraud/*"
    assert {decide["Effect"], register["Effect"]} == {"Deny"}
    assert {decide["Resource"], register["Resource"]} == {versions}
    assert "sagemaker:UpdateModelPackage" in decide["Action"]
    assert decide["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": approvers}}
    assert register["Action"] == "sagemaker:CreateModelPackage"
    assert register["Condition"]["StringNotEqualsIfExists"] == {
        "sagemaker:ModelApprovalStatus": "PendingManualApproval"
    }

"""The execution role as Pulumi resources.

Takes the plan and what the endpoint needs, declares a role with one inline policy.
"""

import pulumi
from pulumi_aws import iam

from modelway.iam.deployer import role_prefix
from modelway.iam.execution_role import ExecutionNeeds, execution_statements, trust_policy
from modelway.iam.statements import Scope, as_json
from modelway.plan.model import DeploymentPlan


def declare_execution_role(
    plan: DeploymentPlan,
    needs: pulumi.Output[ExecutionNeeds],
    scope: pulumi.Output[Scope],
    permissions_boundary_arn: pulumi.Input[str] | None,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[iam.Role, iam.RolePolicy]:
    """Declare the role and its policy. Its physical name begins with `role_prefix(plan)`."""
    prefix = role_prefix(plan.names.role)
    role = iam.Role(
        prefix,
        description=f"SageMaker runs the model {plan.name} in {plan.environment}",
        assume_role_policy=scope.apply(lambda known: as_json([trust_policy(known.account)])),
        permissions_boundary=permissions_boundary_arn,
        tags=tags,
        opts=opts,
    )
    policy = iam.RolePolicy(
        f"{prefix}-needs",
        role=role.name,
        policy=pulumi.Output.all(needs, scope).apply(
            lambda known: as_json(execution_statements(known[0], known[1]))
        ),
        opts=opts,
    )
    return role, policy

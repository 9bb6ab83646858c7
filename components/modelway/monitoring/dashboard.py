"""A deployment's dashboard.

Takes the plan's dashboard body and a region, declares `aws.cloudwatch.Dashboard`.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import cloudwatch

from modelway.plan.model import DeploymentPlan


def declare_dashboard(
    name: str,
    plan: DeploymentPlan,
    region: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> cloudwatch.Dashboard:
    """Declare the dashboard."""
    body = pulumi.Output.from_input(region).apply(
        lambda known: json.dumps(in_region(plan.dashboard_body, known))
    )
    return cloudwatch.Dashboard(
        f"{name}-dashboard", dashboard_name=plan.names.dashboard, dashboard_body=body, opts=opts
    )


def in_region(body: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Give the body with the region in each metric widget, where CloudWatch needs it."""
    widgets = []
    for widget in body.get("widgets", []):
        properties = widget.get("properties", {})
        if widget.get("type") == "metric":
            properties = {**properties, "region": region}
        widgets.append({**widget, "properties": properties})
    return {**body, "widgets": widgets}


def dashboard_url(region: str, name: str) -> str:
    """Give the page of a dashboard in the AWS console."""
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home"
        f"?region={region}#dashboards/dashboard/{name}"
    )

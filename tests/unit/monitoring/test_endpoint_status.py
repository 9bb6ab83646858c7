"""Whose alarms are shown, and what is said without a region. AWS's part is in tests/integration."""

import subprocess
import sys
from pathlib import Path

from modelway.monitoring.dashboard import dashboard_url, in_region
from modelway.monitoring.endpoint_status import _watches
from modelway.testing import child_environment


def test_without_a_region_both_ways_on_are_told():
    environment = child_environment({})
    del environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]

    done = subprocess.run(
        [Path(sys.executable).parent / "modelway", "status", "digits-local"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "error: showing endpoint digits-local: You must specify a region. For AWS set AWS_REGION "
        "(or give it with --region) and your credentials; for the emulator run "
        'eval "$(modelway emulator env)"\n'
    )


def test_alarms_of_a_longer_name_are_not_shown():
    def alarm(endpoint):
        return {"Dimensions": [{"Name": "EndpointName", "Value": endpoint}]}

    assert _watches(alarm("fraud-dev"), "fraud-dev") is True
    assert _watches(alarm("fraud-dev-eu"), "fraud-dev") is False


def test_an_alarm_on_metric_math_is_told_by_its_metrics():
    dimensions = [{"Name": "EndpointName", "Value": "fraud-dev"}]
    alarm = {
        "Metrics": [
            {"Id": "result", "Expression": "errors / requests"},
            {"Id": "errors", "MetricStat": {"Metric": {"Dimensions": dimensions}}},
        ]
    }

    assert _watches(alarm, "fraud-dev") is True


def test_only_metric_widgets_get_a_region():
    body = {
        "start": "-PT3H",
        "widgets": [
            {"type": "metric", "properties": {"title": "Latency"}},
            {"type": "text", "properties": {"markdown": "# fraud"}},
        ],
    }

    assert in_region(body, "eu-west-1") == {
        "start": "-PT3H",
        "widgets": [
            {"type": "metric", "properties": {"title": "Latency", "region": "eu-west-1"}},
            {"type": "text", "properties": {"markdown": "# fraud"}},
        ],
    }


def test_a_dashboard_has_a_page_in_its_region():
    assert dashboard_url("eu-west-1", "fraud-dev") == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home"
        "?region=eu-west-1#dashboards/dashboard/fraud-dev"
    )

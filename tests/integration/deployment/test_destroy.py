"""`pulumi destroy` leaves nothing: no resource in the emulator, no process, no port."""

import socket

import boto3
import psutil
import pytest

from modelway.emulator.process import start

pytestmark = pytest.mark.integration


@pytest.fixture
def modelway_emulator(tmp_path):
    """An emulator of this test's own, so that whatever exists was made by it."""
    running = start(port=0, time_scale=60.0, state=tmp_path / "emulator")
    yield running
    running.stop()


def everything(client):
    """Name whatever exists, except keys that wait for their deletion, as AWS keeps them."""
    keys = [key["KeyId"] for key in client("kms").list_keys()["Keys"]]
    states = [client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
    scaling = client("application-autoscaling")
    return {
        "endpoints": client("sagemaker").list_endpoints()["Endpoints"],
        "configurations": client("sagemaker").list_endpoint_configs()["EndpointConfigs"],
        "models": client("sagemaker").list_models()["Models"],
        "buckets": client("s3").list_buckets()["Buckets"],
        "repositories": client("ecr").describe_repositories()["repositories"],
        "topics": client("sns").list_topics()["Topics"],
        "roles": [
            role["RoleName"]
            for role in client("iam").list_roles()["Roles"]
            if "AWSServiceRole" not in role["RoleName"]
        ],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": client("cloudwatch").list_dashboards()["DashboardEntries"],
        "scalable targets": scaling.describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ],
        "scaling policies": scaling.describe_scaling_policies(ServiceNamespace="sagemaker")[
            "ScalingPolicies"
        ],
        "keys in use": [state for state in states if state != "PendingDeletion"],
    }


def test_destroy_leaves_no_resource_no_process_and_no_port(deploy, modelway_emulator):
    def client(service):
        return boto3.client(service, endpoint_url=modelway_emulator.url, region_name="us-east-1")

    scaling = {
        "min_instances": 2,
        "max_instances": 3,
        "target_invocations_per_instance_per_minute": 600,
    }
    deployment = deploy("gone", scaling=scaling, objectives={"p99_latency_ms": 100})
    deployment.up()
    before = everything(client)
    replicas = psutil.Process(modelway_emulator.pid).children(recursive=True)
    # A replica's processes, the one in front and the one that serves, share its port.
    ports = {c.laddr.port for r in replicas for c in r.net_connections() if c.status == "LISTEN"}

    deployment.destroy()

    assert all(before.values()), before
    assert (len(replicas), len(ports)) == (4, 2)
    assert [kind for kind, found in everything(client).items() if found] == []
    assert [replica.pid for replica in replicas if replica.is_running()] == []
    assert psutil.Process(modelway_emulator.pid).children(recursive=True) == []
    for port in ports:
        with socket.socket() as attempt:
            assert attempt.connect_ex(("127.0.0.1", port)) != 0

"""The states of an endpoint, without time, threads or processes."""

from datetime import datetime, timedelta

from modelway.emulator.hosting.deployment import Capacity, initial_capacities, retained_capacities
from modelway.emulator.hosting.record import EndpointRecord, Mix, Operation, Outcome

START = datetime(2026, 1, 1, 12, 0)  # noqa: DTZ001 - naive as moto keeps it
LATER = START + timedelta(minutes=3)


def record():
    return EndpointRecord(
        account_id="123456789012", region="us-east-1", name="fraud", arn="arn:fraud", tags=[]
    )


def operation(kind, deployment=None, capacities=None, at=START):
    wanted = capacities
    if wanted is None and deployment is not None:
        wanted = initial_capacities(deployment)
    return Operation(
        kind=kind, number=1, deployment=deployment, capacities=wanted or {}, started_at=at
    )


def settled(endpoint, reason=None, at=LATER):
    endpoint.settle(Outcome(succeeded=reason is None, failure_reason=reason, at=at))


def in_service(deployment):
    endpoint = record()
    endpoint.begin(operation("create", deployment))
    settled(endpoint)
    return endpoint


def test_a_creation_ends_in_service_with_all_instances(deployment):
    endpoint = record()

    endpoint.begin(operation("create", deployment(primary=(1.0, 2))))
    during = endpoint.describe()
    settled(endpoint)
    after = endpoint.describe()

    assert during["EndpointStatus"] == "Creating"
    assert during["EndpointConfigName"] == "config-1"
    assert during["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    assert after["EndpointStatus"] == "InService"
    assert after["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert after["CreationTime"] == START
    assert after["LastModifiedTime"] == LATER
    assert "FailureReason" not in after


def test_a_failed_creation_keeps_its_reason_and_shows_no_variants(deployment):
    endpoint = record()
    endpoint.begin(operation("create", deployment()))

    settled(endpoint, reason="it did not answer")
    found = endpoint.describe()

    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"] == "it did not answer"
    assert found["EndpointConfigName"] == "config-1"
    assert "ProductionVariants" not in found


def test_an_update_shows_the_old_configuration_and_what_is_pending(deployment):
    endpoint = in_service(deployment())

    endpoint.begin(operation("update", deployment("config-2"), at=LATER))
    found = endpoint.describe()

    assert found["EndpointStatus"] == "Updating"
    assert found["EndpointConfigName"] == "config-1"
    pending = found["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "config-2"
    assert pending["StartTime"] == LATER
    assert pending["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert pending["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"


def test_a_failed_update_is_in_service_with_the_old_configuration_and_the_reason(deployment):
    endpoint = in_service(deployment())
    endpoint.begin(operation("update", deployment("config-2", primary=(1.0, 3))))
    endpoint.roll_back()
    rolling = endpoint.describe()["EndpointStatus"]

    settled(endpoint, reason="no ping")
    found = endpoint.describe()

    assert rolling == "RollingBack"
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "config-1"
    assert found["FailureReason"] == "no ping"
    assert found["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert "PendingDeploymentSummary" not in found


def test_a_failed_rollback_shows_a_mix_until_an_update_succeeds(deployment):
    endpoint = in_service(deployment(primary=(1.0, 4)))
    endpoint.begin(operation("update", deployment("config-2", primary=(1.0, 4))))

    endpoint.settle(Outcome(False, "no capacity", LATER, Mix({"primary": 3}, {"primary": 1}, 0.25)))
    mixed = endpoint.describe()
    endpoint.begin(operation("update", deployment("config-3")))
    settled(endpoint, reason="no ping")
    still = endpoint.describe()["EndpointStatus"]
    endpoint.begin(operation("update", deployment("config-4")))
    settled(endpoint)
    repaired = endpoint.describe()

    assert mixed["EndpointStatus"] == "UpdateRollbackFailed"
    assert mixed["EndpointConfigName"] == "config-1"
    assert mixed["FailureReason"] == "no capacity"
    assert mixed["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    assert still == "UpdateRollbackFailed"
    assert repaired["EndpointStatus"] == "InService"
    assert repaired["EndpointConfigName"] == "config-4"


def test_a_new_operation_forgets_the_last_failure(deployment):
    endpoint = in_service(deployment())
    endpoint.begin(operation("update", deployment("config-2")))
    settled(endpoint, reason="no ping")

    endpoint.begin(operation("update", deployment("config-3")))

    assert "FailureReason" not in endpoint.describe()


def test_a_failed_resize_wants_again_what_it_has(deployment):
    endpoint = in_service(deployment())
    wanted = {"primary": Capacity(instances=4, weight=1.0)}
    endpoint.begin(operation("resize", endpoint.deployment, wanted))
    during = endpoint.describe()["ProductionVariants"][0]

    settled(endpoint, reason="no ping")
    after = endpoint.describe()["ProductionVariants"][0]

    assert (during["CurrentInstanceCount"], during["DesiredInstanceCount"]) == (1, 4)
    assert (after["CurrentInstanceCount"], after["DesiredInstanceCount"]) == (1, 1)


def test_data_capture_is_summarised_as_aws_does(deployment):
    captured = deployment()
    captured.config["DataCaptureConfig"] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://bucket/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }

    found = in_service(captured).describe()

    assert found["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 20,
        "DestinationS3Uri": "s3://bucket/captured",
        "KmsKeyId": "",
    }


def test_retained_counts_and_weights_come_from_the_endpoint(deployment):
    before = {"primary": Capacity(instances=5, weight=0.5), "old": Capacity(3, 1.0)}
    new = deployment("config-2", primary=(1.0, 1), added=(2.0, 2))

    assert retained_capacities(new, before, frozenset()) == {
        "primary": Capacity(instances=5, weight=0.5),
        "added": Capacity(instances=2, weight=2.0),
    }


def test_excluded_properties_come_from_the_new_configuration(deployment):
    before = {"primary": Capacity(instances=5, weight=0.5)}

    kept = retained_capacities(deployment(), before, frozenset({"DesiredInstanceCount"}))

    assert kept == {"primary": Capacity(instances=1, weight=0.5)}


def test_a_shadow_is_described_apart_from_production(deployment):
    made = deployment(primary=(1.0, 1), shadow=(0.5, 2))
    object.__setattr__(made.variants[1], "shadow", True)

    described = in_service(made).describe()

    assert [each["VariantName"] for each in described["ProductionVariants"]] == ["primary"]
    (shadow,) = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["DesiredWeight"]) == ("shadow", 0.5)
    assert shadow["CurrentInstanceCount"] == 2

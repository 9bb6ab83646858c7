"""A package in the words of SageMaker's Model Registry, and back."""

import json
from datetime import UTC, datetime

import pytest

from modelway.registry import Status
from modelway.registry import sagemaker_form as form
from modelway.registry.candidate import read_candidate

IMAGE = f"models@sha256:{'1' * 64}"


@pytest.fixture
def candidate(package):
    return read_candidate(package("1"), IMAGE)


@pytest.fixture
def described(candidate):
    """What SageMaker tells of the version that was created."""
    made = form.creation("fraud", candidate, "bucket")
    return made | {"ModelPackageVersion": 3, "CreationTime": datetime(2026, 11, 1, tzinfo=UTC)}


def test_what_was_registered_is_read_back(candidate, described):
    version = form.version_of(described)

    assert (version.name, version.status) == ("fraud/3", Status.PENDING)
    assert version.package == candidate.package.digest
    assert version.content == candidate.artifact.content_digest
    assert version.metrics == {"auc": "0.93"}
    assert version.location == (
        f"s3://bucket/models/fraud/{candidate.package.digest.removeprefix('sha256:')}/model.tar.gz"
    )


def test_metrics_lineage_image_and_card_are_where_sagemaker_shows_them(described):
    card = json.loads(described["ModelCard"]["ModelCardContent"])
    statistics = described["ModelMetrics"]["ModelQuality"]["Statistics"]

    assert described["InferenceSpecification"]["Containers"][0]["Image"] == IMAGE
    assert described["MetadataProperties"] == {"GeneratedBy": "job-7"}
    assert statistics["S3Uri"].startswith("s3://bucket/registry/fraud/")
    details = card["additional_information"]["custom_details"]
    assert (details["licence"], details["registered"]) == ("Apache-2.0", "mlflow: risk 3")


def test_the_same_package_asks_with_the_same_token_and_another_with_another(candidate, package):
    again = form.creation("fraud", read_candidate(package("1"), IMAGE), "bucket")
    other = form.creation("fraud", read_candidate(package("2"), IMAGE), "bucket")
    first = form.creation("fraud", candidate, "bucket")

    assert again["ClientToken"] == first["ClientToken"] != other["ClientToken"]
    assert len(first["ClientToken"]) == 36


@pytest.mark.parametrize(
    "changed",
    [
        {"CustomerMetadataProperties": {}},
        {"CustomerMetadataProperties": {"modelway:package": f"sha256:{'0' * 64}"}},
        {"ModelPackageDescription": "somebody else's"},
    ],
)
def test_a_version_whose_digest_and_description_differ_is_not_modelways(described, changed):
    assert form.version_of(described | changed).package == ""


def test_a_card_of_another_tool_has_no_metrics(described):
    card = {"ModelCard": {"ModelCardContent": '{"evaluation_details": "none"}'}}

    assert form.version_of(described | card).metrics == {}


def test_a_name_is_written_in_the_characters_that_metadata_takes():
    assert form.metadata_value("arn:aws:sts::1:assumed-role/a,b/ü") == (
        "arn:aws:sts::1:assumed-role/a_b/_"
    )

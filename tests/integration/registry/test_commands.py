"""Packages are registered, approved, listed and fetched through SageMaker's own operations."""

import json
import re

import pytest

from modelway.errors import ModelRegistryError
from modelway.package.contents import check_package
from modelway.registry import ModelReader, Pins
from modelway.registry.sagemaker import SageMakerRegistry
from modelway.spec import parse_spec

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("registry")]


def keys_of(client, bucket):
    return sorted(each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"])


def read(group, reference="{}@approved"):
    spec = parse_spec({"name": "fraud", "model": {"registry": reference.format(group)}})
    return ModelReader(lambda: SageMakerRegistry("us-east-1")).read(spec, Pins())[0]


def test_a_package_is_registered_with_what_its_manifest_says(
    run, group, package, image, modelway_client
):
    made = run("register", str(package), "--group", group, "--image", image)

    digest = check_package(package).digest
    assert (made["version"], made["package"], made["new"]) == (f"{group}/1", digest, True)
    assert (made["status"], made["signed_by"]) == ("PendingManualApproval", "")
    key = f"models/{group}/{digest.removeprefix('sha256:')}/model.tar.gz"
    assert made["location"] == f"s3://{group}/{key}"
    assert key in keys_of(modelway_client("s3"), group)
    found = modelway_client("sagemaker").describe_model_package(
        ModelPackageName=f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/1"
    )
    (container,) = found["InferenceSpecification"]["Containers"]
    assert container["Image"] == image
    card = json.loads(found["ModelCard"]["ModelCardContent"])
    assert card["additional_information"]["custom_details"]["package name"] == "fraud"


def test_the_same_package_is_registered_and_uploaded_once(
    run, group, package, image, modelway_client
):
    first = run("register", str(package), "--group", group, "--image", image)
    listed = modelway_client("s3").list_objects_v2(Bucket=group)["Contents"]

    second = run("register", str(package), "--group", group, "--image", image)

    assert second == first | {"new": False}
    assert modelway_client("s3").list_objects_v2(Bucket=group)["Contents"] == listed
    assert len(run("registry", group)["versions"]) == 1


def test_who_approved_and_why_is_kept(run, group, package, image, modelway_client):
    run("register", str(package), "--group", group, "--image", image)
    who = modelway_client("sts").get_caller_identity()["Arn"]

    approved = run("approve", f"{group}/1", "--description", "AUC 0.93, reviewed")

    assert approved["status"] == "Approved"
    assert (approved["decided_by"], approved["reason"]) == (who, "AUC 0.93, reviewed")
    assert run("registry", group)["versions"] == [approved]
    assert read(group).digest == check_package(package).digest


def test_a_rejected_version_is_not_deployed(run, group, package, image):
    run("register", str(package), "--group", group, "--image", image)
    run("approve", f"{group}/1")
    run("approve", f"{group}/1", "--reject", "--description", "wrong for empty fields")

    with pytest.raises(ModelRegistryError, match=r'is Rejected by .* \("wrong for empty fields"'):
        read(group, "{}/1")


def test_an_archive_that_was_changed_in_the_bucket_is_refused(
    run, group, package, image, modelway_client
):
    made = run("register", str(package), "--group", group, "--image", image)
    run("approve", f"{group}/1")
    key = made["location"].partition(f"{group}/")[2]
    s3 = modelway_client("s3")
    content = s3.get_object(Bucket=group, Key=key)["Body"].read()
    s3.put_object(Bucket=group, Key=key, Body=content.replace(b"onnx==1.23.2", b"onnx==1.23.3"))

    with pytest.raises(ModelRegistryError, match=f"fetching {group}/1 from s3://{group}/"):
        read(group)


def test_metadata_that_was_changed_to_name_another_package_is_refused(
    run, group, package, image, modelway_client
):
    run("register", str(package), "--group", group, "--image", image)
    run("approve", f"{group}/1")
    modelway_client("sagemaker").update_model_package(
        ModelPackageArn=f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/1",
        CustomerMetadataProperties={"modelway:package": f"sha256:{'0' * 64}"},
    )

    with pytest.raises(ModelRegistryError, match="was not registered by modelway"):
        read(group)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image", "models:latest"), "the image 'models:latest' is not named by digest"),
        (("--group", "nobody"), "ModelPackageGroup .*nobody does not exist"),
        (("--key", "{folder}/none.pem"), "none.pem"),
    ],
)
def test_what_cannot_be_registered_is_refused(run, group, package, image, arguments, said):
    given = ["--group", group, "--image", image]
    given += [each.format(folder=package.parent) for each in arguments]

    refused = run("register", str(package), *given)

    assert re.search(said, refused), refused


def test_a_changed_package_is_not_registered(run, group, package, image):
    (package / "model.onnx").write_bytes(b"something else")

    refused = run("register", str(package), "--group", group, "--image", image)

    assert "`model.onnx` has" in refused
    assert run("registry", group)["versions"] == []


def test_a_group_that_no_platform_declared_needs_a_bucket(
    run, group, package, image, modelway_client
):
    own = f"{group}-own"
    given = ["register", str(package), "--group", own, "--image", image, "--create-group"]

    assert "Give --bucket NAME" in run(*given)
    assert run(*given, "--bucket", group)["location"].startswith(f"s3://{group}/models/{own}/")

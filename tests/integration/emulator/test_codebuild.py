"""The emulated CodeBuild refuses what CodeBuild refuses, and says when no image was built."""

import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

from modelway.image.buildspec import buildspec

pytestmark = pytest.mark.integration


def trust(service):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def role(modelway_client):
    """Make roles that a service may assume."""
    iam = modelway_client("iam")
    made = []

    def make(name, service="codebuild.amazonaws.com"):
        made.append(name)
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"][
            "Arn"
        ]

    yield make
    for name in made:
        iam.delete_role(RoleName=name)


@pytest.fixture
def project(modelway_client, role):
    """Make projects; `project(name, **parts)` gives its name."""
    codebuild = modelway_client("codebuild")
    made = []

    def make(name, **parts):
        given = {
            "name": name,
            "source": {"type": "S3", "location": "bucket/none.zip", "buildspec": buildspec()},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_MEDIUM",
                "privilegedMode": True,
            },
            "serviceRole": parts.pop("serviceRole", None) or role(f"{name}-role"),
        }
        codebuild.create_project(**given | parts)
        made.append(name)
        return name

    yield make
    for name in made:
        codebuild.delete_project(name=name)


@pytest.fixture
def ended(modelway_client):
    """Wait for the end of a build and give it."""
    codebuild = modelway_client("codebuild")

    def wait(build_id):
        until = time.monotonic() + 60
        while True:
            (build,) = codebuild.batch_get_builds(ids=[build_id])["builds"]
            if build["buildStatus"] != "IN_PROGRESS":
                return build
            assert time.monotonic() < until
            time.sleep(0.05)

    return wait


def refused(call, **given):
    with pytest.raises(ClientError) as failure:
        call(**given)
    return failure.value.response["Error"]["Code"]


def test_a_project_is_kept_as_given_and_changed_in_part(modelway_client, project):
    codebuild = modelway_client("codebuild")
    name = project("kept", timeoutInMinutes=30, tags=[{"key": "team", "value": "a"}])

    codebuild.update_project(name=name, description="other", queuedTimeoutInMinutes=20)

    (found,) = codebuild.batch_get_projects(names=[name])["projects"]
    assert (found["description"], found["timeoutInMinutes"]) == ("other", 30)
    assert (found["queuedTimeoutInMinutes"], found["tags"]) == (
        20,
        [{"key": "team", "value": "a"}],
    )
    assert found["environment"]["privilegedMode"] is True
    assert codebuild.batch_get_projects(names=["absent"])["projectsNotFound"] == ["absent"]


def test_what_codebuild_refuses_is_refused_with_its_codes(modelway_client, project, role):
    codebuild = modelway_client("codebuild")
    project("twice")

    with pytest.raises(ClientError) as failure:
        project("twice", serviceRole="arn:aws:iam::123456789012:role/twice-role")
    assert failure.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        project("other", serviceRole=role("for-sagemaker", "sagemaker.amazonaws.com"))
    with pytest.raises(ClientError, match="it must be between 5 and 2160"):
        project("hasty", timeoutInMinutes=2161)
    assert refused(codebuild.start_build, projectName="absent") == "ResourceNotFoundException"
    assert refused(codebuild.update_project, name="absent") == "ResourceNotFoundException"
    assert refused(codebuild.stop_build, id="absent:1") == "ResourceNotFoundException"
    assert refused(codebuild.batch_get_builds, ids=["none"]) == "InvalidInputException"


def test_one_token_is_one_build_and_other_parameters_are_refused(modelway_client, project):
    codebuild = modelway_client("codebuild")
    name = project("token")

    first = codebuild.start_build(projectName=name, idempotencyToken="t")["build"]["id"]
    again = codebuild.start_build(projectName=name, idempotencyToken="t")["build"]["id"]
    other = codebuild.start_build(projectName=name)["build"]["id"]

    assert first == again != other
    assert codebuild.list_builds_for_project(projectName=name)["ids"] == [other, first]
    assert refused(
        codebuild.start_build, projectName=name, idempotencyToken="t", sourceVersion="2"
    ) == ("InvalidInputException")


def test_a_build_without_sources_fails_where_it_downloads_them(modelway_client, project, ended):
    codebuild = modelway_client("codebuild")

    build = ended(codebuild.start_build(projectName=project("sourceless"))["build"]["id"])

    assert build["buildStatus"] == "FAILED"
    (phase,) = [each for each in build["phases"] if each.get("phaseStatus") == "FAILED"]
    assert phase["phaseType"] == "DOWNLOAD_SOURCE"
    assert phase["contexts"][0]["message"].startswith("NoSuchKey")


def test_a_buildspec_that_is_not_ours_fails_and_says_so(modelway_client, project, ended):
    s3, codebuild = modelway_client("s3"), modelway_client("codebuild")
    s3.create_bucket(Bucket="codebuild-sources")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("Dockerfile", "FROM scratch")
    s3.put_object(Bucket="codebuild-sources", Key="context.zip", Body=archive.getvalue())

    build = ended(
        codebuild.start_build(
            projectName=project("foreign"),
            sourceLocationOverride="codebuild-sources/context.zip",
            buildspecOverride="version: 0.2",
        )["build"]["id"]
    )

    assert build["buildStatus"] == "FAILED"
    log = build["logs"]
    events = modelway_client("logs").get_log_events(
        logGroupName=log["groupName"], logStreamName=log["streamName"]
    )["events"]
    assert any(
        "the emulator runs the buildspec of this version of modelway" in event["message"]
        for event in events
    )


def test_a_build_that_has_ended_is_not_changed_by_a_stop(modelway_client, project, ended):
    codebuild = modelway_client("codebuild")
    build = ended(codebuild.start_build(projectName=project("over"))["build"]["id"])

    stopped = codebuild.stop_build(id=build["id"])["build"]

    assert build["buildStatus"] == stopped["buildStatus"] == "FAILED"
    assert stopped["buildComplete"] is True

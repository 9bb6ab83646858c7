"""Bringing an image about with CodeBuild: when a build starts, what is followed, how it fails.

ECR, CodeBuild and its log are played here; against the emulator it runs in tests/integration.
"""

import re
from dataclasses import dataclass, field

import pytest

from modelway.errors import ImageError
from modelway.image.build import ImageBuildRun, WantedImage

DIGEST = "sha256:" + "d" * 64
WANTED = WantedImage(
    repository="images",
    tag="cpu-abc",
    project="builder",
    source="bucket/images/abc/context.zip",
    machine=("LINUX_CONTAINER", "aws/codebuild/image:1"),
    variables={"IMAGE_TAG": "cpu-abc", "IMAGE_REPOSITORY": "host/images"},
)


class _NotFound(Exception):  # noqa: N818 - botocore's names
    pass


class _Exceptions:
    ImageNotFoundException = RepositoryNotFoundException = ResourceNotFoundException = _NotFound


@dataclass
class Aws:
    """ECR, CodeBuild and CloudWatch Logs in one; a build moves on at each look."""

    course: list[str] = field(default_factory=lambda: ["IN_PROGRESS", "SUCCEEDED"])
    there: bool = False
    builds: list[dict] = field(default_factory=list)
    started: list[dict] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    phases: list[dict] = field(default_factory=list)
    pushes: bool = True
    exceptions = _Exceptions

    def describe_images(self, repositoryName, imageIds):  # noqa: N803 - boto3's names
        assert (repositoryName, imageIds) == ("images", [{"imageTag": "cpu-abc"}])
        if not self.there:
            raise _NotFound
        return {"imageDetails": [{"imageDigest": DIGEST}]}

    def list_builds_for_project(self, projectName, sortOrder):  # noqa: N803 - boto3's names
        assert (projectName, sortOrder) == ("builder", "DESCENDING")
        return {"ids": [build["id"] for build in self.builds]}

    def batch_get_builds(self, ids):
        found = [build for build in self.builds if build["id"] in ids]
        if self.course and len(ids) == 1 and found[0]["buildStatus"] == "IN_PROGRESS":
            found[0]["buildStatus"] = self.course.pop(0)
            self.there = self.pushes and found[0]["buildStatus"] == "SUCCEEDED"
        return {"builds": found}

    def start_build(self, **given):
        self.started.append(given)
        build = a_build(f"builder:{len(self.builds)}")
        build["phases"] = self.phases
        self.builds.insert(0, build)
        return {"build": build}

    def get_log_events(self, logGroupName, logStreamName, **_):  # noqa: N803 - boto3's names
        assert (logGroupName, logStreamName) == ("group", "stream")
        events, self.lines = [{"message": line} for line in self.lines], []
        return {"events": events, "nextForwardToken": "end"}


def a_build(id_, status="IN_PROGRESS", tag="cpu-abc"):
    return {
        "id": id_,
        "buildStatus": status,
        "currentPhase": "BUILD",
        "environment": {"environmentVariables": [{"name": "IMAGE_TAG", "value": tag}]},
        "logs": {"groupName": "group", "streamName": "stream"},
    }


def run(aws):
    said = []
    made = ImageBuildRun(aws, aws, aws, 15.0, said.append, said.append, lambda _seconds: None)
    return made, said


def test_an_image_that_is_there_is_not_built():
    aws = Aws(there=True)
    made, said = run(aws)

    assert made.ensure(WANTED) == DIGEST

    assert aws.started == []
    assert said == ["images: the image cpu-abc is there, nothing is built"]


def test_an_image_that_is_missing_is_built_from_its_sources_and_its_log_is_told():
    aws = Aws(lines=["Step 1", "", "Step 2"])
    made, said = run(aws)

    assert made.ensure(WANTED) == DIGEST

    (started,) = aws.started
    assert started["sourceLocationOverride"] == "bucket/images/abc/context.zip"
    assert started["imageOverride"] == "aws/codebuild/image:1"
    assert {"name": "IMAGE_TAG", "value": "cpu-abc", "type": "PLAINTEXT"} in (
        started["environmentVariablesOverride"]
    )
    assert said == [
        "Step 1",
        "Step 2",
        "building the image: BUILD",
        "images: image cpu-abc was built by builder:0",
    ]


def test_a_build_of_the_same_content_that_is_under_way_is_followed():
    aws = Aws(builds=[a_build("builder:other", tag="cpu-xyz"), a_build("builder:mine")])
    made, said = run(aws)

    assert made.ensure(WANTED) == DIGEST

    assert aws.started == []
    assert said[0] == "following builder:mine, which builds this image already"


def test_each_attempt_has_a_token_of_its_own_and_two_at_once_have_the_same():
    first, second = Aws(), Aws()
    again = Aws(builds=[a_build("builder:old", "FAILED")])

    for aws in (first, second, again):
        run(aws)[0].ensure(WANTED)

    tokens = [aws.started[0]["idempotencyToken"] for aws in (first, second, again)]
    assert tokens == ["cpu-abc-0", "cpu-abc-0", "cpu-abc-1"]


def test_a_failed_build_tells_phase_reason_and_last_lines():
    phases = [
        {"phaseType": "PRE_BUILD", "phaseStatus": "SUCCEEDED"},
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "contexts": [{"message": "exit status 1"}],
        },
    ]
    aws = Aws(course=["FAILED"], lines=[f"line {number}" for number in range(30)], phases=phases)

    with pytest.raises(ImageError) as failure:
        run(aws)[0].ensure(WANTED)

    told = str(failure.value)
    assert "builder:0 ended as FAILED in phase BUILD: exit status 1." in told
    assert re.findall(r"line \d+", told) == [f"line {number}" for number in range(10, 30)]


@pytest.mark.parametrize("status", ["STOPPED", "TIMED_OUT", "FAULT"])
def test_a_build_that_ends_otherwise_is_a_failure_too(status):
    with pytest.raises(ImageError, match=f"ended as {status} in phase BUILD"):
        run(Aws(course=[status]))[0].ensure(WANTED)


def test_a_build_that_never_ends_is_given_up_with_the_way_on():
    with pytest.raises(ImageError, match=r"still in phase BUILD after 95 min; run `pulumi up`"):
        run(Aws(course=[]))[0].ensure(WANTED)


def test_a_build_that_pushes_nothing_is_a_failure():
    with pytest.raises(ImageError, match="succeeded, and images has no image cpu-abc"):
        run(Aws(pushes=False))[0].ensure(WANTED)

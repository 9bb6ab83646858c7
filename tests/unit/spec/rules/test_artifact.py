"""Where the model and the image are."""

import pytest

DIGEST = "sha256:" + "b" * 64


def test_an_image_may_be_missing_in_the_emulators_environment_only(problems, the_problem):
    assert problems({"image": None}, "local") == []
    problem = the_problem({"image": None}, "dev")

    assert (problem.path, problem.message) == (
        "image",
        "is missing: only environment `local` does without",
    )
    assert problem.allowed == (
        "{builder: codebuild} to have it built, or "
        "REPOSITORY@sha256:<64 hexadecimal digits>, the line that this prints: "
        "docker build --platform linux/amd64 --tag $REPOSITORY:$TAG serving_image "
        "&& docker push $REPOSITORY:$TAG "
        "&& docker image inspect --format '{{index .RepoDigests 0}}' $REPOSITORY:$TAG"
    )


def test_the_image_is_built_for_the_processor_of_the_instances(the_problem):
    problem = the_problem({"image": None, "serving": {"instance_type": "ml.c7g.large"}}, "dev")

    assert "--platform linux/arm64 " in problem.allowed


@pytest.mark.parametrize(
    "image",
    ["repository:latest", "repository", f"repository@{DIGEST[:-1]}", f"a b@{DIGEST}", "@" + DIGEST],
)
def test_an_image_without_a_digest_is_refused(the_problem, image):
    problem = the_problem({"image": image})

    assert problem.path == "image"
    assert problem.message.startswith("does not name an image by digest")


@pytest.mark.parametrize(("length", "fits"), [(183, True), (184, False)])
def test_an_image_has_up_to_255_characters(problems, length, fits):
    assert (problems({"image": "r" * length + "@" + DIGEST}) == []) is fits


def test_an_archive_in_s3_needs_its_digest(the_problem):
    problem = the_problem({"model": {"path": "s3://bucket/fraud.tar.gz"}})

    assert problem.path == "model.digest"
    assert problem.message.startswith("is missing")


@pytest.mark.parametrize("path", ["s3://bucket/fraud.onnx", "s3://bucket", "s3://B/x.tar.gz"])
def test_an_s3_uri_must_name_a_packed_model(the_problem, path):
    problem = the_problem({"model": {"path": path, "digest": DIGEST}})

    assert (problem.path, problem.allowed) == ("model.path", "s3://BUCKET/KEY.tar.gz")


def test_an_archive_in_s3_with_its_digest_is_accepted(problems):
    assert problems({"model": {"path": "s3://my-bucket/a/fraud.tar.gz", "digest": DIGEST}}) == []


@pytest.mark.parametrize("path", ["https://host/fraud.onnx", "gs://bucket/fraud.onnx"])
def test_a_place_that_is_not_read_is_refused(the_problem, path):
    problem = the_problem({"model": {"path": path}})

    assert problem.message == "is not a place that modelway reads"


@pytest.mark.parametrize("field", ["input_rules", "generation"])
def test_nothing_can_be_packed_beside_a_model_that_lies_in_s3(the_problem, field):
    archive = {"path": "s3://my-bucket/a/fraud.tar.gz", "digest": DIGEST}

    problem = the_problem({"model": archive | {field: "file.json"}})

    assert (problem.path, problem.value) == (f"model.{field}", "file.json")
    assert problem.allowed == f"leave it out, and put {field}.json into the archive"


def test_a_model_may_be_named_in_a_registry(problems):
    assert problems({"model": {"path": "", "registry": "fraud/3"}}) == []
    assert problems({"model": {"path": "", "registry": "fraud@approved"}}) == []


def test_a_model_is_in_a_file_or_in_a_registry_and_not_in_both(the_problem):
    problem = the_problem({"model": {"registry": "fraud/3"}})

    assert problem.path == "model.registry"
    assert problem.message == "and `model.path` both say where the model is"


def test_an_environment_may_take_the_file_instead(problems):
    local = {"model": {"path": "fraud-1", "registry": None}, "image": None}
    spec = {"model": {"path": "", "registry": "fraud@approved"}, "environments": {"local": local}}

    assert problems(spec, "local") == []
    assert problems(spec, "prod") == []

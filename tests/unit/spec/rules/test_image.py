"""An image that is built: what its fields may be, and that it is the same in every environment."""

import pytest

from modelway.errors import SpecError
from modelway.spec import parse_spec

BASE = {"name": "fraud", "model": {"path": "m.onnx"}}
GPU = {
    "instance_type": "ml.g5.xlarge",
    "inference_ami_version": "al2023-ami-sagemaker-inference-gpu-4-1",
}


def refused(**parts):
    with pytest.raises(SpecError) as failure:
        parse_spec(BASE | parts)
    return [(problem.path, problem.message) for problem in failure.value.problems]


@pytest.mark.parametrize("builder", ["codebuild", "docker-build"])
def test_an_image_may_be_built_in_every_environment(problems, builder):
    assert problems({"image": {"builder": builder}}, "prod") == []


def test_packages_need_a_file_that_pins_them(the_problem):
    problem = the_problem({"image": {"packages": ["tinydb"]}})

    assert problem.path == "image.requirements"
    assert "modelway image lock SPEC" in problem.allowed


@pytest.mark.parametrize("name", ["handler.txt", "my-handler.py", "model_server.py", "1.py"])
def test_a_handler_must_be_a_module_of_its_own(the_problem, name):
    problem = the_problem({"image": {"handler": f"/folder/{name}"}})

    assert (problem.path, problem.value) == ("image.handler", name)


def test_the_handlers_variable_is_not_set_twice(the_problem):
    problem = the_problem(
        {
            "image": {"handler": "handler.py"},
            "serving": {"environment": {"MODEL_SERVER_HANDLER": "x"}},
        }
    )

    assert problem.path == "serving.environment.MODEL_SERVER_HANDLER"


def test_cuda_needs_a_gpu_and_its_driver(problems):
    found = problems({"image": {"variant": "cuda"}})

    assert [(each.path, each.message) for each in found] == [
        (
            "serving.inference_ami_version",
            "has no driver for CUDA 13, which the image's cuda variant brings",
        ),
        ("image.variant", "is cuda, and ml.m5.large (serving.instance_type) has no NVIDIA GPU"),
    ]
    assert problems({"image": {"variant": "cuda"}, "serving": GPU}) == []


def test_one_image_is_built_for_one_architecture(the_problem):
    challenger = {
        "name": "b",
        "model": {"path": "b.onnx"},
        "traffic_percent": 10,
        "instance_type": "ml.c7g.large",
    }

    problem = the_problem({"image": {"builder": "codebuild"}, "challengers": [challenger]})

    assert problem.path == "challengers[0].instance_type"
    assert problem.message == "is arm64, and one image is built, for amd64"


def test_a_wrong_field_is_told_by_its_place_in_the_file():
    assert refused(image={"builder": "kaniko", "base": "python:3.11", "package": []}) == [
        ("image.builder", "is not one of the choices"),
        ("image.base", "has characters or a form that are not allowed"),
        ("image.package", "is not a field; did you mean `packages`?"),
    ]


def test_an_image_that_is_neither_text_nor_fields_is_refused():
    assert refused(image=5) == [("image", "must be text")]


@pytest.mark.parametrize("override", [{"variant": "cuda"}, "repository@sha256:" + "a" * 64, None])
def test_an_environment_cannot_have_another_image_than_the_one_that_is_built(override):
    found = refused(image={"builder": "codebuild"}, environments={"prod": {"image": override}})

    assert found == [
        (
            "environments.prod.image",
            "cannot differ between environments where an image is built",
        )
    ]


def test_an_environment_cannot_be_the_only_one_to_build():
    found = refused(environments={"prod": {"image": {"builder": "codebuild"}}})

    assert [path for path, _ in found] == ["environments.prod.image"]


def test_an_image_by_digest_may_lie_in_another_registry_in_each_environment():
    digest = "sha256:" + "a" * 64

    spec = parse_spec(
        BASE | {"image": f"one@{digest}", "environments": {"prod": {"image": f"two@{digest}"}}}
    )

    assert spec.for_environment("prod").image == f"two@{digest}"

"""Instances and the container's environment."""

import pytest


def test_an_unknown_instance_type_names_the_nearest_ones(the_problem):
    problem = the_problem({"serving": {"instance_type": "m5.large"}})

    assert problem.path == "serving.instance_type"
    assert problem.value == "m5.large"
    assert problem.message.startswith(
        "is not an instance type that SageMaker hosts endpoints on; did you mean `ml.m5.large`"
    )


@pytest.mark.parametrize(
    ("instance_type", "volume_gib", "fits"),
    [
        ("ml.m5.large", 512, True),
        ("ml.g5.xlarge", 250, True),
        ("ml.g5.xlarge", 251, False),
        ("ml.g7.2xlarge", 512, True),
    ],
)
def test_a_volume_is_no_larger_than_local_storage(problems, instance_type, volume_gib, fits):
    found = problems({"serving": {"instance_type": instance_type, "volume_gib": volume_gib}})

    assert [problem.path for problem in found] == ([] if fits else ["serving.volume_gib"])


@pytest.mark.parametrize(
    ("instance_type", "version", "fits"),
    [
        ("ml.g5.xlarge", "al2-ami-sagemaker-inference-gpu-3-1", True),
        ("ml.g7.8xlarge", "al2023-ami-sagemaker-inference-gpu-4-1", True),
        ("ml.inf2.xlarge", "al2-ami-sagemaker-inference-neuron-2", True),
        ("ml.inf2.xlarge", "al2-ami-sagemaker-inference-gpu-2", False),
        ("ml.g5.xlarge", "al2-ami-sagemaker-inference-neuron-2", False),
        ("ml.g5.xlarge", "al3-ami", False),
        ("ml.m5.large", "al2-ami-sagemaker-inference-gpu-2", False),
    ],
)
def test_a_driver_version_must_fit_the_accelerator(problems, instance_type, version, fits):
    found = problems(
        {"serving": {"instance_type": instance_type, "inference_ami_version": version}}
    )

    assert [problem.path for problem in found] == (
        [] if fits else ["serving.inference_ami_version"]
    )


def test_100_entries_of_the_environment_fit_and_101_do_not(problems, the_problem):
    entries = {f"KEY_{index}": "x" for index in range(100)}

    assert problems({"serving": {"environment": entries}}) == []
    problem = the_problem({"serving": {"environment": {**entries, "MORE": "x"}}})
    assert (problem.path, problem.message) == ("serving.environment", "holds 101 entries")


@pytest.mark.parametrize(
    ("value", "fits"), [("v" * 1024, True), ("v" * 1025, False), ("ä" * 513, False)]
)
def test_a_value_has_up_to_1024_bytes(problems, value, fits):
    found = problems({"serving": {"environment": {"KEY": value}}})

    assert [problem.path for problem in found] == ([] if fits else ["serving.environment.KEY"])


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        ("A_1", True),
        ("_x", True),
        ("K" * 1024, True),
        ("K" * 1025, False),
        ("1A", False),
        ("A-B", False),
        ("", False),
        ("A\n", False),
    ],
)
def test_a_key_is_a_plain_name_of_up_to_1024_bytes(problems, key, fits):
    assert (problems({"serving": {"environment": {key: "x"}}}) == []) is fits


def test_all_keys_and_values_together_have_up_to_32_kib(problems, the_problem):
    exactly = {f"K{index:03}": "v" * 1020 for index in range(32)}

    assert problems({"serving": {"environment": exactly}}) == []
    problem = the_problem({"serving": {"environment": {**exactly, "A": ""}}})
    assert problem.message == "has 32769 bytes of keys and values"
    assert problem.allowed == "at most 32768 bytes together"

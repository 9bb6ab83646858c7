"""The production variant."""

import pytest

MIB = 1024 * 1024


def test_the_variant_has_a_name_without_a_version_and_all_the_weight(make_plan):
    variant = make_plan({"model": {"version": "7"}}).variant

    assert variant.name == "primary"
    assert variant.initial_weight == 1.0


def test_the_variant_starts_with_the_lower_bound(make_plan):
    assert make_plan({"scaling": {"min_instances": 3}}).variant.initial_instance_count == 3


@pytest.mark.parametrize(
    ("size_bytes", "startup", "download"),
    [
        (1000, 120, 120),
        (100 * MIB, 124, 130),
        (10_240 * MIB, 529, 1144),
        (1024 * 1024 * MIB, 3600, 3600),
    ],
)
def test_time_outs_follow_from_the_models_size(make_plan, size_bytes, startup, download):
    variant = make_plan(size_bytes=size_bytes).variant

    assert variant.startup_timeout_seconds == startup
    assert variant.download_timeout_seconds == download


def test_a_time_out_that_the_spec_gives_is_taken(make_plan, decision):
    plan = make_plan({"serving": {"startup_timeout_seconds": 60, "download_timeout_seconds": 61}})

    assert plan.variant.startup_timeout_seconds == 60
    assert plan.variant.download_timeout_seconds == 61
    assert decision(plan, "variant.startup_timeout_seconds") == (60, "as the spec says", "spec")


def test_time_outs_of_an_artifact_in_s3_are_generous(make_plan, decision):
    model = {"path": "s3://bucket/fraud.tar.gz", "digest": "sha256:" + "c" * 64}

    plan = make_plan({"model": model}, uri="s3://bucket/fraud.tar.gz")

    assert plan.variant.startup_timeout_seconds == 1800
    assert plan.variant.download_timeout_seconds == 1800
    assert "was not read" in decision(plan, "variant.startup_timeout_seconds")[1]


def test_volume_and_driver_are_the_users(make_plan):
    plan = make_plan(
        {
            "serving": {
                "instance_type": "ml.p3.2xlarge",
                "volume_gib": 100,
                "inference_ami_version": "al2-ami-sagemaker-inference-gpu-2",
            }
        }
    )

    assert plan.variant.volume_gib == 100
    assert plan.variant.inference_ami_version == "al2-ami-sagemaker-inference-gpu-2"
    assert make_plan().variant.volume_gib is None


def test_a_value_that_nobody_chose_says_why_it_is_so(make_plan, decision):
    value, reason, source = decision(make_plan(), "variant.instance_type")

    assert (value, source) == ("ml.m5.large", "modelway's default")
    assert reason == "two vCPUs and 8 GiB serve most ONNX models"

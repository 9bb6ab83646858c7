"""The catalogue of instance types."""

import botocore.session
import pytest

from modelway.spec.instances import instance_type, instance_types, nearest_types


def test_the_catalogue_has_exactly_the_types_that_botocore_knows():
    model = botocore.session.get_session().get_service_model("sagemaker")

    assert list(instance_types()) == model.shape_for("ProductionVariantInstanceType").enum


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("ml.m5.large", (2, 8.0, 0, 0, 0)),
        ("ml.c4.8xlarge", (36, 60.0, 0, 0, 0)),
        ("ml.c5.9xlarge", (36, 72.0, 0, 0, 0)),
        ("ml.r5d.24xlarge", (96, 768.0, 0, 0, 3600)),
        ("ml.g4dn.12xlarge", (48, 192.0, 4, 64, 900)),
        ("ml.g5.xlarge", (4, 16.0, 1, 24, 250)),
        ("ml.g5.48xlarge", (192, 768.0, 8, 192, 7600)),
        ("ml.p4d.24xlarge", (96, 1152.0, 8, 320, 8000)),
        ("ml.p5.4xlarge", (16, 256.0, 1, 80, 3840)),
        ("ml.inf2.xlarge", (4, 16.0, 0, 0, 0)),
        ("ml.g7.12xlarge", (48, 192.0, None, None, None)),
    ],
)
def test_a_type_has_its_published_figures(name, figures):
    found = instance_type(name)

    assert (
        found.vcpus,
        found.memory_gib,
        found.gpus,
        found.gpu_memory_gib,
        found.local_storage_gb,
    ) == figures


def test_every_type_has_processors_and_memory():
    assert min(found.vcpus for found in instance_types().values()) == 1
    assert min(found.memory_gib for found in instance_types().values()) == 2.0


def test_only_types_that_certainly_have_no_local_storage_take_a_volume_key():
    taking = {name for name, found in instance_types().items() if found.takes_volume_key}

    assert "ml.m5.large" in taking
    assert taking.isdisjoint({"ml.m5d.large", "ml.g5.xlarge", "ml.g7.2xlarge", "ml.p4d.24xlarge"})


def test_burstable_neuron_and_arm_types_are_known_as_such():
    assert [name for name, found in instance_types().items() if found.burstable] == [
        "ml.t2.medium",
        "ml.t2.large",
        "ml.t2.xlarge",
        "ml.t2.2xlarge",
    ]
    assert {found.family for found in instance_types().values() if found.neuron} == {
        "inf1",
        "inf2",
        "trn1",
        "trn1n",
        "trn2",
    }
    assert instance_type("ml.c7g.large").architecture == "arm64"
    assert instance_type("ml.g5.xlarge").architecture == "amd64"
    assert instance_type("ml.m6gd.large").architecture == "arm64"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("m5.large", "ml.m5.large"), ("ml.m5.larg", "ml.m5.large"), ("ml.g5.4xlarg", "ml.g5.4xlarge")],
)
def test_a_slip_finds_the_type_that_was_meant(wrong, right):
    assert instance_type(wrong) is None
    assert nearest_types(wrong)[0] == right

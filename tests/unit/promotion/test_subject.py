"""What a spec would deploy has the same digests everywhere, and others as soon as it differs."""

import pytest

from modelway.plan import Artifact, plan_deployment
from modelway.promotion.subject import plan_digest, spec_digest, subject_of
from modelway.spec import ModelSpec, load_spec

IMAGE = f"r@sha256:{'a' * 64}"
MODEL = f"sha256:{'1' * 64}"
SPEC = {
    "name": "fraud",
    "model": {"path": "/here/m.onnx"},
    "image": IMAGE,
    "objectives": {"p99_latency_ms": 50},
    "environments": {"prod": {"scaling": {"min_instances": 2}}},
}


def spec(**parts):
    return ModelSpec.model_validate(SPEC | parts)


def plan(of, environment="prod", **artifact):
    return plan_deployment(of, environment, Artifact(digest=MODEL, size_bytes=7, **artifact))


def test_image_and_models_are_those_of_the_plan():
    subject = subject_of(spec(), plan(spec()))

    assert subject.image == f"sha256:{'a' * 64}"
    assert subject.models == {"primary": MODEL}


def test_a_signature_changes_what_is_packed_and_not_the_package():
    members = {"package.json": "1" * 64, "model.onnx": "2" * 64}
    unsigned = subject_of(spec(), plan(spec(), members=members))
    signed = subject_of(spec(), plan(spec(), members=members, beside={"model.sig": b"{}"}))

    assert signed.packages == unsigned.packages == {"primary": MODEL}
    assert signed.models != unsigned.models
    assert subject_of(spec(), plan(spec())).packages == {}


def test_without_an_image_by_digest_there_is_none():
    of = spec(image=None)

    assert subject_of(of, plan(of, "local")).image is None


def test_what_is_packed_beside_a_model_is_part_of_its_digest():
    alone = subject_of(spec(), plan(spec()))
    packed = subject_of(spec(), plan(spec(), beside={"input_rules.json": b"{}"}))

    assert packed.models != alone.models


def test_the_digests_of_a_spec_and_its_plan_never_change_for_the_same_content():
    # With another digest here, every stack that has records refuses what it deployed yesterday.
    assert spec_digest(spec()) == (
        "sha256:a2b2dc2f31bd6052c12c7456e3b47f72ce849d3d790665ca8e5a2b1e736b6e73"
    )
    assert (
        plan_digest(plan(spec()))
        == "sha256:bb594d75c9cdbd70ac94ed4ad2ec421f4e302f71856cb151d748604dc45b13a2"
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"model": {"path": "/elsewhere/other.onnx"}},
        {"objectives": {"p99_latency_ms": 50.0}},
        {"environments": {"prod": {"scaling": {"min_instances": 2.0}}}},
    ],
)
def test_where_a_file_lies_and_how_a_number_is_written_make_no_difference(parts):
    assert spec_digest(spec(**parts)) == spec_digest(spec())


@pytest.mark.parametrize(
    "parts",
    [
        {"image": f"r@sha256:{'b' * 64}"},
        {"objectives": {"p99_latency_ms": 51}},
        {"model": {"path": "s3://bucket/m.tar.gz", "digest": MODEL}},
        {"model": {"path": "/here/m.onnx", "digest": MODEL}},
        {"environments": {"prod": {"scaling": {"min_instances": 3}}}},
        {"environments": {"prod": {"objectives": {"p99_latency_ms": None}}}},
        {"environments": {"prod": {}}},
        {"environments": {"prod": {"scaling": {"min_instances": 2}}, "dev": {}}},
        {"tags": {"team": "risk"}},
        {"tags": {"path": "risk"}},
        {"serving": {"environment": {"model": "x", "path": "y"}}},
    ],
)
def test_whatever_the_author_changes_changes_the_digest_of_the_spec(parts):
    assert spec_digest(spec(**parts)) != spec_digest(spec())


def test_an_address_is_what_the_author_wrote_and_no_path():
    def at(bucket):
        return spec(model={"path": f"s3://{bucket}/m.tar.gz", "digest": MODEL})

    assert spec_digest(at("a")) != spec_digest(at("b"))


def test_a_tag_called_path_is_no_path():
    assert spec_digest(spec(tags={"path": "a"})) != spec_digest(spec(tags={"path": "b"}))


def test_an_override_that_takes_a_value_away_is_no_absent_override():
    taken = spec(environments={"prod": {"objectives": {"p99_latency_ms": None}}})
    absent = spec(environments={"prod": {"objectives": {}}})

    assert spec_digest(taken) != spec_digest(absent)


def test_paths_are_left_out_wherever_a_model_is_named():
    def with_paths(folder):
        model = {"path": f"{folder}/m.onnx", "input_rules": f"{folder}/rules.json"}
        return spec(
            model=model,
            challengers=[{"name": "b", "model": model, "traffic_percent": 10}],
            environments={"prod": {"model": model}},
        )

    assert spec_digest(with_paths("/a")) == spec_digest(with_paths("/b"))


def test_a_file_has_the_same_digest_wherever_the_repository_lies(tmp_path):
    def written(folder, text):
        folder.mkdir()
        (folder / "fraud.yaml").write_text(text)
        return spec_digest(load_spec(folder / "fraud.yaml"))

    text = "name: fraud\nmodel: {path: m.onnx}\nenvironments: {prod: {scaling: {min_instances: 2}}}"
    reordered = (
        "# the same\nenvironments:\n  prod:\n    scaling:\n      min_instances: 2\n"
        "model: {path: ../n.onnx}\nname: fraud\n"
    )
    assert written(tmp_path / "a", text) == written(tmp_path / "b", reordered)


def test_the_plan_of_each_environment_has_a_digest_of_its_own():
    assert plan_digest(plan(spec(), "prod")) != plan_digest(plan(spec(), "dev"))


def test_the_plan_does_not_depend_on_where_the_model_lies(tmp_path):
    assert plan_digest(plan(spec(), path=tmp_path / "a")) == plan_digest(plan(spec()))


@pytest.mark.parametrize(
    "parts",
    [
        {"image": f"r@sha256:{'b' * 64}"},
        {"serving": {"instance_type": "ml.m5.xlarge"}},
        {"rollout": {"strategy": "canary", "step_percent": 10}},
        {"alarms": {"notify": ["ada@example.com"]}},
        {"logging": {"retention_days": 30}},
        {"tags": {"team": "risk"}},
    ],
)
def test_whatever_is_declared_otherwise_changes_the_digest_of_the_plan(parts):
    assert plan_digest(plan(spec(**parts))) != plan_digest(plan(spec()))

"""Releases of specs whose image is built: records name what was built, and nothing is rebuilt."""

from datetime import UTC, datetime

import pytest

from modelway.errors import PromotionError
from modelway.plan import Artifact, plan_deployment
from modelway.plan.model import Extras
from modelway.promotion.ledger import Ledger
from modelway.promotion.record import Tools
from modelway.promotion.release import Approval, of_spec
from modelway.promotion.subject import differences, subject_of
from modelway.spec import ModelSpec

BUILT, MODEL = f"sha256:{'b' * 64}", f"sha256:{'1' * 64}"
APPROVAL = Approval(
    "ada@example.com",
    datetime(2026, 11, 28, 12, tzinfo=UTC),
    Tools(modelway="0.1.0", pulumi="3.272.0", server="0.1.0"),
)


def subject(image, code="def preprocess(): ..."):
    spec = ModelSpec.model_validate(
        {"name": "fraud", "model": {"path": "/here/m.onnx"}, "image": image}
    )
    extras = Extras("", {"handler.py": code})
    artifact = Artifact(digest=MODEL, size_bytes=7)
    return subject_of(spec, plan_deployment(spec, "dev", artifact, extras=extras))


@pytest.fixture
def release(tmp_path):
    def make(of, built=None):
        return of_spec(Ledger(tmp_path, "dev", "fraud", (), ()), {"dev": of}, [], APPROVAL, built)

    return make


def test_a_record_names_the_image_that_was_built(release):
    record = release(subject({"handler": "/a/handler.py"}), BUILT)

    assert record.image == BUILT
    assert differences(record, subject({"handler": "/elsewhere/handler.py"})) == []


def test_another_handler_is_not_what_was_released(release):
    record = release(subject({"handler": "/a/handler.py"}), BUILT)

    found = differences(record, subject({"handler": "/a/handler.py"}, code="other = 1"))

    assert [each.field for each in found] == ["plans.dev"]


def test_a_release_of_a_built_image_needs_its_digest(release):
    with pytest.raises(PromotionError, match="Give the digest of the image that was built with"):
        release(subject({"builder": "codebuild"}))


def test_an_image_that_is_named_in_the_spec_is_not_named_again(release):
    with pytest.raises(PromotionError, match="--image is for a spec whose image is built"):
        release(subject(f"r@{BUILT}"), BUILT)

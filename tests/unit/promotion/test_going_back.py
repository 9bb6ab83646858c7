"""Going back by record: which record it is, what the next one says, and what is refused."""

from datetime import UTC, datetime

import pytest

from modelway.errors import PromotionError
from modelway.promotion.record import Tools
from modelway.promotion.release import Approval, earlier, returned, rollback_digest

APPROVAL = Approval(
    "ada@example.com",
    datetime(2026, 11, 28, 12, tzinfo=UTC),
    Tools(modelway="0.1.0", pulumi="3.272.0", server="0.1.0"),
)
ROLLBACK = {"endpoint": "fraud-prod", "content": {"variants": [{"initial_weight": 1.0}]}}


def digest(letter):
    return f"sha256:{letter * 64}"


def version(image, model, address="s3://b/models/fraud/{}/model.tar.gz"):
    """Give a version as the endpoint's history keeps it."""
    one = {"image": f"r@{digest(image)}", "model_data_url": address.format(model * 64)}
    return {"models": {"primary": one}}


@pytest.fixture
def three(records):
    records.write(image=digest("a"), models={"primary": digest("1")}, spec=digest("5"))
    records.write(image=digest("a"), models={"primary": digest("2")}, spec=digest("6"))
    records.write(image=digest("b"), models={"primary": digest("2")}, spec=digest("7"))
    return records


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (version("a", "1"), 1),
        (version("a", "2"), 2),
        (version("a", "1", "s3://mine/fraud.tar.gz"), 2),
    ],
)
def test_the_newest_earlier_record_with_the_versions_digests_is_found(three, content, number):
    assert earlier(three.ledger(), content).record.number == number


@pytest.mark.parametrize("content", [version("b", "2"), version("c", "1"), version("a", "3")])
def test_a_version_that_no_earlier_record_has_is_refused(three, content):
    with pytest.raises(PromotionError) as failure:
        earlier(three.ledger(), content)

    assert "a stack with records deploys nothing else. Go back in git" in str(failure.value)
    assert f"no record before {three.ledger().newest} has the image" in str(failure.value)


def test_variants_must_be_the_records_too(three):
    content = version("a", "1")
    content["models"]["b"] = content["models"]["primary"]

    with pytest.raises(PromotionError):
        earlier(three.ledger(), content)


def test_the_next_record_has_what_serves_again_and_the_spec_that_is_there(three):
    ledger = three.ledger()
    first, newest = ledger.entries[0], ledger.newest

    record = returned(ledger, first, ROLLBACK, APPROVAL)

    assert record.number == 4
    assert record.previous == newest.id
    assert record.image == digest("a")
    assert record.models == {"primary": digest("1")}
    assert record.spec == digest("7")
    assert record.plans == newest.record.plans
    assert record.rollback.to == first.id
    assert record.rollback.content == rollback_digest(ROLLBACK)
    assert record.promoted_from is None


def test_where_the_spec_itself_leads_there_no_file_is_named(three):
    ledger = three.ledger()

    assert returned(ledger, ledger.entries[0], None, APPROVAL).rollback.content is None


def test_the_digest_of_a_rollback_survives_engines_that_write_whole_numbers_as_integers():
    whole = {"endpoint": "fraud-prod", "content": {"variants": [{"initial_weight": 1}]}}

    assert rollback_digest(whole) == rollback_digest(ROLLBACK)


def test_an_approver_that_no_record_can_hold_is_refused_with_the_field(three):
    nobody = Approval("ada\nbob", APPROVAL.at, APPROVAL.tools)

    with pytest.raises(PromotionError, match="recording a release of fraud for stack prod: appr"):
        returned(three.ledger(), three.ledger().entries[0], None, nobody)

"""The log of rollouts in an endpoint's tags."""

from datetime import UTC, datetime

from modelway.sagemaker.rollout_log import outcomes, with_outcome, without

AT = datetime(2026, 11, 28, 10, 31, 5, tzinfo=UTC)


def test_an_outcome_is_written_in_the_characters_that_tags_take():
    tags = with_outcome(
        {}, AT, "fraud-dev-1a2b", "rolled back", 'Alarm "errors" (in new) fired; 5 %'
    )

    assert tags == {
        "modelway:rollout-1": "2026-11-28T10:31:05Z rolled back fraud-dev-1a2b Alarm errors in new "
        "fired 5"
    }


def test_the_newest_outcome_comes_first_and_the_fourth_is_forgotten():
    tags = {}
    for number in range(4):
        tags = with_outcome(tags, AT, f"config-{number}", "promoted", "")

    assert outcomes(tags) == [
        "2026-11-28T10:31:05Z promoted config-3",
        "2026-11-28T10:31:05Z promoted config-2",
        "2026-11-28T10:31:05Z promoted config-1",
    ]


def test_a_long_reason_is_cut_at_the_limit_of_a_tag():
    tags = with_outcome({}, AT, "fraud-dev-1a2b", "failed", "word " * 100)

    assert len(tags["modelway:rollout-1"]) <= 256
    assert tags["modelway:rollout-1"].endswith("word")


def test_other_tags_are_not_of_the_log():
    assert without({"team": "risk", "modelway:rollout-1": "x"}) == {"team": "risk"}

"""Which version a rollback goes back to."""

import pytest

from modelway.errors import DeploymentError
from modelway.rollback.choice import choose

OUTPUTS = {
    "endpoint_name": "fraud-prod",
    "owner": "o/p/prod",
    "models": {},
    "variants": [],
    "history_limit": 3,
    "timeout_seconds": 600,
    "endpoint_config_name": "fraud-prod-3",
    "model_names": [],
    "history": [
        {
            "endpoint_config_name": "fraud-prod-2",
            "model_names": [],
            "content": {"models": {"primary": {"image": "m@sha256:2"}}, "variants": []},
        },
        {"endpoint_config_name": "fraud-prod-1", "model_names": []},
    ],
}


def test_one_step_back_is_the_version_before_the_live_one():
    version = choose(OUTPUTS, 1)

    assert version.config_name == "fraud-prod-2"
    assert version.images == ["m@sha256:2"]


def test_more_steps_than_are_kept_are_refused_with_what_there_is():
    with pytest.raises(DeploymentError) as failure:
        choose(OUTPUTS, 3)

    assert str(failure.value) == (
        "rolling fraud-prod back by 3: no such version is kept. There are: 0: fraud-prod-3, "
        "1: fraud-prod-2, 2: fraud-prod-1. `rollout.history` in the spec says how many are kept."
    )


def test_a_version_that_nobody_remembers_is_refused_with_the_way_out():
    with pytest.raises(DeploymentError, match="Go back in git to the commit that deployed it"):
        choose(OUTPUTS, 2)

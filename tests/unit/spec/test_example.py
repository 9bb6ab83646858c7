"""The example spec that the demo deploys and the documentation shows."""

from pathlib import Path

import pytest

from modelway.spec import load_spec, rules

EXAMPLE = Path(__file__).parents[3] / "stacks" / "specs" / "digits.yaml"


def test_the_example_has_the_four_environments():
    assert list(load_spec(EXAMPLE).environments) == ["local", "dev", "staging", "prod"]


def test_the_example_breaks_no_rule_in_the_emulator():
    assert rules.check(load_spec(EXAMPLE), "local") == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_example_lacks_only_an_image_elsewhere(environment):
    found = rules.check(load_spec(EXAMPLE), environment)

    assert [problem.path for problem in found] == ["image"]

"""Places of fields as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.spec.paths import path_parts, path_text


@pytest.mark.parametrize(
    ("loc", "text"),
    [
        (("scaling", "schedules", 0, "name"), "scaling.schedules[0].name"),
        (("environments", "eu-west", "image"), "environments.eu-west.image"),
        (("tags", "cost center"), 'tags["cost center"]'),
        (("tags", "a.b"), 'tags["a.b"]'),
        (("tags", 'say "x"'), 'tags["say \\"x\\""]'),
        ((), ""),
    ],
)
def test_a_place_is_written_as_people_read_it_and_read_back(loc, text):
    assert path_text(loc) == text
    assert path_parts(text) == loc


@given(st.lists(st.integers(0, 999) | st.text(min_size=1), min_size=1).map(tuple))
def test_every_place_survives_being_written(loc):
    assert path_parts(path_text(loc)) == loc

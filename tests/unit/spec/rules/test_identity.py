"""Names and tags."""

import pytest


def test_the_longest_name_that_fits_is_accepted(problems):
    assert problems({"name": "a" * 45}) == []


def test_a_name_whose_derived_names_do_not_fit_is_refused(the_problem):
    problem = the_problem({"name": "a" * 46})

    assert problem.path == "name"
    assert problem.message == (
        f"makes the model name `{'a' * 46}-prod-<12 digits>` of 64 characters, over SageMaker's 63"
    )
    assert problem.allowed == "at most 45 characters with environment `prod`"


@pytest.mark.parametrize("environment", ["my_stack", "a.b", "-a", "a-", ""])
def test_an_environment_that_cannot_be_in_a_name_is_refused(the_problem, environment):
    problem = the_problem({}, environment)

    assert problem.message == "cannot be part of an endpoint's name"
    assert problem.value == environment


def test_47_tags_fit_beside_modelways_own(problems):
    assert problems({"tags": {f"tag-{index}": "x" for index in range(47)}}) == []


def test_48_tags_are_too_many(the_problem):
    problem = the_problem({"tags": {f"tag-{index}": "x" for index in range(48)}})

    assert (problem.path, problem.message) == ("tags", "holds 48 tags")
    assert problem.allowed == "at most 47, since a resource takes 50 with modelway's own"


@pytest.mark.parametrize("key", ["aws:team", "AWS:team", "modelway:model"])
def test_a_reserved_beginning_of_a_key_is_refused(the_problem, key):
    problem = the_problem({"tags": {key: "x"}})

    assert problem.path == f'tags["{key}"]'
    assert problem.message == "has a key with a reserved beginning"
    assert problem.allowed == "any but aws: and modelway:"


@pytest.mark.parametrize(("key", "fits"), [("k" * 128, True), ("k" * 129, False), ("", False)])
def test_a_key_has_1_to_128_characters(problems, key, fits):
    assert (problems({"tags": {key: "x"}}) == []) is fits


@pytest.mark.parametrize(("value", "fits"), [("v" * 256, True), ("v" * 257, False), ("", True)])
def test_a_value_has_up_to_256_characters(problems, value, fits):
    assert (problems({"tags": {"team": value}}) == []) is fits


@pytest.mark.parametrize(
    ("text", "fits"),
    [("Größe 1_a.b:c/d=e+f-g@h", True), ("a,b", False), ("a\nb", False), ("a(b)", False)],
)
def test_a_tag_holds_only_aws_characters(problems, text, fits):
    assert (problems({"tags": {"team": text}}) == []) is fits


def test_the_version_must_do_as_a_tag(the_problem):
    problem = the_problem({"model": {"version": "1 (new)"}})

    assert problem.path == "model.version"
    assert problem.message == "has a value that AWS does not take in a tag"

"""Subnets, security groups and keys."""

import pytest

SUBNET, GROUP = "subnet-0123456789abcdef{:01x}", "sg-0123456789abcdef{:01x}"


def network(subnets, groups):
    return {
        "network": {
            "subnet_ids": [SUBNET.format(index) for index in range(subnets)],
            "security_group_ids": [GROUP.format(index) for index in range(groups)],
        }
    }


@pytest.mark.parametrize(("subnets", "groups"), [(0, 0), (1, 1), (16, 5)])
def test_awss_numbers_are_accepted(problems, subnets, groups):
    assert problems(network(subnets, groups)) == []


def test_subnets_need_security_groups_and_the_other_way_round(the_problem):
    problem = the_problem(network(1, 0))
    assert problem.path == "network.security_group_ids"
    assert problem.message == "is missing: with subnets SageMaker needs it too"

    problem = the_problem(network(0, 1))
    assert problem.path == "network.subnet_ids"
    assert problem.message == "is missing: with security groups SageMaker needs it too"


def test_17_subnets_are_too_many(the_problem):
    changes = network(16, 1)
    changes["network"]["subnet_ids"].append("subnet-01234567")

    problem = the_problem(changes)

    assert (problem.path, problem.allowed) == ("network.subnet_ids", "1 to 16")


def test_6_security_groups_are_too_many(the_problem):
    problem = the_problem(network(1, 6))

    assert (problem.path, problem.allowed) == ("network.security_group_ids", "1 to 5")


@pytest.mark.parametrize("wrong", ["vpc-01234567", "subnet-xyz", "subnet-0123456789abcdef012", ""])
def test_an_identifier_of_another_form_is_refused(the_problem, wrong):
    changes = network(1, 1)
    changes["network"]["subnet_ids"] = [wrong]

    problem = the_problem(changes)

    assert (problem.path, problem.value) == ("network.subnet_ids[0]", wrong)


def test_an_identifier_is_listed_once(the_problem):
    changes = network(1, 1)
    changes["network"]["security_group_ids"] *= 2

    problem = the_problem(changes)

    assert (problem.path, problem.message) == ("network.security_group_ids[1]", "is listed twice")


@pytest.mark.parametrize(
    ("arn", "fits"),
    [
        ("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd", True),
        ("arn:aws:kms:eu-west-1:123456789012:alias/models", False),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", False),
        ("alias/models", False),
    ],
)
def test_a_key_is_named_by_its_own_arn(problems, arn, fits):
    found = problems({"encryption": {"kms_key_arn": arn}})

    assert [problem.path for problem in found] == ([] if fits else ["encryption.kms_key_arn"])

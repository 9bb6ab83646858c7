"""Rules of composite alarms."""

import pytest

from modelway.emulator.cloudwatch.composite import RuleError, alarms_of, holds, parse_rule

STATES = {"cpu": "ALARM", "disk": "OK", "no data": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(cpu)", True),
        ('ALARM("cpu") AND ALARM(disk)', False),
        ("ALARM(cpu) OR ALARM(disk)", True),
        ("ALARM(disk) AND ALARM(disk) OR ALARM(cpu)", True),
        ("ALARM(disk) AND (ALARM(disk) OR ALARM(cpu))", False),
        ("NOT ALARM(cpu) OR OK(disk)", True),
        ("NOT (ALARM(cpu) OR OK(disk))", False),
        ('INSUFFICIENT_DATA("no data")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu)", True),
        ("ALARM(unknown)", False),
        ("TRUE AND NOT FALSE", True),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(rule, expected):
    assert holds(parse_rule(rule), STATES.get) is expected


def test_a_rule_names_the_alarms_it_depends_on():
    condition = parse_rule('ALARM("cpu") AND NOT (OK(disk) OR TRUE)')

    assert alarms_of(condition) == ["cpu", "disk"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("ALARM(cpu) AND", "ends where"),
        ("ALARM(cpu) ALARM(disk)", "unexpected"),
        ("(ALARM(cpu)", "'\\)' is missing"),
        ("alarm(cpu)", "unexpected text at 'alarm"),
        ("", "ends where"),
        (" OR ".join(["ALARM(cpu)"] * 101), "more than 100 alarms"),
        ("ALARM(" + "x" * 10300 + ")", "at most 10240"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(rule, told):
    with pytest.raises(RuleError, match=told):
        parse_rule(rule)

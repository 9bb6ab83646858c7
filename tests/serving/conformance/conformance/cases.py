"""The table of all cases."""

from conformance import abuse, errors, protocol, round_trip
from conformance.case import Case, Form, Target

CASES: tuple[Case, ...] = (
    *round_trip.cases(),
    *protocol.cases(),
    *errors.cases(),
    *abuse.cases(),
)


def runs(target: Target) -> list[tuple[Case, Form]]:
    """Give what there is to run against a model: each case in each form that can be sent."""
    return [
        (case, form)
        for case in CASES
        if case.applies(target)
        for form in case.forms
        if target.has(form)
    ]

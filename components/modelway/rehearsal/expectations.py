"""Compares what happened with what the scenario expects.

Takes a finished rehearsal, gives a `Verdict` for each expectation that the scenario states. Must
not ask the emulator anything.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from modelway.rehearsal.calls import longest_unavailability_seconds
from modelway.rehearsal.outcome import rolled_back_by, seconds_to_roll_back
from modelway.rehearsal.record import Rehearsed, UpRecord
from modelway.rehearsal.scenario import ClientErrors
from modelway.rehearsal.versions import BETWEEN, UNKNOWN

_SHOWN = 5
"""How many of many names a verdict shows."""


@dataclass(frozen=True)
class Verdict:
    """One expectation, and what was found."""

    path: str
    """Its place in the scenario, such as `change.expect.outcome`."""
    expected: str
    found: str
    held: bool


def judge(rehearsed: Rehearsed) -> tuple[Verdict, ...]:
    """Judge every expectation that the scenario states."""
    verdicts: list[Verdict] = []
    for number, record in enumerate(rehearsed.ups[1:]):
        place = "change" if number == 0 else f"then[{number - 1}]"
        verdicts += _of_up(f"{place}.expect", record)
    verdicts += _of_clients(rehearsed)
    verdicts += _of_the_end(rehearsed)
    return tuple(verdicts)


def _of_up(place: str, record: UpRecord) -> Iterator[Verdict]:
    if record.up is None:
        return
    expect = record.up.expect
    if expect.outcome is not None:
        held = record.outcome == expect.outcome
        yield Verdict(f"{place}.outcome", expect.outcome, record.outcome, held)
    if expect.exit_status is not None:
        held = (record.exit_status == 0) == (expect.exit_status == "zero")
        found = str(record.exit_status)
        yield Verdict(f"{place}.exit_status", expect.exit_status, found, held)
    for text in expect.message:
        # The engine breaks lines where its boxes end.
        held = _words(text) in _words(record.output)
        found = "is in the output" if held else _last_line(record.output)
        yield Verdict(f"{place}.message", text, found, held)
    if expect.alarm is not None:
        found = rolled_back_by(record.events)
        held = any(_named(expect.alarm, word) for word in _split(found))
        yield Verdict(f"{place}.alarm", expect.alarm, found or "no roll-back began", held)
    limit = expect.rolled_back_within_seconds
    if limit is not None:
        took = seconds_to_roll_back(record.events)
        found = "no roll-back began" if took is None else f"{took:.0f} s"
        held = took is not None and took <= limit
        yield Verdict(f"{place}.rolled_back_within_seconds", f"{limit:g} s", found, held)


def _of_clients(rehearsed: Rehearsed) -> Iterator[Verdict]:
    expect = rehearsed.scenario.expect
    calls = [sent.call for sent in rehearsed.calls]
    errors = Counter(call.error for call in calls if call.error)
    failed = errors.total()
    shown = ", ".join(f"{count} {code}" for code, count in errors.most_common(_SHOWN))
    found = f"{failed} of {len(calls)}" + (f" ({shown})" if shown else "")
    if expect.client_errors == "none":
        # No error among no requests would prove nothing.
        yield Verdict("expect.client_errors", "none", found, bool(calls) and failed == 0)
    elif isinstance(expect.client_errors, ClientErrors):
        yield from _bounds(expect.client_errors, failed, len(calls), found)
    limit = expect.longest_unavailability_seconds
    if limit is not None:
        longest = longest_unavailability_seconds(calls)
        yield Verdict(
            "expect.longest_unavailability_seconds",
            f"at most {limit:g} s",
            f"{longest:.2f} s",
            longest <= limit,
        )
    if rehearsed.scenario.traffic is not None and expect.only_known_answers:
        strange = sum(1 for call in calls if call.version == UNKNOWN)
        yield Verdict(
            "expect.only_known_answers",
            "every answer is one of a deployed version",
            f"{strange} of {len(calls) - failed} are not",
            strange == 0,
        )
    if expect.versions_at_end is not None:
        wanted = set(expect.versions_at_end)
        last = [sent.call for sent in rehearsed.calls if sent.sent >= rehearsed.ups[-1].ended]
        seen = Counter(call.version for call in last if not call.error)
        # One that cannot be told apart may be the wanted one.
        known = {name for version in seen for name in _possible(version, wanted)}
        yield Verdict(
            "expect.versions_at_end",
            ", ".join(expect.versions_at_end),
            ", ".join(f"{version} ({count})" for version, count in sorted(seen.items())) or "none",
            known == wanted,
        )


def _of_the_end(rehearsed: Rehearsed) -> Iterator[Verdict]:
    expect = rehearsed.scenario.expect
    if expect.state_is_true and any(record.state is not None for record in rehearsed.ups):
        wrong = [
            f"after step {number} it names {record.state.config_name or 'nothing'}, "
            f"{record.config_after or 'nothing'} serves"
            for number, record in enumerate(rehearsed.ups)
            if record.state is not None and record.state.config_name != record.config_after
        ]
        yield Verdict(
            "expect.state_is_true",
            "the state names what serves, after every step",
            "; ".join(wrong[:_SHOWN]) or "it does",
            not wrong,
        )
    if expect.instances_at_end is not None:
        found = rehearsed.instances_at_end
        yield Verdict(
            "expect.instances_at_end",
            str(expect.instances_at_end),
            str(found),
            found == expect.instances_at_end,
        )
    if expect.scaling_kept:
        changes = rehearsed.scaling_changes
        found = "; ".join(changes[:_SHOWN]) or "as after the first up"
        yield Verdict("expect.scaling_kept", "as after the first up", found, not changes)
    if expect.shadow_differs_in is not None and rehearsed.shadow_fields is not None:
        fields = rehearsed.shadow_fields
        differing = sorted(name for name, differs in fields.items() if differs)
        found = f"{', '.join(differing) or 'nothing'} of {len(fields)} fields compared"
        held = bool(fields) and differing == sorted(expect.shadow_differs_in)
        expected = ", ".join(expect.shadow_differs_in) or "nothing"
        yield Verdict("expect.shadow_differs_in", expected, found, held)
    if expect.nothing_left and rehearsed.leftovers is not None:
        names = rehearsed.leftovers.names()
        found = ", ".join(names[:_SHOWN]) or "nothing"
        yield Verdict("expect.nothing_left", "nothing", found, not names)
    if expect.next_up_changes_nothing and rehearsed.next_changes is not None:
        changes = rehearsed.next_changes
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(changes.items()))
        held = set(changes) == {"same"}
        yield Verdict("expect.next_up_changes_nothing", "only `same`", found, held)
    if expect.next_up_leaves_endpoint and rehearsed.next_changes is not None:
        operations = rehearsed.next_endpoint_operations
        found = ", ".join(operations) or "nothing"
        yield Verdict(
            "expect.next_up_leaves_endpoint", "nothing to the endpoint", found, not operations
        )


def _bounds(bounds: ClientErrors, failed: int, total: int, found: str) -> Iterator[Verdict]:
    place = "expect.client_errors"
    if bounds.at_most is not None:
        yield Verdict(
            f"{place}.at_most", f"at most {bounds.at_most}", found, failed <= bounds.at_most
        )
    if bounds.at_most_percent is not None:
        held = total > 0 and failed * 100 <= bounds.at_most_percent * total
        yield Verdict(
            f"{place}.at_most_percent", f"at most {bounds.at_most_percent:g} %", found, held
        )
    if bounds.at_least is not None:
        yield Verdict(
            f"{place}.at_least", f"at least {bounds.at_least}", found, failed >= bounds.at_least
        )


def _possible(version: str, wanted: set[str]) -> set[str]:
    names = set(version.split(BETWEEN))
    return names & wanted or names


def _named(wanted: str, word: str) -> bool:
    return word == wanted or word.endswith(f"-{wanted}")


def _split(text: str) -> list[str]:
    return [word.strip("\"'`.,;:()[]") for word in text.split()]


def _words(text: str) -> str:
    return " ".join(text.split())


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # The engine's own last word, `error: update failed`, says nothing.
    errors = [line for line in lines if line.startswith("error:") and "update failed" not in line]
    return (errors or lines or ["no output"])[-1]

"""What came of operations, across restarts."""

from datetime import datetime

from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.record import EndpointRecord, Mix, Operation, Outcome

AT = datetime(2026, 1, 1, 12, 0, 0, 250_000)  # noqa: DTZ001 - naive as moto keeps it
RECORD = EndpointRecord(
    account_id="123456789012", region="us-east-1", name="fraud", arn="arn", tags=[]
)


def operation(number):
    return Operation(kind="update", number=number, deployment=None, capacities={}, started_at=AT)


def test_an_outcome_is_known_after_a_restart(tmp_path):
    outcome = Outcome(succeeded=False, failure_reason="no ping", at=AT)
    Outcomes(tmp_path / "state" / "hosting.jsonl").add(RECORD, operation(2), outcome)

    restarted = Outcomes(tmp_path / "state" / "hosting.jsonl")

    assert restarted.of(RECORD, operation(2)) == outcome
    assert restarted.of(RECORD, operation(3)) is None


def test_a_line_cut_off_by_a_kill_counts_as_still_running(tmp_path):
    path = tmp_path / "hosting.jsonl"
    done = Outcome(succeeded=True, failure_reason=None, at=AT)
    Outcomes(path).add(RECORD, operation(1), done)
    Outcomes(path).add(RECORD, operation(2), done)
    path.write_text(path.read_text()[:-25])

    restarted = Outcomes(path)

    assert restarted.of(RECORD, operation(1)) == done
    assert restarted.of(RECORD, operation(2)) is None


def test_cleared_outcomes_are_forgotten_on_disk_too(tmp_path):
    path = tmp_path / "hosting.jsonl"
    outcomes = Outcomes(path)
    outcomes.add(RECORD, operation(1), Outcome(succeeded=True, failure_reason=None, at=AT))

    outcomes.clear()

    assert outcomes.of(RECORD, operation(1)) is None
    assert not path.exists()


def test_what_a_failed_rollback_left_is_known_after_a_restart(tmp_path):
    mix = Mix(old={"primary": 2}, new={"primary": 1}, share=0.25)
    outcome = Outcome(succeeded=False, failure_reason="no ping", at=AT, mix=mix)
    Outcomes(tmp_path / "hosting.jsonl").add(RECORD, operation(2), outcome)

    assert Outcomes(tmp_path / "hosting.jsonl").of(RECORD, operation(2)) == outcome


def test_the_last_outcome_of_an_operation_counts(tmp_path):
    path = tmp_path / "hosting.jsonl"
    for reason in ("it rolls back", "it rolled back"):
        Outcomes(path).add(
            RECORD, operation(2), Outcome(succeeded=False, failure_reason=reason, at=AT)
        )

    assert Outcomes(path).of(RECORD, operation(2)).failure_reason == "it rolled back"

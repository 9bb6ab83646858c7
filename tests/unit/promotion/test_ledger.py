"""A ledger is read as it was written, or every problem is told; nothing is ever overwritten."""

import json
import multiprocessing
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelway.errors import PromotionError
from modelway.promotion.ledger import append, has_records, keep_evidence, recorded
from modelway.promotion.record import canonical
from modelway.promotion.signing import sign

B, C = f"sha256:{'b' * 64}", f"sha256:{'c' * 64}"


@pytest.fixture
def three(records):
    """A stack with three records."""
    records.write()
    records.write(image=B)
    records.write(image=C)
    return records


def files(records, stack="prod"):
    folder = records.folder / stack / "fraud"
    return sorted(each for each in folder.iterdir() if not each.name.endswith(".dsse.json"))


def test_a_stack_without_records_has_an_empty_ledger(records):
    ledger = records.ledger()

    assert (ledger.empty, ledger.newest, ledger.problems) == (True, None, ())
    assert has_records(records.folder, "prod", "fraud") is False
    assert recorded(records.folder) == []


def test_records_are_read_in_their_order_with_their_signers(three):
    ledger = three.ledger()

    assert ledger.problems == ()
    assert [entry.record.number for entry in ledger.entries] == [1, 2, 3]
    assert [entry.signers for entry in ledger.entries] == [{"ci"}] * 3
    assert ledger.newest.record.image == C
    assert ledger.find(ledger.entries[1].id) == ledger.entries[1]
    assert [entry.record.previous for entry in ledger.entries] == [
        None,
        ledger.entries[0].id,
        ledger.entries[1].id,
    ]


def test_a_record_lies_beside_its_signature_under_number_and_id(records):
    entry = records.write()

    digits = entry.id.removeprefix("sha256:")[:12]
    assert sorted(each.name for each in entry.path.parent.iterdir()) == [
        f"0001-{digits}.dsse.json",
        f"0001-{digits}.json",
    ]
    assert entry.path.read_bytes() == canonical(entry.record)


def test_stacks_and_models_with_records_are_found_beside_keys_and_evidence(three):
    three.write("staging")
    (three.folder / "keys").mkdir()
    keep_evidence(three.folder, b"{}", ".json")

    assert recorded(three.folder) == [("prod", "fraud"), ("staging", "fraud")]


def problems_after(records, change, trusted=None):
    change(files(records))
    ledger = records.ledger(trusted=trusted)
    with pytest.raises(PromotionError, match="they are not as modelway wrote them"):
        ledger.verified()
    return " | ".join(ledger.problems)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def envelope(path):
    return path.with_suffix(".dsse.json")


def exchange(first, second):
    """Swap the contents of two records, with their signatures."""
    for one, other in ((first, second), (envelope(first), envelope(second))):
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda paths: edit(paths[1], B, C), "was edited: its digest begins with"),
        (lambda paths: edit(paths[2], "ada@", "eve@"), "was edited"),
        (lambda paths: [paths[1].unlink(), envelope(paths[1]).unlink()], "comes after number 2"),
        (lambda paths: [paths[0].unlink(), envelope(paths[0]).unlink()], "comes after number 1"),
        (lambda paths: paths[2].unlink(), "signs a record that is not there"),
        (lambda paths: envelope(paths[2]).unlink(), "is not signed: 0003-"),
        (lambda paths: envelope(paths[2]).write_text("{}"), "is no DSSE envelope"),
        (
            lambda paths: envelope(paths[2]).write_bytes(envelope(paths[1]).read_bytes()),
            "holds another record",
        ),
        (lambda paths: exchange(paths[0], paths[1]), "was edited"),
        (
            lambda paths: paths[2].rename(paths[2].with_name(f"0004{paths[2].name[4:]}")),
            "comes after number 3, which is not there",
        ),
        (
            lambda paths: shutil.copy(paths[2], paths[2].with_name(f"0003-{'0' * 12}.json")),
            "number 3 is taken by 0003-",
        ),
        (
            lambda paths: (paths[0].parent / "notes.txt").write_text("x"),
            "notes.txt: is neither a record nor a signature of one",
        ),
        (lambda paths: paths[1].write_bytes(b" " * 2_000_000), "has more than 1048576 bytes"),
    ],
)
def test_tampering_is_told_with_the_file(three, change, message):
    assert message in problems_after(three, change)


def test_a_record_of_another_stack_does_not_count_here(three):
    three.write("staging")
    (other,) = files(three, "staging")
    shutil.rmtree(three.folder / "prod")
    shutil.copytree(three.folder / "staging", three.folder / "prod")

    assert three.ledger().problems == (
        f"{three.folder}/prod/fraud/{other.name}: is a record of fraud in stack staging",
    )


def test_a_record_that_does_not_follow_the_one_before_it_is_refused(three, keys):
    forged = three.make(previous=B)
    path = three.folder / "prod" / "fraud" / forged.file_name
    path.write_bytes(canonical(forged))
    envelope(path).write_bytes(sign(canonical(forged), keys["ci"]))

    (problem,) = three.ledger().problems
    assert f"follows {B}, but the record before it is {three.ledger().newest.id}" in problem


def test_a_record_cannot_go_back_to_what_is_no_earlier_record(three):
    three.write(rollback={"to": B, "content": None})

    (problem,) = three.ledger().problems
    assert f"goes back to {B}, which is no earlier record" in problem


def test_a_key_that_is_not_trusted_counts_for_nothing(three, keys):
    assert "no trusted key signed it (trusted: other" in problems_after(
        three, lambda _paths: None, {"other": keys["mallory"].public_key()}
    )


def test_records_before_a_problem_are_given_and_none_after_it(three):
    edit(files(three)[1], B, C)

    assert [entry.record.number for entry in three.ledger().entries] == [1]
    assert len(three.ledger().problems) == 1
    assert three.ledger().empty is False


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_change_of_any_byte_of_any_record_is_found(three, data):
    path = data.draw(st.sampled_from(files(three)))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != content[place]))
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    try:
        assert three.ledger().problems != ()
    finally:
        path.write_bytes(content)
    assert three.ledger().problems == ()


def test_a_record_is_never_overwritten(three, keys):
    before = three.ledger()
    record = three.make(approver="bob@example.com")
    three.write(approver="eve@example.com")

    with pytest.raises(PromotionError, match="another record was written meanwhile"):
        append(before, record, sign(canonical(record), keys["ci"]))

    assert three.ledger().newest.record.approver == "eve@example.com"
    assert len(three.ledger().entries) == 4


def test_nothing_is_written_into_a_ledger_with_problems(three, keys):
    edit(files(three)[2], C, B)
    record = three.make()
    there = sorted((three.folder / "prod" / "fraud").iterdir())

    with pytest.raises(PromotionError, match="Restore them with `git checkout -- "):
        append(three.ledger(), record, sign(canonical(record), keys["ci"]))

    assert sorted((three.folder / "prod" / "fraud").iterdir()) == there


@pytest.mark.parametrize("stack", ["keys", "evidence"])
def test_a_stack_cannot_be_called_like_a_folder_of_all_stacks(records, keys, stack):
    record = records.make(stack, plans={stack: B})

    with pytest.raises(PromotionError, match="call the stack otherwise"):
        append(records.ledger(stack), record, sign(canonical(record), keys["ci"]))


def test_evidence_is_kept_once_under_its_digest(records):
    first = keep_evidence(records.folder, b'{"outcome": "passed"}', ".json")

    assert keep_evidence(records.folder, b'{"outcome": "passed"}', ".json") == first
    assert json.loads(first.read_text()) == {"outcome": "passed"}
    assert len(first.stem) == 64
    assert [each.name for each in first.parent.iterdir()] == [first.name]


def _race(records, start, results, approver):
    record = records.make(approver=approver)
    ledger = records.ledger()
    start.wait()
    try:
        append(ledger, record, b"{}")
        results.put("written")
    except PromotionError as error:
        results.put(str(error))


def test_of_two_writers_at_once_one_is_told_to_run_again(records):
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(2), fork.Queue()
    writers = [
        fork.Process(target=_race, args=(records, start, results, f"{name}@example.com"))
        for name in ("ada", "bob")
    ]
    for writer in writers:
        writer.start()
    outcomes = sorted((results.get(timeout=60), results.get(timeout=60)), key=len)
    for writer in writers:
        writer.join()

    assert outcomes[0] == "written"
    assert "run the command again" in outcomes[1]
    assert len(files(records)) == 1

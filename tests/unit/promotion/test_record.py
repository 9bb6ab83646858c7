"""A record has one form, one id, and says what is wrong with it."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.errors import PromotionError
from modelway.promotion.record import (
    Evidence,
    ReleaseRecord,
    canonical,
    read_record,
    sort_evidence,
)

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
MEMBERS = {
    "schema": "modelway.release/1",
    "stack": "prod",
    "model": "fraud",
    "number": 1,
    "previous": None,
    "image": A,
    "models": {"primary": B},
    "packages": {},
    "spec": A,
    "plans": {"prod": A},
    "tools": {"modelway": "0.1.0", "pulumi": "3.272.0", "server": "0.1.0+0123456789ab"},
    "evidence": [],
    "approver": "ada@example.com",
    "promoted_from": None,
    "rollback": None,
    "created_at": "2026-11-28T10:00:00Z",
}
GOLDEN = "sha256:5fe83c4048e62bebb96c290ff4b9916b84a8f27d75959701b987b3abdb9b7789"


def record(**parts):
    return ReleaseRecord.model_validate(MEMBERS | parts)


def test_the_id_is_the_sha256_of_the_file_and_never_changes_for_the_same_content():
    content = canonical(record())

    assert record().id == "sha256:" + hashlib.sha256(content).hexdigest()
    assert record().id == GOLDEN
    assert record().file_name == f"0001-{GOLDEN[7:19]}.json"


def test_a_record_reads_well_in_a_diff():
    lines = canonical(record()).decode().splitlines()

    assert lines[:3] == [
        "{",
        '  "approver": "ada@example.com",',
        '  "created_at": "2026-11-28T10:00:00Z",',
    ]
    assert '  "schema": "modelway.release/1",' in lines
    assert canonical(record()).endswith(b"}\n")


DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda each: f"sha256:{each}")
NAMES = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,10}", fullmatch=True)
EVIDENCE = st.builds(
    lambda kind, sha256, outcome: Evidence(kind=kind, sha256=sha256, outcome=outcome),
    st.sampled_from(["tests", "parity", "bake"]),
    DIGESTS,
    st.sampled_from(["passed", "failed"]),
)


@given(
    st.dictionaries(NAMES, DIGESTS, min_size=1, max_size=3),
    st.dictionaries(NAMES, DIGESTS, max_size=3),
    st.lists(EVIDENCE, max_size=4),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
)
def test_what_is_written_is_read_again_as_it_was(models, plans, evidence, approver):
    made = record(
        models=models,
        plans={**plans, "prod": A},
        evidence=sort_evidence(evidence),
        approver=approver,
    )

    assert read_record(canonical(made)) == made


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("  ", "    "),
        lambda text: text + "\n",
        lambda text: text.rstrip("\n"),
        lambda text: "﻿" + text,
        lambda text: text.replace('"number": 1', '"number": 1.0'),
        lambda text: text.replace('"number": 1', '"number": "1"'),
        lambda text: json.dumps(json.loads(text)) + "\n",
        lambda text: text.replace('"model": "fraud"', '"model": "other",\n  "model": "fraud"'),
        lambda text: text.replace('  "rollback": null,\n', ""),
        lambda text: text.replace("ada@", r"\u0061da@"),
    ],
)
def test_any_other_form_of_the_same_record_is_refused(edit):
    text = canonical(record()).decode()
    assert edit(text) != text

    with pytest.raises(PromotionError):
        read_record(edit(text).encode())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"image": "latest"}, "image: has characters or a form that are not allowed"),
        ({"image": A.upper()}, "image: has characters"),
        ({"schema": "modelway.release/2"}, "is not one of the choices"),
        ({"note": "x"}, "note: is not a field"),
        ({"number": 0, "previous": A}, "number: is out of range"),
        ({"number": 2}, "`previous` must be null in number 1, and only there"),
        ({"previous": A}, "`previous` must be null in number 1, and only there"),
        ({"plans": {"dev": A}}, "`plans` must hold the record's own stack"),
        ({"models": {}}, "models"),
        ({"approver": ""}, "approver"),
        ({"approver": "ada\nbob"}, "approver"),
        ({"created_at": "2026-11-28 10:00"}, "created_at"),
        ({"rollback": {"to": A, "content": None}}, "number 1 has nothing to go back to"),
        (
            {"evidence": [{"kind": kind, "sha256": A, "outcome": "passed"} for kind in "ba"]},
            "`evidence` must be sorted",
        ),
    ],
)
def test_a_record_that_breaks_rules_says_which(parts, message):
    content = json.dumps(MEMBERS | parts, indent=2, sort_keys=True).encode() + b"\n"

    with pytest.raises(PromotionError) as failure:
        read_record(content)

    assert message in str(failure.value)


def test_all_problems_are_told_at_once():
    content = json.dumps(MEMBERS | {"image": "x", "spec": "y"}).encode()

    with pytest.raises(PromotionError) as failure:
        read_record(content)

    assert "image: " in str(failure.value)
    assert "spec: " in str(failure.value)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"NaN", b"null"])
def test_what_is_no_json_object_is_refused(content):
    with pytest.raises(PromotionError):
        read_record(content)

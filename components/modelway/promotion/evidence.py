"""Files that speak for a release: test reports, parity, rehearsals.

Takes a kind and a file, gives its digest and what it says. Must not judge whether it is enough.

    JSON         `"outcome": "passed"` or `"failed"`, `"passed": true`, or a rehearsal's `"held"`;
                 a `"subject"` is the digest that it speaks of
    DSSE         of the kind `provenance` alone: a signed statement, which is verified
    JUnit XML    what pytest writes with `--junit-xml`: passed without failures and errors
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from xml.etree import ElementTree as ET

from pydantic import ValidationError

from modelway.errors import PromotionError
from modelway.promotion.policy import PROVENANCE
from modelway.promotion.record import Evidence, digest
from modelway.spec.problems import field_problems

LARGEST_BYTES = 64 * 1024 * 1024

_TRUTHS = ("passed", "held")


@dataclass(frozen=True)
class EvidenceFile:
    """One file as it was read."""

    evidence: Evidence
    content: bytes
    suffix: str
    """Of its name, such as `.json`."""


def read_evidence(
    given: Sequence[str],
    subjects: Collection[str],
    verify: Callable[[bytes], object] | None = None,
) -> list[EvidenceFile]:
    """Read files that are given as `KIND=FILE`.

    Args:
        given: such as `tests=junit.xml`.
        subjects: digests that a file may say it speaks of.
        verify: raises `PromotionError` for a provenance that does not count. Default: none does.

    Raises:
        PromotionError: a file cannot be read, says nothing, or speaks of something else; all
            problems are told.
    """
    files: list[EvidenceFile] = []
    problems: list[str] = []
    for each in given:
        try:
            files.append(_read(each, subjects, verify))
        except ValidationError as error:
            problems += [f"--evidence {each}: {one}" for one in field_problems(Evidence, error)]
        except PromotionError as error:
            problems.append(f"--evidence {each}: {error}")
    if problems:
        raise PromotionError("reading the evidence: " + "\n  ".join(problems))
    return files


def _read(
    given: str, subjects: Collection[str], verify: Callable[[bytes], object] | None
) -> EvidenceFile:
    kind, _equals, name = given.partition("=")
    if not name:
        raise PromotionError("allowed: KIND=FILE, such as tests=junit.xml")
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise PromotionError(f"{error.strerror}") from None
    if len(content) > LARGEST_BYTES:
        raise PromotionError(f"has more than {LARGEST_BYTES} bytes")
    if kind == PROVENANCE:
        return _provenance(content, verify)
    is_xml = content.lstrip()[:1] == b"<"
    passed = _junit(content) if is_xml else _json(content, subjects)
    outcome: Literal["passed", "failed"] = "passed" if passed else "failed"
    evidence = Evidence(kind=kind, sha256=digest(content), outcome=outcome)
    return EvidenceFile(evidence, content, ".xml" if is_xml else ".json")


def _provenance(content: bytes, verify: Callable[[bytes], object] | None) -> EvidenceFile:
    if verify is None:
        raise PromotionError("a provenance can be verified where a release is recorded only")
    verify(content)
    evidence = Evidence(kind=PROVENANCE, sha256=digest(content), outcome="passed")
    return EvidenceFile(evidence, content, ".json")


def _json(content: bytes, subjects: Collection[str]) -> bool:
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PromotionError(f"is neither JSON nor JUnit XML: {error}") from None
    members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    subject = members.get("subject")
    if subject is not None and subject not in subjects:
        raise PromotionError(
            f"speaks of {subject}, which is not in this release; allowed: "
            + ", ".join(sorted(subjects))
        )
    if members.get("outcome") in ("passed", "failed"):
        return members["outcome"] == "passed"
    for name in _TRUTHS:
        if isinstance(members.get(name), bool):
            return bool(members[name])
    raise PromotionError(
        'does not say how it went; allowed: "outcome": "passed" or "failed", or "passed" or "held" '
        "with true or false"
    )


def _junit(content: bytes) -> bool:
    try:
        # The user's own file; and expat, from 2.4.1 on, refuses entities that explode.
        root = ET.fromstring(content)  # noqa: S314
    except ET.ParseError as error:
        raise PromotionError(f"is not XML: {error}") from None
    suites = list(root.iter("testsuite"))
    counts = [
        (_count(each, "tests"), _count(each, "failures") + _count(each, "errors"))
        for each in suites
    ]
    if not sum(tests for tests, _bad in counts):
        raise PromotionError("is no JUnit report with tests in it")
    return all(bad == 0 for _tests, bad in counts)


def _count(suite: ET.Element, name: str) -> int:
    text = suite.get(name, "0")
    if not text.isdecimal():
        raise PromotionError(f"is no JUnit report: `{name}` is {text!r}, not a number")
    return int(text)

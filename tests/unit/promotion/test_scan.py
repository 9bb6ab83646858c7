"""What a scan found passes, or does not, as the policy says."""

from datetime import UTC, date, datetime

import pytest

from modelway.cli.promotion import scan_rules
from modelway.promotion.policy import ScanPolicy, StackPolicy
from modelway.promotion.scan import Finding, Scan, judge_scan
from modelway.spec.image import ImageBuild

NOW = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)


def scan(*severities, status="COMPLETE", description=""):
    findings = [Finding(f"CVE-2026-{at}", each) for at, each in enumerate(severities, 1)]
    return Scan(status, description, tuple(findings), NOW)


def judge(found, highest="medium", **allowed):
    names = {name.replace("_", "-"): until for name, until in allowed.items()}
    rule = judge_scan(found, ScanPolicy(highest_severity=highest, allowed=names))
    return rule.passed, rule.found


def test_findings_up_to_the_highest_that_may_pass_pass():
    assert judge(scan("INFORMATIONAL", "LOW", "MEDIUM")) == (True, "3 findings")
    assert judge(scan("CRITICAL"), highest="critical") == (True, "1 findings")
    assert judge(scan(), highest="none") == (True, "0 findings")


def test_each_finding_above_it_is_named():
    assert judge(scan("CRITICAL", "LOW", "HIGH")) == (
        False,
        "CVE-2026-1 (CRITICAL), CVE-2026-3 (HIGH); medium is the highest that may pass",
    )
    assert not judge(scan("INFORMATIONAL"), highest="none")[0]


@pytest.mark.parametrize("severity", ["UNDEFINED", "SOMETHING NEW"])
def test_a_severity_that_nobody_has_decided_does_not_pass(severity):
    assert not judge(scan(severity), highest="critical")[0]


def test_an_allowed_finding_passes_until_the_end_of_its_day():
    assert judge(scan("HIGH"), CVE_2026_1=date(2026, 11, 28)) == (
        True,
        "1 findings, allowed: CVE-2026-1",
    )
    assert judge(scan("HIGH"), CVE_2026_1=date(2026, 11, 27)) == (
        False,
        "CVE-2026-1 (HIGH, was allowed until 2026-11-27); medium is the highest that may pass",
    )
    assert not judge(scan("HIGH"), CVE_2026_2=date(2026, 12, 31))[0]


def test_no_scan_does_not_pass():
    passed, found = judge(None)

    assert not passed
    assert found.startswith("the image was not scanned")


@pytest.mark.parametrize("status", ["IN_PROGRESS", "FAILED", "PENDING", "FINDINGS_UNAVAILABLE"])
def test_a_scan_that_did_not_finish_does_not_pass(status):
    assert judge(scan(status=status, description="why")) == (False, f"the scan is {status}: why")


def test_inspector_s_scans_that_go_on_count():
    assert judge(scan("LOW", status="ACTIVE")) == (True, "1 findings")


def test_an_image_whose_repository_is_not_known_does_not_pass():
    rules = scan_rules(StackPolicy(scan=ScanPolicy(highest_severity="critical")), ImageBuild())

    assert [(rule.name, rule.passed) for rule in rules] == [("scan", False)]
    assert "name it in the spec as REPOSITORY@sha256:..." in rules[0].found


def test_a_policy_without_a_scan_asks_nothing_of_an_image_that_is_built():
    assert scan_rules(StackPolicy(), ImageBuild()) == []

"""What a scan of an image found is what a test says; nothing is made up."""

from types import SimpleNamespace

import pytest
import requests

from modelway.promotion.live import read_scan
from modelway.promotion.policy import ScanPolicy
from modelway.promotion.scan import judge_scan

pytestmark = pytest.mark.integration


@pytest.fixture
def image(registry, repository):
    return {"imageDigest": registry.image(repository, b"layer")}


def tell(emulator, **members):
    session = requests.Session()
    session.trust_env = False
    return session.post(f"{emulator.url}/_modelway/scans", json=members, timeout=30)


def test_an_image_of_which_nothing_was_said_has_no_scan(client, repository, image):
    ecr = client("ecr")

    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        ecr.describe_image_scan_findings(repositoryName=repository, imageId=image)


def test_a_scan_that_was_only_started_has_no_findings(client, repository, image):
    ecr = client("ecr")
    ecr.start_image_scan(repositoryName=repository, imageId=image)

    found = ecr.describe_image_scan_findings(repositoryName=repository, imageId=image)

    assert found["imageScanStatus"]["status"] == "FINDINGS_UNAVAILABLE"
    assert "the emulator scans nothing" in found["imageScanStatus"]["description"]
    assert "imageScanFindings" not in found


def test_a_scan_finds_what_somebody_says(client, emulator, repository, image):
    findings = [
        {"name": "CVE-2026-1", "severity": "HIGH"},
        {"name": "CVE-2026-2", "severity": "LOW"},
    ]

    told = tell(emulator, repository=repository, digest=image["imageDigest"], findings=findings)

    found = client("ecr").describe_image_scan_findings(repositoryName=repository, imageId=image)
    assert told.json() == {"findings": 2}
    assert found["imageScanStatus"]["status"] == "COMPLETE"
    assert found["imageScanFindings"]["findings"] == findings
    assert found["imageScanFindings"]["findingSeverityCounts"] == {"HIGH": 1, "LOW": 1}


def test_a_release_is_judged_by_what_the_scan_found(
    client, emulator, repository, image, monkeypatch
):
    monkeypatch.setattr("boto3.session.Session", lambda **_: SimpleNamespace(client=client))
    digest = image["imageDigest"]
    name = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{repository}@{digest}"
    policy = ScanPolicy(highest_severity="medium")

    def judge(**said):
        tell(emulator, repository=repository, digest=digest, **said)
        rule = judge_scan(read_scan(name), policy)
        return rule.passed, rule.found

    assert read_scan(name) is None
    assert judge(findings=[{"name": "CVE-2026-2", "severity": "LOW"}]) == (True, "1 findings")
    assert judge(findings=[{"name": "CVE-2026-1", "severity": "HIGH"}]) == (
        False,
        "CVE-2026-1 (HIGH); medium is the highest that may pass",
    )
    assert judge(status="FAILED") == (False, "the scan is FAILED")


def test_what_is_no_scan_is_refused(emulator):
    answer = tell(emulator, repository="models")

    assert answer.status_code == 400
    assert "allowed: repository, digest, status, findings" in answer.json()["error"]

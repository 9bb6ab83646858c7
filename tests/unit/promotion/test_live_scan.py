"""The scan of an image, from ECR's answers; the service model checks what is asked."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from modelway.errors import DeploymentError, ImageError
from modelway.promotion.live import read_scan
from modelway.promotion.scan import Finding

DIGEST = f"sha256:{'a' * 64}"
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/models@{DIGEST}"
ASKED = {
    "registryId": "123456789012",
    "repositoryName": "team/models",
    "imageId": {"imageDigest": DIGEST},
}


@pytest.fixture
def ecr(monkeypatch):
    """A client that gives prepared answers, in their order."""
    client = boto3.client("ecr", region_name="us-east-1")

    class Session:
        def __init__(self, region_name=None):
            assert region_name == "eu-west-1"

        def client(self, name):
            return {"ecr": client}[name]

    monkeypatch.setattr("boto3.session.Session", Session)
    with Stubber(client) as stub:
        yield stub


def answer(**findings):
    return {
        "imageScanStatus": {"status": "COMPLETE", "description": "done"},
        "imageScanFindings": findings,
        "ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 28 Nov 2026 12:30:00 GMT"}},
    }


def test_the_findings_of_every_page_are_read_by_aws_s_clock(ecr):
    first = answer(findings=[{"name": "CVE-2026-1", "severity": "HIGH"}]) | {"nextToken": "2"}
    second = answer(findings=[{"name": "CVE-2026-2", "severity": "LOW"}])
    ecr.add_response("describe_image_scan_findings", first, ASKED)
    ecr.add_response("describe_image_scan_findings", second, ASKED | {"nextToken": "2"})

    scan = read_scan(IMAGE)

    assert scan.findings == (Finding("CVE-2026-1", "HIGH"), Finding("CVE-2026-2", "LOW"))
    assert (scan.status, scan.description) == ("COMPLETE", "done")
    assert scan.now == datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def test_inspector_s_findings_are_named_by_their_vulnerability(ecr):
    enhanced = [
        {"severity": "CRITICAL", "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2026-3"}},
        {"title": "a secret"},
    ]
    ecr.add_response("describe_image_scan_findings", answer(enhancedFindings=enhanced), ASKED)

    assert read_scan(IMAGE).findings == (
        Finding("CVE-2026-3", "CRITICAL"),
        Finding("a secret", "UNDEFINED"),
    )


def test_an_image_that_was_not_scanned_has_no_scan(ecr):
    ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")

    assert read_scan(IMAGE) is None


def test_a_refusal_of_aws_is_no_missing_scan(ecr):
    ecr.add_client_error("describe_image_scan_findings", "AccessDeniedException")

    with pytest.raises(DeploymentError, match=r"reading the scan of 123.*AccessDeniedException"):
        read_scan(IMAGE)


def test_only_an_image_in_ecr_can_have_a_scan():
    with pytest.raises(ImageError, match=r"is no repository of ECR"):
        read_scan(f"registry.example.com/models@{DIGEST}")

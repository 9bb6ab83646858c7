"""What ECR's scan of an image found, in the emulator: what somebody says that it found.

Nothing is scanned here, and nothing is made up: moto's answer to every scan is one invented finding
of severity HIGH. An image that nobody spoke of has no scan; one whose scan was only started has the
state FINDINGS_UNAVAILABLE, which says why. What was said ends with the emulator.

    POST /_modelway/scans  {"repository": "models", "digest": "sha256:...", "status": "COMPLETE",
                            "findings": [{"name": "CVE-2026-1234", "severity": "HIGH"}]}
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROUTE = "scans"

NOTHING_SCANS = "the emulator scans nothing; POST /_modelway/scans says what a scan has found"


@dataclass
class Scans:
    """What was said of images, by repository and digest."""

    _said: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def install(self) -> None:
        """Answer DescribeImageScanFindings."""
        from moto.ecr.exceptions import ScanNotFoundException
        from moto.ecr.models import ECRBackend

        said = self._said

        def describe(
            backend: Any, registry_id: str, repository_name: str, image_id: dict[str, Any]
        ) -> dict[str, Any]:
            repository = backend._get_repository(repository_name, registry_id)  # noqa: SLF001
            image = repository._get_image(  # noqa: SLF001 - raises where there is none
                image_id.get("imageTag"), image_id.get("imageDigest")
            )
            digest = image.image_digest
            answer: dict[str, Any] = {
                "registryId": backend.account_id,
                "repositoryName": repository_name,
                "imageId": {"imageDigest": digest},
            }
            found = said.get((repository_name, digest))
            if found is not None:
                return {**answer, **found}
            if image.last_scan is None:
                raise ScanNotFoundException(
                    image_id=f"{{imageDigest:'{digest}'}}",
                    repository_name=repository_name,
                    registry_id=backend.account_id,
                )
            status = {"status": "FINDINGS_UNAVAILABLE", "description": NOTHING_SCANS}
            return {**answer, "imageScanStatus": status}

        ECRBackend.describe_image_scan_findings = describe

    def clear(self) -> None:
        """Forget everything."""
        self._said.clear()

    def answer(self, read: Callable[[], bytes]) -> tuple[int, Any]:
        """Take what a scan has found: status and JSON of the answer."""
        try:
            given = json.loads(read())
            findings = [
                {"name": each["name"], "severity": each["severity"]}
                for each in given.get("findings", [])
            ]
            key = given["repository"], given["digest"]
            status = {"status": given.get("status", "COMPLETE")}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            allowed = "repository, digest, status, findings with name and severity"
            return 400, {"error": f"reading a scan: {error!r}; allowed: {allowed}"}
        counts = Counter(each["severity"] for each in findings)
        told = {"findings": findings, "findingSeverityCounts": dict(counts)}
        self._said[key] = {"imageScanStatus": status, "imageScanFindings": told}
        return 200, {"findings": len(findings)}

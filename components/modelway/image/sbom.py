"""The SBOM of a serving image: CycloneDX 1.6 as JSON, from the locked requirements.

Takes the text of the lock and what the image is made from, gives bytes; pure. The same image has
the same SBOM on every machine: no time stamps, and the serial number follows from the content.

It lists what is installed from the lock: every Python package with the digests that pip accepts.
What the base image contains (Python itself, Debian's packages) is out of its sight, and it says so:
`compositions` calls it incomplete, and the base image is one component.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modelway.errors import ImageError

MEDIA_TYPE = "application/vnd.cyclonedx+json"
"""IANA's, and the type of the artifact that is pushed beside an image."""

NAME = "modelway-serving"
"""What the image is called here; which repository it lies in differs by account."""

NOT_LISTED = (
    "Python and the operating system's packages come with the base image and are not listed; "
    "Python packages are those of the lock, each with the digests of its distributions, of which "
    "pip installed one."
)

_SERIAL = uuid.uuid5(uuid.NAMESPACE_URL, "urn:modelway:sbom")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package of the lock."""

    name: str
    """In its normalised form (PyPA, "Names and normalization")."""
    version: str
    sha256: tuple[str, ...]
    """Of the distributions that may be installed, sorted."""


@dataclass(frozen=True)
class Contents:
    """What an image is made from."""

    digest: str | None
    """Of the image; None for one that is not built yet."""
    content_hash: str
    """Of its sources, 64 hexadecimal digits."""
    base_image: str
    """With its digest, as the Dockerfile names it."""
    packages: Sequence[Locked]


def read_lock(text: str, python_version: str) -> list[Locked]:
    """Read what a lock installs into an image: CPython on Linux.

    Args:
        text: of a requirements file with hashes, as `uv pip compile --generate-hashes` writes it.
        python_version: such as `3.11`.

    Raises:
        ImageError: a line is not pinned or has no hash; all are told.
    """
    full = python_version if python_version.count(".") > 1 else f"{python_version}.0"
    place = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }
    found: list[Locked] = []
    problems: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        wanted = line.partition(" #")[0].strip()
        if not wanted or wanted.startswith("#"):
            continue
        hashes = tuple(sorted(_HASH.findall(wanted)))
        try:
            requirement = Requirement(wanted.partition(" --hash")[0].strip())
        except InvalidRequirement:
            problems.append(f"{wanted[:80]!r} is no requirement")
            continue
        pins = [each.version for each in requirement.specifier if each.operator == "=="]
        if len(pins) != 1 or not hashes:
            problems.append(f"{requirement.name} must be pinned with == and have a --hash")
        elif requirement.marker is None or requirement.marker.evaluate(place):
            found.append(Locked(canonicalize_name(requirement.name), pins[0], hashes))
    if problems:
        raise ImageError(
            "reading the locked requirements of an image: "
            + "; ".join(problems)
            + ". Write the lock with `uv pip compile --generate-hashes`."
        )
    return sorted(found, key=lambda each: (each.name, each.version))


def sbom(contents: Contents) -> bytes:
    """Give the SBOM as JSON with sorted keys, two spaces of indentation and a final newline."""
    image = _image(contents)
    parts = [_base(contents.base_image), *(_package(each) for each in contents.packages)]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": image,
            "lifecycles": [{"phase": "build"}],
            "properties": [{"name": "modelway:not-listed", "value": NOT_LISTED}],
        },
        "components": parts,
        "dependencies": [
            {"ref": image["bom-ref"], "dependsOn": [each["bom-ref"] for each in parts]}
        ],
        "compositions": [{"aggregate": "incomplete", "assemblies": [image["bom-ref"]]}],
    }
    content = hashlib.sha256(_json(document)).hexdigest()
    return _json({**document, "serialNumber": f"urn:uuid:{uuid.uuid5(_SERIAL, content)}"})


def _image(contents: Contents) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "container",
        "bom-ref": "image",
        "name": NAME,
        "version": contents.digest or contents.content_hash,
        "properties": [{"name": "modelway:content-hash", "value": contents.content_hash}],
    }
    if contents.digest is not None:
        told["purl"] = f"pkg:oci/{NAME}@{quote(contents.digest, safe='')}"
        told["hashes"] = [_sha256(contents.digest.removeprefix("sha256:"))]
    return told


def _base(reference: str) -> dict[str, Any]:
    named, _, digest = reference.partition("@")
    name, _, tag = named.rpartition("/")[2].partition(":")
    told: dict[str, Any] = {
        "type": "container",
        "bom-ref": "base-image",
        "name": name,
        "version": tag or digest,
        "description": f"The base image, {reference}; what is in it is not listed.",
    }
    if digest:
        told["purl"] = f"pkg:oci/{name}@{quote(digest, safe='')}"
        told["hashes"] = [_sha256(digest.removeprefix("sha256:"))]
    return told


def _package(package: Locked) -> dict[str, Any]:
    purl = f"pkg:pypi/{package.name}@{quote(package.version, safe='.')}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "hashes": [_sha256(each) for each in package.sha256],
    }


def _sha256(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}


def _json(document: object) -> bytes:
    return f"{json.dumps(document, indent=2, sort_keys=True)}\n".encode()

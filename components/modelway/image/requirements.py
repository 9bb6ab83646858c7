"""Files of pinned Python packages with hashes, as pip and uv write them.

Takes a file's text, gives its pins, or every line that could install something else than what was
reviewed. Pure: must not read files, install anything or ask an index.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash[= ](?P<hash>\S+)")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}\Z")
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class Pin:
    """One package at one version, with the hashes of its files."""

    name: str
    """As the index writes it: lower case, hyphens."""
    version: str
    marker: str
    """Where it is installed, such as `python_version < "3.12"`; empty for everywhere."""
    hashes: tuple[str, ...]
    """`sha256:` and 64 hexadecimal digits each, sorted."""
    line: int
    """In the file, counted from 1."""

    @property
    def text(self) -> str:
        """The requirement in the one form that an image's content has."""
        marker = f" ; {self.marker}" if self.marker else ""
        return " ".join(
            [f"{self.name}=={self.version}{marker}", *(f"--hash={each}" for each in self.hashes)]
        )


@dataclass(frozen=True)
class Fault:
    """A line that is refused."""

    line: int
    message: str


def read_pins(text: str) -> tuple[list[Pin], list[Fault]]:
    """Give the pins in the order of the file, and the lines that are none."""
    pins: list[Pin] = []
    faults: list[Fault] = []
    for line, content in _logical_lines(text):
        found = _pin(line, content)
        if isinstance(found, Pin):
            pins.append(found)
        else:
            faults.append(found)
    return pins, faults


def conflicts(pins: Sequence[Pin], server: Sequence[Pin]) -> list[Fault]:
    """Give the pins that the model server has at another version, and those given twice."""
    own: dict[str, list[str]] = {}
    for pin in server:
        own.setdefault(pin.name, []).append(pin.version)
    seen: dict[tuple[str, str], Pin] = {}
    faults: list[Fault] = []
    for pin in pins:
        if pin.name in own and pin.version not in own[pin.name]:
            versions = " or ".join(own[pin.name])
            faults.append(
                Fault(
                    pin.line,
                    f"{pin.name} {pin.version} is not the {pin.name} {versions} that the model "
                    "server is locked to",
                )
            )
        first = seen.setdefault((pin.name, pin.marker), pin)
        if first is not pin:
            faults.append(Fault(pin.line, f"{pin.name} is given twice, first in line {first.line}"))
    return faults


def added(pins: Sequence[Pin], server: Sequence[Pin]) -> str:
    """Give what an image needs beside the server's own packages: a pin a line, sorted."""
    own = {pin.name for pin in server}
    return "".join(f"{line}\n" for line in sorted(pin.text for pin in pins if pin.name not in own))


def unmet(packages: Sequence[str], pins: Sequence[Pin]) -> Iterator[tuple[int, str]]:
    """Give the index of each wanted package that the pins do not hold, and why."""
    versions: Mapping[str, set[str]] = {
        pin.name: {each.version for each in pins if each.name == pin.name} for pin in pins
    }
    for index, package in enumerate(packages):
        try:
            wanted = Requirement(package)
        except InvalidRequirement as error:
            yield index, f"is no requirement: {str(error).splitlines()[0]}"
            continue
        if wanted.url is not None:
            yield index, "names an address; packages come from an index, by version and hash"
            continue
        found = versions.get(canonicalize_name(wanted.name), set())
        if not found:
            yield index, "is not in the file of pinned packages"
        for version in sorted(found):
            if not wanted.specifier.contains(version, prereleases=True):
                yield index, f"does not allow the pinned version {version}"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines and take comments away, as pip does."""
    begin, parts = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if not parts:
            begin = number
        continued = line.endswith("\\") and not line.lstrip().startswith("#")
        parts.append(_COMMENT.sub("", line[:-1] if continued else line).strip())
        if continued:
            continue
        content = " ".join(part for part in parts if part)
        parts = []
        if content:
            yield begin, content


def _pin(line: int, content: str) -> Pin | Fault:  # noqa: PLR0911 - one return for each refusal
    hashes = tuple(sorted({match["hash"] for match in _HASH.finditer(content)}))
    rest = _HASH.sub("", content).strip()
    if rest.startswith("-") or " --" in rest:
        return Fault(line, f"{rest!r} is an option; only pinned packages are taken")
    try:
        requirement = Requirement(rest)
    except InvalidRequirement:
        return Fault(line, f"{rest!r} is no requirement")
    if requirement.url is not None:
        return Fault(line, f"{requirement.name} comes from an address; only an index is taken")
    pinned = [*requirement.specifier]
    if len(pinned) != 1 or pinned[0].operator != "==" or pinned[0].version.endswith(".*"):
        return Fault(line, f"{requirement.name} is not pinned to one version with ==")
    if not hashes:
        return Fault(line, f"{requirement.name} has no hash")
    wrong = [each for each in hashes if _SHA256.match(each) is None]
    if wrong:
        return Fault(line, f"{requirement.name} has the hash {wrong[0]!r}, which is no SHA-256")
    marker = "" if requirement.marker is None else str(requirement.marker)
    name = canonicalize_name(requirement.name)
    return Pin(name, pinned[0].version, marker, hashes, line)

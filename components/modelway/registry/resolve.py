"""From a reference in a spec to one version of a registry, or a refusal.

Takes a registry and a reference, gives an approved version. Must not fetch anything. A release
record pins the package: then `GROUP@approved` means the version with that package, not the newest.
"""

from itertools import islice

from modelway.errors import ModelRegistryError
from modelway.registry.version import Registry, Status, Version
from modelway.spec.registry import RegistryReference

SHOWN = 10
"""Versions that a message lists."""


def resolve(
    registry: Registry,
    reference: RegistryReference,
    pinned: str | None = None,
    *,
    deployed: bool = True,
) -> Version:
    """Give the version that a reference stands for.

    Args:
        registry: to ask.
        reference: from a spec.
        pinned: digest of the package that a release record names; counts for `GROUP@approved`.
        deployed: whether it is to be deployed, so that it must be approved.

    Raises:
        ModelRegistryError: there is none, it is not approved, or modelway did not register it.
    """
    doing = f"resolving {reference}"
    version = _found(registry, reference, pinned, doing)
    if not version.package:
        raise ModelRegistryError(
            f"{doing}: version {version.number} of the group {version.group} was not registered by "
            "modelway, so no digest says what is in it. Register the package with "
            f"`modelway register PACKAGE --group {version.group}`"
        )
    if deployed and version.status is not Status.APPROVED:
        by = f" by {version.decided_by}" if version.decided_by else ""
        said = f' ("{version.reason}")' if version.reason else ""
        raise ModelRegistryError(
            f"{doing}: version {version.number} of the group {version.group} is {version.status}"
            f"{by}{said}, and only approved versions are deployed. Whoever may approve it runs "
            f"`modelway approve {version.name}`; or name another version"
        )
    return version


def _found(
    registry: Registry, reference: RegistryReference, pinned: str | None, doing: str
) -> Version:
    group = reference.group
    if reference.version is not None:
        return registry.version(group, reference.version)
    if pinned is not None:
        found = registry.find(group, pinned)
        if found is None:
            raise ModelRegistryError(
                f"{doing}: the release record names the package {pinned}, and no version of the "
                f"group {group} has it. Register it again with `modelway register`, or release "
                "another one"
            )
        return found
    for version in registry.versions(group):
        if version.status is Status.APPROVED:
            return version
    newest = islice(registry.versions(group), SHOWN)
    there = ", ".join(f"{each.number} is {each.status}" for each in newest) or "it is empty"
    raise ModelRegistryError(
        f"{doing}: no version of the group {group} is approved ({there}). Whoever may approve one "
        f"runs `modelway approve {group}/VERSION`"
    )

"""Tags: what a program gave, what the provider adds to every resource, and what AWS has.

`tags` are the program's own, `tagsAll` are those with the provider's `defaultTags` under them, as
in the official provider. AWS's own tags (`aws:`) and those that the provider is told to ignore are
neither shown nor touched.
"""

from collections.abc import Mapping
from typing import Any

from modelway.emulator.provider.binding import Binding
from modelway.emulator.provider.schema import Type
from modelway.emulator.provider.target import AwsError, Setup, Target
from modelway.emulator.provider.wire import UNKNOWN

TAGS = Type("map", item=Type("string"))
_BINDING = Binding({})


def wanted_tags(setup: Setup, inputs: Mapping[str, Any]) -> Any:
    """Give the tags that a resource should have; `UNKNOWN` while they are not known."""
    own = inputs.get("tags") or {}
    if own is UNKNOWN:
        return UNKNOWN
    override = inputs.get("overrideProvider")
    if isinstance(override, Mapping) and "defaultTags" in override:
        return dict(own)
    return {**setup.default_tags, **own}


def own_tags(
    setup: Setup, everything: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Give `tags` out of `tagsAll`: without the defaults, but with those that were given anyway."""
    return {
        key: value
        for key, value in everything.items()
        if key in given or setup.default_tags.get(key) != value
    }


def read_tags(target: Target) -> dict[str, str] | None:
    """Ask AWS for a resource's tags; None where its type has none."""
    tagging = target.entry.tagging
    if tagging is None:
        return None
    try:
        answer = target.make(tagging.listing) or {}
    except AwsError as error:
        if error.code == "NoSuchTagSet":
            return {}
        raise
    service = tagging.listing.service or target.entry.service
    shape = target.setup.clients.output_shape(service, tagging.listing.operation)
    found = answer.get(tagging.result)
    tags = _BINDING.from_aws(found, TAGS, shape.members[tagging.result]) or {}
    return {key: value for key, value in sorted(tags.items()) if not _ignored(target.setup, key)}


def write_tags(target: Target, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Bring AWS's tags from `before` to `after`."""
    tagging = target.entry.tagging
    if tagging is None or dict(before) == dict(after):
        return
    gone = [key for key in before if key not in after]
    if gone and tagging.keys_member:
        target.make(tagging.untag, {tagging.keys_member: gone})
    if gone and not tagging.keys_member and not after:
        target.make(tagging.untag)
        return
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    if not tagging.keys_member:  # the whole set is replaced at once
        changed = dict(after)
    if changed:
        service = tagging.tag.service or target.entry.service
        shape = target.setup.clients.input_shape(service, tagging.tag.operation)
        head, _, rest = tagging.tags_member.partition(".")
        member = shape.members[head]
        value = _BINDING.to_aws(changed, TAGS, member.members[rest] if rest else member)
        target.make(tagging.tag, {head: {rest: value} if rest else value})


def _ignored(setup: Setup, key: str) -> bool:
    return key.startswith(("aws:", *setup.ignored_tag_prefixes)) or key in setup.ignored_tags

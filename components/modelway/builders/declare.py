"""Which builder makes the image of a plan.

Takes a plan's image and a platform, gives the image by digest. Images of equal content are declared
once for each platform of a program. It must not decide what is in an image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

from modelway.builders.codebuild import codebuild_image
from modelway.builders.docker_build import docker_build_image
from modelway.builders.place import BuildPlace, BuiltImage
from modelway.iam.statements import Scope
from modelway.image.content import ImageContent
from modelway.image.stand_in import StandIn
from modelway.plan.model import ImagePlan

Builder = Callable[[str, ImageContent, BuildPlace, dict[str, pulumi.Resource]], BuiltImage]
"""Takes the resource's name, the content, the place, and what builders have declared there."""

BUILDERS: Mapping[str, Builder] = {
    "codebuild": codebuild_image,
    "docker-build": docker_build_image,
}
"""By the name that a spec gives."""

SHOWN_DIGITS = 8
"""Hexadecimal digits of a content hash in a resource's name."""


class Platform(Protocol):
    """A platform, as an image needs it."""

    bucket_name: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    kms_key_arn: pulumi.Input[str]

    @property
    def scope(self) -> pulumi.Output[Scope]:
        """Account, region and partition."""
        ...


def declare_image(
    owner: pulumi.Resource,
    plan: ImagePlan | None,
    platform: Platform,
    tags: Mapping[str, str],
) -> BuiltImage:
    """Give the image of a plan, declaring what makes it.

    Args:
        owner: the deployment, which resources belong to unless the platform is a component.
        plan: what is built; None for the plain model server, which the emulator stands in for.
        platform: where it goes.
        tags: on what is declared.
    """
    content = ImageContent.of(plan)
    digits = content.hash
    key = f"{'stand-in' if plan is None else plan.builder} {digits}"
    declared = _declared_by(platform)
    if key in declared.images:
        return declared.images[key]
    parent = platform if isinstance(platform, pulumi.Resource) else owner
    place = BuildPlace(
        name=parent.pulumi_resource_name,
        parent=parent,
        bucket_name=platform.bucket_name,
        repository_url=platform.repository_url,
        kms_key_arn=platform.kms_key_arn,
        scope=platform.scope,
        tags=tags,
    )
    name = f"{place.name}-image-{digits[:SHOWN_DIGITS]}"
    if plan is None:
        # The rules let an image be missing only where the emulator runs.
        opts = pulumi.ResourceOptions(parent=parent)
        made = StandIn(name, place.repository_url, digits, opts)
        built = BuiltImage(made.uri, made)
    else:
        built = BUILDERS[plan.builder](name, content, place, declared.shared)
    declared.images[key] = built
    return built


@dataclass
class _Declared:
    """What one program has declared at one platform."""

    images: dict[str, BuiltImage] = field(default_factory=dict[str, BuiltImage])
    """By builder and content hash."""
    shared: dict[str, pulumi.Resource] = field(default_factory=dict[str, pulumi.Resource])
    """What the images have in common."""


_programs: WeakKeyDictionary[Any, dict[int, _Declared]] = WeakKeyDictionary()
"""By a program's connection to its engine, then by the platform: a process may run several."""


def _declared_by(platform: Platform) -> _Declared:
    engine = get_monitor()
    return _programs.setdefault(engine, {}).setdefault(id(platform), _Declared())

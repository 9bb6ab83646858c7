"""The stand-in for an image build, as a Pulumi resource: emulator only.

Takes a repository, the content hash of an image and what a spec adds, puts a manifest for it into
the emulated ECR, gives the image by digest. So digests are real where no Docker runs. It refuses
to work against anything but a modelway emulator.

Nothing is deleted: an older image may be what a roll-back target refers to. The images go with
their repository.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.output import UNKNOWN
from pulumi.runtime import rpc

from modelway.aws_client import aws_client
from modelway.errors import ImageError
from modelway.image.manifest import StandInManifest
from modelway.image.repository import Repository
from modelway.plain_failure import told_plainly

STATUS_PATH = "/_modelway/status"
"""Only the emulator answers here."""

STATUS_TIMEOUT_SECONDS = 10.0


class StandInProvider(dynamic.ResourceProvider):
    """Serves the resource; holds no state, so it is pickled by reference."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Add digest and URI, which follow from the inputs, so that a preview shows them."""
        url, content = news["repository_url"], news["content_hash"]
        digest = StandInManifest(content).digest
        uri = UNKNOWN if rpc.contains_unknowns(url) else f"{url}@{digest}"
        return dynamic.CheckResult({**news, "digest": digest, "uri": uri}, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Another repository is another resource; other content is one more image in it."""
        changed = [key for key in ("repository_url", "uri") if olds.get(key) != news.get(key)]
        replaces = [key for key in changed if key == "repository_url"]
        return dynamic.DiffResult(bool(changed), replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Put the image."""
        outputs = _put(props)
        return dynamic.CreateResult(outputs["uri"], outputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Put the image of the new content beside the old one."""
        return dynamic.UpdateResult(_put(news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look whether the image is there."""
        found = _ecr(props["repository_url"]).has(StandInManifest(props["content_hash"]).digest)
        return dynamic.ReadResult(id_, props) if found else dynamic.ReadResult(None, {})


class StandIn(dynamic.Resource, module="modelway", name="StandIn"):
    """An image that only the emulator can run.

    Args:
        name: the resource's name.
        repository_url: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
        content_hash: of the serving image's sources.
        opts: the usual options.
    """

    digest: pulumi.Output[str]
    """`sha256:` and 64 hexadecimal digits."""
    uri: pulumi.Output[str]
    """The image by digest."""

    def __init__(
        self,
        name: str,
        repository_url: pulumi.Input[str],
        content_hash: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "repository_url": repository_url,
            "content_hash": content_hash,
            "digest": None,
            "uri": None,
        }
        super().__init__(StandInProvider(), name, props, opts)


def _put(props: Mapping[str, Any]) -> dict[str, Any]:
    image = StandInManifest(props["content_hash"])
    with told_plainly():
        _ecr(props["repository_url"]).put(image)
    uri = f"{props['repository_url']}@{image.digest}"
    return {**props, "digest": image.digest, "uri": uri}


def _ecr(repository_url: str) -> Repository:
    require_emulator(repository_url)
    registry, _, name = repository_url.partition("/")
    region = registry.split(".")[3]
    return Repository(aws_client("ecr", region), name)


def require_emulator(repository_url: str) -> None:
    """Refuse to go on unless AWS's address is a modelway emulator.

    Raises:
        ImageError: with the commands that build and push the real image.
    """
    address = os.environ.get("AWS_ENDPOINT_URL")
    if address is not None and _is_emulator(address):
        return
    where = "AWS_ENDPOINT_URL is not set" if address is None else f"{address} is none"
    raise ImageError(
        f"putting a stand-in image into {repository_url}: only the modelway emulator takes one, "
        f"and {where}. Build and push the real image, then name it by digest in the spec's "
        "`image`:\n"
        f"  docker build --tag {repository_url}:1 serving_image\n"
        f"  docker push {repository_url}:1  # prints the digest"
    )


def _is_emulator(address: str) -> bool:
    # The proxies that a company sets must not be asked about an address of this machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(
            address.rstrip("/") + STATUS_PATH, timeout=STATUS_TIMEOUT_SECONDS
        ) as answer:
            return "time_scale" in json.load(answer)
    except (urllib.error.URLError, TimeoutError, ValueError):
        return False

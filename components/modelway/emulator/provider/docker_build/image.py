"""One image of a build context, brought into the emulated ECR.

Takes a tag of a repository and the files of a context, gives the image's digest: with Docker where
replicas are containers, pushed as any Docker pushes; elsewhere a manifest stands in, and whoever
asked is told that no image was built.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelway.emulator.hosting import images
from modelway.emulator.hosting.docker import docker_command, run_docker
from modelway.emulator.provider.clients import Clients
from modelway.errors import EmulatorError, ImageError
from modelway.image.content import extras_in
from modelway.image.manifest import StandInManifest
from modelway.image.reference import REGISTRY
from modelway.image.repository import Repository

PUSH_SECONDS = 600.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class TaggedImage:
    """`ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG`."""

    account: str
    region: str
    name: str
    """Of the repository."""
    tag: str

    @classmethod
    def of(cls, reference: str) -> "TaggedImage":
        """Read a reference.

        Raises:
            EmulatorError: it is not in ECR, or has no tag.
        """
        repository, _, tag = reference.rpartition(":")
        found = REGISTRY.fullmatch(repository)
        if found is None:
            raise EmulatorError(
                f"tags: {reference!r} is not in the emulated ECR; allowed: "
                "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG"
            )
        return cls(found["account"], found["region"], found["name"], tag)


class Images:
    """The images of one emulator.

    Args:
        clients: reach the emulator.
        runtime: what a replica is, `process` or `docker`.
    """

    def __init__(self, clients: Clients, runtime: str) -> None:
        self._clients, self._runtime = clients, runtime

    def find(self, image: TaggedImage) -> str | None:
        """Give the digest of what has the tag; None where nothing has."""
        ecr = self._ecr(image)
        try:
            found = ecr.describe_images(
                repositoryName=image.name, imageIds=[{"imageTag": image.tag}]
            )
        except (
            ecr.exceptions.ImageNotFoundException,
            ecr.exceptions.RepositoryNotFoundException,
        ):
            return None
        return str(found["imageDetails"][0]["imageDigest"])

    def make(
        self,
        image: TaggedImage,
        files: Mapping[str, bytes],
        arguments: Mapping[str, str],
        say: Say,
    ) -> str:
        """Give the digest of the image, once it is in the repository.

        Raises:
            EmulatorError: Docker or ECR refused, or nothing can stand in for such an image.
        """
        content = images.content_of_tag(image.tag)
        if not content:
            raise EmulatorError(
                f"tags: {image.tag!r} does not name its content as modelway's images do; the "
                "emulator builds these alone: cpu-HASH or cuda-HASH, with 64 hexadecimal digits"
            )
        ecr = self._ecr(image)
        try:
            if self._runtime == "docker":
                images.build(content, files, arguments, say)
                self._push(image, images.local_tag(content), ecr)
            else:
                for line in images.stand_in_lines(extras_in(files)):
                    say(line)
                stand_in = StandInManifest(content, extras_in(files))
                Repository(ecr, image.name).put(stand_in, image.tag)
        except (ImageError, ecr.exceptions.ClientError) as error:
            raise EmulatorError(str(error)) from error
        digest = self.find(image)
        if digest is None:
            raise EmulatorError(f"{image.name} has no image {image.tag} after it was pushed")
        return digest

    def delete(self, image: TaggedImage, digest: str) -> None:
        """Delete an image; one that is not there is no error."""
        ecr = self._ecr(image)
        try:
            ecr.batch_delete_image(repositoryName=image.name, imageIds=[{"imageDigest": digest}])
        except ecr.exceptions.RepositoryNotFoundException:
            return

    def _push(self, image: TaggedImage, local: str, ecr: Any) -> None:
        docker, host = docker_command(), self._clients.url.removeprefix("http://")
        (told,) = ecr.get_authorization_token()["authorizationData"]
        pushed = f"{host}/{image.name}:{image.tag}"
        daemon = run_docker(
            docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
        ).strip()
        # A login of its own: the user's stays as it is.
        with tempfile.TemporaryDirectory(prefix="modelway-docker-") as made:
            log_in = {"auths": {host: {"auth": told["authorizationToken"]}}}
            Path(made, "config.json").write_text(json.dumps(log_in), encoding="utf-8")
            run_docker(docker, "tag", local, pushed)
            try:
                given = ("--config", made, "--host", daemon, "push", "--quiet", pushed)
                run_docker(docker, *given, seconds=PUSH_SECONDS)
            finally:
                run_docker(docker, "image", "rm", "--no-prune", pushed)

    def _ecr(self, image: TaggedImage) -> Any:
        return self._clients.of_account("ecr", image.region, image.account)

"""A repository of ECR, where manifests that stand in for images are put.

Takes boto3's client, puts an image with its layers through ECR's own operations. It must not know
what the image is.
"""

import hashlib
from typing import Any

from modelway.errors import ImageError
from modelway.image.manifest import MANIFEST_TYPE, StandInManifest


class Repository:
    """One repository.

    Args:
        client: boto3's client of ECR.
        name: of the repository.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def has(self, digest: str) -> bool:
        """Tell whether an image with this digest is there."""
        try:
            found = self._client.batch_get_image(
                repositoryName=self._name, imageIds=[{"imageDigest": digest}]
            )
        except self._client.exceptions.RepositoryNotFoundException:
            return False
        return bool(found["images"])

    def put(self, image: StandInManifest, tag: str | None = None) -> None:
        """Put an image; nothing happens when it is there already.

        Args:
            image: its manifest, with all that it refers to.
            tag: Default: the manifest's own.

        Raises:
            ImageError: ECR gives it another digest.
        """
        if self.has(image.digest):
            return
        for blob in image.blobs:
            self._upload(blob)
        answer = self._client.put_image(
            repositoryName=self._name,
            imageManifest=image.manifest,
            imageManifestMediaType=MANIFEST_TYPE,
            imageTag=image.tag if tag is None else tag,
        )
        digest = answer["image"]["imageId"]["imageDigest"]
        if digest != image.digest:
            raise ImageError(
                f"putting the stand-in image into {self._name}: ECR gave the digest {digest} "
                f"for a manifest of {image.digest}"
            )

    def _upload(self, blob: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        found = self._client.batch_check_layer_availability(
            repositoryName=self._name, layerDigests=[digest]
        )
        if any(layer.get("layerAvailability") == "AVAILABLE" for layer in found["layers"]):
            return
        upload = self._client.initiate_layer_upload(repositoryName=self._name)["uploadId"]
        self._client.upload_layer_part(
            repositoryName=self._name,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(blob) - 1,
            layerPartBlob=blob,
        )
        self._client.complete_layer_upload(
            repositoryName=self._name, uploadId=upload, layerDigests=[digest]
        )

"""ECR's layers, which moto would hold in memory, on disk, where the registry's HTTP API sees them.

A layer must have the digest that is promised, as on AWS; a repository takes its layers with it when
it is deleted.
"""

from collections.abc import Callable
from functools import partialmethod
from io import BytesIO
from typing import Any

from modelway.emulator.registry.blobs import BlobStore, OutOfOrder, Repository, Upload
from modelway.emulator.services import Services

_REPLACED = (
    "initiate_layer_upload",
    "upload_layer_part",
    "complete_layer_upload",
    "batch_check_layer_availability",
    "delete_repository",
)


def install(services: Services, blobs: BlobStore) -> None:
    """Put the registry's store in moto's place.

    Args:
        services: of the emulator.
        blobs: where layers go.
    """
    from moto.ecr.models import ECRBackend

    layers = _Layers(services, blobs)
    for name in _REPLACED:
        setattr(ECRBackend, name, partialmethod(_of, getattr(layers, name)))


def _of(backend: Any, operation: Callable[..., Any], *given: Any, **named: Any) -> Any:
    return operation(backend, *given, **named)


class _Layers:
    """Operations of moto's backend, which is the first argument of each."""

    def __init__(self, services: Services, blobs: BlobStore) -> None:
        from moto.ecr.models import ECRBackend

        self._services, self._blobs = services, blobs
        self._check = ECRBackend.batch_check_layer_availability
        self._delete = ECRBackend.delete_repository

    def initiate_layer_upload(
        self, backend: Any, repository_name: str, registry_id: str | None = None
    ) -> dict[str, Any]:
        from moto.ecr.models import DEFAULT_LAYER_PART_SIZE

        upload = self._blobs.begin(_place(backend, repository_name, registry_id))
        return {"uploadId": upload.id, "partSize": DEFAULT_LAYER_PART_SIZE}

    def upload_layer_part(
        self,
        backend: Any,
        repository_name: str,
        upload_id: str,
        part_first_byte: int,
        part_last_byte: int,  # noqa: ARG002 - follows from the part
        layer_part_blob: bytes,
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        from moto.ecr.exceptions import InvalidLayerPartException

        upload = self._running(backend, repository_name, upload_id, registry_id)
        try:
            upload.append(BytesIO(layer_part_blob or b"").read, part_first_byte)
        except OutOfOrder:
            raise InvalidLayerPartException(
                backend.account_id, repository_name, upload_id, upload.size_bytes - 1
            ) from None
        return {**_told(backend, upload), "lastByteReceived": upload.size_bytes - 1}

    def complete_layer_upload(
        self,
        backend: Any,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        from moto.core.exceptions import ServiceException

        class InvalidLayer(ServiceException):
            code = "InvalidLayerException"

        upload = self._running(backend, repository_name, upload_id, registry_id)
        digest = upload.digest
        if digest not in layer_digests:
            self._blobs.cancel(upload)
            raise InvalidLayer(
                f"Layer with digest {', '.join(layer_digests)} was expected, the upload has the "
                f"digest {digest}"
            )
        self._blobs.finish(upload, digest)
        return {**_told(backend, upload), "layerDigest": digest}

    def batch_check_layer_availability(
        self,
        backend: Any,
        repository_name: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        where = _place(backend, repository_name, registry_id)
        sizes = {each: self._blobs.size_bytes(where, each) for each in layer_digests}
        found = {each: size for each, size in sizes.items() if size is not None}
        backend.repositories[repository_name].layers = found
        return self._check(backend, repository_name, layer_digests, registry_id)

    def delete_repository(
        self,
        backend: Any,
        repository_name: str,
        registry_id: str | None = None,
        force: bool = False,
    ) -> Any:
        deleted = self._delete(backend, repository_name, registry_id, force)
        if not self._services.replaying:  # the disk is as the last request left it
            where = Repository(backend.account_id, backend.region_name, repository_name)
            self._blobs.remove(where)
        return deleted

    def _running(self, backend: Any, name: str, upload_id: str, registry_id: str | None) -> Upload:
        from moto.ecr.exceptions import UploadNotFoundException

        upload = self._blobs.upload(_place(backend, name, registry_id), upload_id)
        if upload is None:
            raise UploadNotFoundException(upload_id, name, backend.account_id)
        return upload


def _place(backend: Any, name: str, registry_id: str | None) -> Repository:
    backend._get_repository(name, registry_id)  # noqa: SLF001 - raises where there is none
    return Repository(backend.account_id, backend.region_name, name)


def _told(backend: Any, upload: Upload) -> dict[str, Any]:
    return {
        "registryId": backend.account_id,
        "repositoryName": upload.repository.name,
        "uploadId": upload.id,
    }

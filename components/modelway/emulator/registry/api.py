"""The registry's HTTP API of ECR, as Docker speaks it: OCI distribution specification 1.1.

A WSGI application for paths under `/v2/`. Takes requests with the token of GetAuthorizationToken as
basic authentication; manifests and tags go to and from the store of ECR's API (`catalog`), blobs to
and from the disk (`blob_routes`). As on ECR no blob is deleted by itself, and a repository must
have been made before something is pushed to it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import parse_qs, urlencode

from modelway.emulator.listener import Environ
from modelway.emulator.registry.blob_routes import BlobRoutes
from modelway.emulator.registry.blobs import BlobStore, Repository
from modelway.emulator.registry.catalog import Catalog
from modelway.emulator.registry.manifests import (
    DIGEST,
    LARGEST_MANIFEST_BYTES,
    OCI_INDEX,
    TAG,
    read_manifest,
)
from modelway.emulator.registry.reply import RegistryError, Reply
from modelway.emulator.registry.tokens import TokenError, Tokens

MOST_TAGS = 1000
"""In one answer, and where a client asks for no number."""

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_LONGEST_NAME = 256
"""ECR's limit of `repositoryName`."""

_ROUTES = (
    (re.compile(r"/v2/?"), "ping"),
    (re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?"), "uploads"),
    (re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<upload>[^/]+)"), "upload"),
    (re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>[^/]+)"), "blob"),
    (re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)"), "manifest"),
    (re.compile(r"/v2/(?P<name>.+)/tags/list"), "tags"),
    (re.compile(r"/v2/(?P<name>.+)/referrers/(?P<digest>[^/]+)"), "referrers"),
)

Handler = Callable[[Repository, dict[str, str], Environ], Reply]


class RegistryApi:
    """The application.

    Args:
        blobs: of all repositories.
        catalog: of all images.
        tokens: that are accepted.
        url: of the emulator, for the answer to who has no token.
    """

    def __init__(self, blobs: BlobStore, catalog: Catalog, tokens: Tokens, url: str) -> None:
        self._blobs, self._catalog, self._tokens = blobs, catalog, tokens
        self._url = url
        self._blob_routes = BlobRoutes(blobs, catalog)
        blob = self._blob_routes
        self._handlers: Mapping[tuple[str, str], Handler] = {
            ("uploads", "POST"): blob.begin,
            ("upload", "GET"): blob.status,
            ("upload", "PATCH"): blob.append,
            ("upload", "PUT"): blob.finish,
            ("upload", "DELETE"): blob.cancel,
            ("blob", "GET"): blob.get,
            ("blob", "HEAD"): blob.get,
            ("manifest", "GET"): self._get_manifest,
            ("manifest", "HEAD"): self._get_manifest,
            ("manifest", "PUT"): self._put_manifest,
            ("manifest", "DELETE"): self._delete_manifest,
            ("tags", "GET"): self._tags,
            ("referrers", "GET"): self._referrers,
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            reply = self._answer(environ)
        except RegistryError as error:
            reply = error.reply()
        headers = {"Docker-Distribution-Api-Version": "registry/2.0", **reply.headers}
        if isinstance(reply.body, bytes):
            headers.setdefault("Content-Length", str(len(reply.body)))
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", [*headers.items()])
        return [reply.body] if isinstance(reply.body, bytes) else reply.body

    def _answer(self, environ: Environ) -> Reply:
        try:
            account, region = self._tokens.read(environ.get("HTTP_AUTHORIZATION", ""))
        except TokenError as error:
            realm = f'Basic realm="{self._url}/",service="ecr.amazonaws.com"'
            headers = {"WWW-Authenticate": realm}
            raise RegistryError("UNAUTHORIZED", str(error), headers=headers) from None
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        matches = ((found, what) for route, what in _ROUTES if (found := route.fullmatch(path)))
        found, what = next(matches, (None, ""))
        if found is None:
            raise RegistryError("UNSUPPORTED", f"there is no route {path}", 404)
        if what == "ping":
            return Reply.json({})
        handler = self._handlers.get((what, method))
        if handler is None:
            raise RegistryError("UNSUPPORTED", f"{method} is not supported for {path}")
        named = found.groupdict()
        repository = Repository(account, region, named["name"])
        if _NAME.fullmatch(repository.name) is None or len(repository.name) > _LONGEST_NAME:
            raise RegistryError("NAME_INVALID", f"{repository.name!r} is no name of a repository")
        if DIGEST.fullmatch(named.get("digest") or f"sha256:{'0' * 64}") is None:
            raise RegistryError("DIGEST_INVALID", f"{named['digest']!r} is not sha256:<64 hex>")
        self._catalog.check(repository)
        query = parse_qs(environ["QUERY_STRING"])
        given = {name: values[0] for name, values in query.items()}
        return handler(repository, {**given, **named}, environ)

    def _get_manifest(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        reference = given["reference"]
        image = self._catalog.image(repository, reference)
        if image is None:
            raise RegistryError("MANIFEST_UNKNOWN", f"{repository.name} has no image {reference}")
        headers = {"Content-Type": image.media_type, "Docker-Content-Digest": image.digest}
        return Reply(200, headers, image.content)

    def _put_manifest(
        self, repository: Repository, given: dict[str, str], environ: Environ
    ) -> Reply:
        content = _read(environ["wsgi.input"], LARGEST_MANIFEST_BYTES + 1)
        if len(content) > LARGEST_MANIFEST_BYTES:
            said = f"the manifest has more than {LARGEST_MANIFEST_BYTES} bytes"
            raise RegistryError("SIZE_INVALID", said)
        media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip()
        manifest = read_manifest(content, media_type)
        reference = given["reference"]
        by_digest = ":" in reference
        if by_digest and reference != manifest.digest:
            said = f"the manifest has the digest {manifest.digest}, not {reference}"
            raise RegistryError("DIGEST_INVALID", said)
        if not by_digest and TAG.fullmatch(reference) is None:
            raise RegistryError("TAG_INVALID", f"{reference!r} is no tag")
        self._check_parts(repository, manifest.blobs, manifest.images)
        tag = None if by_digest else reference
        self._catalog.put(repository, manifest.text, media_type, tag, manifest.digest)
        headers = {
            "Location": f"/v2/{repository.name}/manifests/{manifest.digest}",
            "Docker-Content-Digest": manifest.digest,
        }
        if manifest.subject is not None:
            headers["OCI-Subject"] = manifest.subject
        return Reply(201, headers)

    def _check_parts(
        self, repository: Repository, blobs: Iterable[str], images: Iterable[str]
    ) -> None:
        absent = {
            "Layers": [each for each in blobs if self._blobs.size_bytes(repository, each) is None],
            "Images": [each for each in images if self._catalog.image(repository, each) is None],
        }
        for what, digests in absent.items():
            if digests:
                raise RegistryError(
                    "MANIFEST_BLOB_UNKNOWN",
                    f"{what} with digests '[{', '.join(digests)}]' required for pushing image into "
                    f"repository with name '{repository.name}' in the registry with id "
                    f"'{repository.account}' do not exist",
                )

    def _delete_manifest(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        self._catalog.delete(repository, given["reference"])
        return Reply(202)

    def _tags(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        wanted = given.get("n", str(MOST_TAGS))
        if not wanted.isdecimal():
            raise RegistryError("UNSUPPORTED", f"n is {wanted!r}; it must be a number", 400)
        most = min(int(wanted), MOST_TAGS)
        tags = [tag for tag in self._catalog.tags(repository) if tag > given.get("last", "")]
        page, headers = tags[:most], {}
        if page and len(tags) > most:
            query = urlencode({"n": most, "last": page[-1]})
            headers["Link"] = f'</v2/{repository.name}/tags/list?{query}>; rel="next"'
        return Reply.json({"name": repository.name, "tags": page}, **headers)

    def _referrers(self, repository: Repository, given: dict[str, str], _: Environ) -> Reply:
        listed = [each.descriptor for each in self._catalog.referrers(repository, given["digest"])]
        headers = {"Content-Type": OCI_INDEX}
        if kind := given.get("artifactType"):
            listed = [each for each in listed if each.get("artifactType") == kind]
            headers["OCI-Filters-Applied"] = "artifactType"
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
        return Reply.json(index, **headers)


def _read(body: IO[bytes], most: int) -> bytes:
    """Read so much, or all: one read gives no more than one chunk of a chunked body."""
    parts: list[bytes] = []
    while most > 0 and (part := body.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def is_for_registry(environ: Environ) -> bool:
    """Tell whether a request is for the registry; API Gateway's `/v2/...` come signed."""
    path = environ["PATH_INFO"]
    if path != "/v2" and not path.startswith("/v2/"):
        return False
    signed = environ.get("HTTP_AUTHORIZATION", "").startswith("AWS")
    return not signed and "X-Amz-" not in environ["QUERY_STRING"]

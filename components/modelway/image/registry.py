"""A client of registries of images: OCI distribution specification 1.1, as ECR speaks it.

Takes repository names and digests, gives manifests and blobs, and puts them. Blobs are streamed;
whatever is read is compared with its digest, and a registry that gives something else is not
trusted. Must not know what is in an image, nor keep a password anywhere.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from modelway.aws_client import aws_client
from modelway.errors import ImageError
from modelway.image.reference import ImageReference

CHUNK_BYTES = 1024 * 1024
"""Read and sent at once."""

LARGEST_MANIFEST_BYTES = 4 * 1024 * 1024
"""The specification's, "Pushing Manifests"; ECR's limit too."""

TIMEOUT = urllib3.Timeout(connect=10.0, read=120.0)
"""Seconds; a registry may think for a while about the end of a large blob."""

RETRIES = urllib3.Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
"""Of what can be asked twice: no request with a streamed body is."""

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_ACCEPTED = (
    *INDEX_TYPES,
    MANIFEST_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Manifest:
    """One manifest, byte for byte."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def members(self) -> dict[str, Any]:
        """What it says."""
        return json.loads(self.content)

    @property
    def children(self) -> tuple[str, ...]:
        """Digests of the manifests that an index lists."""
        if self.media_type not in INDEX_TYPES:
            return ()
        return tuple(each["digest"] for each in self.members.get("manifests", []))

    @property
    def blobs(self) -> dict[str, int]:
        """Digests of what it is made of, with sizes in bytes; what lies elsewhere is left out."""
        if self.media_type in INDEX_TYPES:
            return {}
        parts = [self.members["config"], *self.members.get("layers", [])]
        return {each["digest"]: each["size"] for each in parts if not each.get("urls")}


class RegistryClient:
    """One registry.

    Args:
        url: where it is, without `/v2/`.
        login: gives the header `Authorization`; called again when the registry takes it no more.
        authorization: the first one. Default: `login` is called.
    """

    def __init__(
        self, url: str, login: Callable[[], str], authorization: str | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._login = login
        self._authorization = authorization
        self._pool = _pool(self._url)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Give a manifest by digest or tag, or None.

        Raises:
            ImageError: the registry refuses, or gives something else than the digest says.
        """
        doing = f"reading {repository} {reference}"
        path = f"{repository}/manifests/{reference}"
        with _closing(self._ask("GET", path, {"Accept": ", ".join(_ACCEPTED)})) as answer:
            if answer.status == 404:  # noqa: PLR2004 - HTTP's own
                return self._absent(answer, doing)
            self._check(answer, doing)
            content = answer.read(LARGEST_MANIFEST_BYTES + 1)
        if len(content) > LARGEST_MANIFEST_BYTES:
            raise ImageError(f"{doing}: the manifest has more than {LARGEST_MANIFEST_BYTES} bytes")
        found = Manifest(content, answer.headers.get("Content-Type", "").partition(";")[0])
        if ":" in reference and found.digest != reference:
            raise ImageError(f"{doing}: {self._url} gave a manifest of {found.digest}")
        return found

    def put_manifest(self, repository: str, manifest: Manifest, reference: str) -> None:
        """Put a manifest, after all that it refers to.

        Raises:
            ImageError: the registry refuses.
        """
        headers = {"Content-Type": manifest.media_type}
        path = f"{repository}/manifests/{reference}"
        with _closing(self._ask("PUT", path, headers, manifest.content)) as answer:
            self._check(answer, f"putting {repository} {reference}")

    def referrers(self, repository: str, digest: str) -> list[dict[str, Any]]:
        """Give the descriptors of what belongs to an image, such as its SBOM.

        Raises:
            ImageError: the registry refuses.
        """
        found: list[dict[str, Any]] = []
        path = f"{repository}/referrers/{digest}"
        while path:
            with _closing(self._ask("GET", path)) as answer:
                self._check(answer, f"listing what belongs to {repository} {digest}")
                found += json.loads(answer.read()).get("manifests") or []
                link = urllib3.util.parse_url(answer.headers.get("Link", "").partition(">")[0][1:])
            path = (link.request_uri.partition("/v2/")[2]) if link.path else ""
        return found

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether a blob is there.

        Raises:
            ImageError: the registry refuses.
        """
        with _closing(self._ask("HEAD", f"{repository}/blobs/{digest}")) as answer:
            if answer.status == 404:  # noqa: PLR2004 - HTTP's own
                return False
            self._check(answer, f"looking for the blob {digest} in {repository}")
            return True

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """Give a blob in chunks.

        Raises:
            ImageError: it is not there, or what came is something else.
        """
        doing, sha = f"reading the blob {digest} of {repository}", hashlib.sha256()
        with _closing(self._ask("GET", f"{repository}/blobs/{digest}")) as answer:
            self._check(answer, doing)
            try:
                for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
                    sha.update(chunk)
                    yield chunk
            except urllib3.exceptions.HTTPError as error:
                raise ImageError(f"{doing}: {error}") from None
        if f"sha256:{sha.hexdigest()}" != digest:
            raise ImageError(f"{doing}: {self._url} gave a blob of sha256:{sha.hexdigest()}")

    def put_blob(
        self, repository: str, digest: str, size_bytes: int, chunks: Iterable[bytes]
    ) -> None:
        """Put a blob.

        Raises:
            ImageError: the registry refuses.
        """
        doing = f"putting the blob {digest} into {repository}"
        with _closing(self._ask("POST", f"{repository}/blobs/uploads/", body=b"")) as answer:
            self._check(answer, doing)
            place = self._place(answer, doing)
        # As Docker does: what the registry has is told in the second step, compared in the third.
        sent = {"Content-Length": str(size_bytes), "Content-Type": "application/octet-stream"}
        with _closing(self._send("PATCH", place, sent, chunks)) as answer:
            self._check(answer, doing)
            place = self._place(answer, doing)
        joined = f"{place}{'&' if '?' in place else '?'}digest={quote(digest)}"
        with _closing(self._send("PUT", joined, {}, b"")) as answer:
            self._check(answer, doing)

    def _place(self, answer: urllib3.BaseHTTPResponse, doing: str) -> str:
        place = urljoin(f"{self._url}/", answer.headers.get("Location", ""))
        if urlsplit(place)[:2] != urlsplit(self._url)[:2]:
            raise ImageError(f"{doing}: {self._url} sends elsewhere, to {place}")
        return place

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None
    ) -> urllib3.BaseHTTPResponse:
        return self._send(method, f"{self._url}/v2/{path}", headers or {}, body)

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: Any
    ) -> urllib3.BaseHTTPResponse:
        again = body is None or isinstance(body, bytes)
        answer = self._once(method, url, headers, body, again=again)
        if answer.status == 401 and again:  # noqa: PLR2004 - the token has run out
            answer.close()
            self._authorization = None
            answer = self._once(method, url, headers, body, again=again)
        return answer

    def _once(
        self, method: str, url: str, headers: dict[str, str], body: Any, *, again: bool
    ) -> urllib3.BaseHTTPResponse:
        if self._authorization is None:
            self._authorization = self._login()
        try:
            # urllib3 drops the header where a redirect leads to another host, as ECR's to S3.
            return self._pool.request(
                method,
                url,
                body=body,
                headers={**headers, "Authorization": self._authorization},
                timeout=TIMEOUT,
                retries=RETRIES if again else urllib3.Retry(0, redirect=0),
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise ImageError(f"asking the registry {self._url}: {error}") from None

    def _check(self, answer: urllib3.BaseHTTPResponse, doing: str) -> None:
        if answer.status < 300:  # noqa: PLR2004 - HTTP's border
            return
        raise ImageError(f"{doing}: {self._url} answered {answer.status} {_said(answer)}")

    def _absent(self, answer: urllib3.BaseHTTPResponse, doing: str) -> None:
        """Give None for an absent image; an absent repository is another matter."""
        said = _said(answer)
        if "NAME_UNKNOWN" in said:
            raise ImageError(f"{doing}: {self._url} answered 404 {said}")


def ecr_registry(image: ImageReference, profile: str | None = None) -> RegistryClient:
    """Give the registry of an image in ECR.

    Args:
        image: says account and region.
        profile: of the user's AWS configuration. Default: boto3's own choice.
    """
    ecr = aws_client("ecr", image.region, profile)

    def token() -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ecr.get_authorization_token()["authorizationData"][0]
        except (BotoCoreError, ClientError) as error:
            raise ImageError(f"logging in to the registry {image.registry}: {error}") from None

    def header(data: Mapping[str, Any]) -> str:
        return f"Basic {data['authorizationToken']}"

    first = token()
    # On AWS the answer names the caller's own registry; the token is good for others that allow it.
    url = first["proxyEndpoint"]
    if ".dkr.ecr" in url:
        url = f"https://{image.registry}"
    return RegistryClient(url, lambda: header(token()), header(first))


class _closing:  # noqa: N801 - reads as contextlib's
    """Gives an answer, and its connection back to the pool once it was read."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def __enter__(self) -> urllib3.BaseHTTPResponse:
        return self._answer

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._answer.drain_conn()
            self._answer.release_conn()
        else:
            self._answer.close()


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    content = answer.read(64 * 1024)
    try:
        errors = json.loads(content)["errors"]
        return "; ".join(f"{each['code']}: {each.get('message', '')}" for each in errors)
    except (ValueError, KeyError, TypeError):
        return content.decode("utf-8", "replace")[:500]


def _pool(url: str) -> urllib3.PoolManager:
    """Give connections, through the proxy that the environment names."""
    parts = urlsplit(url)
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
    proxy = getproxies().get(parts.scheme)
    if proxy is None or proxy_bypass(parts.netloc):
        return urllib3.PoolManager(ca_certs=bundle)
    return urllib3.ProxyManager(proxy, ca_certs=bundle)

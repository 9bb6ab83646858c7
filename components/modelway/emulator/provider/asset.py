"""The content of a Pulumi asset, as a stream.

Takes an asset as the engine describes it, gives an open binary file. Files are read from this
machine, where the program that names them runs; other addresses than files are fetched.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from modelway.emulator.provider.wire import Asset
from modelway.errors import EmulatorError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip file can hold; a fixed one keeps archives of equal content equal."""


@contextmanager
def open_asset(asset: Any, directory: str) -> Iterator[IO[bytes]]:
    """Open an asset's content.

    Args:
        asset: what a property holds.
        directory: where relative paths begin; empty: the emulator's own directory.

    Raises:
        EmulatorError: it is no asset, or its content cannot be read.
    """
    if not isinstance(asset, Asset):
        raise EmulatorError(
            f"reading an asset: the value is {asset!r}; it must be a pulumi.FileAsset, "
            f"StringAsset, RemoteAsset or an archive"
        )
    fields = asset.fields
    try:
        if "text" in fields:
            yield io.BytesIO(str(fields["text"]).encode())
        elif "path" in fields:
            with _open_path(Path(directory, str(fields["path"]))) as content:
                yield content
        elif "uri" in fields:
            with _open_uri(str(fields["uri"])) as content:
                yield content
        else:
            with _zipped(_members(fields.get("assets") or {}, directory, "")) as content:
                yield content
    except OSError as error:
        raise EmulatorError(f"reading the asset {_shown(fields)}: {error}") from error


@contextmanager
def _open_path(path: Path) -> Iterator[IO[bytes]]:
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        with _zipped((str(each.relative_to(path)), each) for each in files) as content:
            yield content
        return
    with path.open("rb") as content:
        yield content


@contextmanager
def _open_uri(uri: str) -> Iterator[IO[bytes]]:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        with _open_path(Path(url2pathname(parts.path))) as content:
            yield content
        return
    if parts.scheme not in {"http", "https"}:
        raise EmulatorError(
            f"reading the asset {uri}: its scheme must be file, http or https, not {parts.scheme!r}"
        )
    with urlopen(uri) as answer, TemporaryFile() as spooled:  # noqa: S310 - the scheme is checked
        # boto3 must be able to go back to the start.
        while chunk := answer.read(1024 * 1024):
            spooled.write(chunk)
        spooled.seek(0)
        yield spooled


def _members(assets: Mapping[str, Any], directory: str, below: str) -> Iterator[tuple[str, Any]]:
    for name, asset in sorted(assets.items()):
        inner = asset.fields.get("assets") if isinstance(asset, Asset) else None
        if inner is not None:
            yield from _members(inner, directory, f"{below}{name}/")
        else:
            with open_asset(asset, directory) as content:
                yield f"{below}{name}", content


@contextmanager
def _zipped(members: Any) -> Iterator[IO[bytes]]:
    with TemporaryFile() as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                data = content.read_bytes() if isinstance(content, Path) else content.read()
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
        made.seek(0)
        yield made


def _shown(fields: Mapping[str, Any]) -> str:
    return str(fields.get("path") or fields.get("uri") or "of several files")

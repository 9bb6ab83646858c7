"""`modelway verify`: whether a package is what somebody trusted signed."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def verify(
    package: Annotated[Path, typer.Argument(help="A package's folder, or its model.tar.gz.")],
    key: Annotated[
        list[Path],
        typer.Option(help="A public key in PEM that is trusted; may be repeated.", metavar="FILE"),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify that a package holds exactly what was signed with a trusted key.

    Every problem is told at once: changed, missing and additional files, links, weights kept
    outside, another key, no signature. An archive is unpacked into a temporary folder first, with
    limits. The model is not loaded.

    Exit status: 0 when it is verified, 1 when it is refused, with every reason.

    For example:

        modelway verify fraud-1 --key trusted.pem

        modelway verify model.tar.gz --key trusted.pem --key trusted-next.pem --json
    """
    from modelway.package.unpacking import open_archive
    from modelway.package.verify import verify_package

    with tempfile.TemporaryDirectory(prefix="modelway-verify-") as temporary:
        folder = package
        if package.is_file():
            folder = Path(temporary) / package.name
            open_archive(package, folder)
        verified = verify_package(folder, key, name=str(package))
    manifest = verified.manifest
    if as_json:
        facts = {
            "verified": True,
            "name": manifest.name,
            "version": manifest.version,
            "digest": verified.digest,
            "key_id": verified.key.key_id,
            "key": str(verified.key.file),
        }
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(
            f"verified {manifest.name} {manifest.version}, {verified.digest}, signed with the key "
            f"in {verified.key.file}"
        )

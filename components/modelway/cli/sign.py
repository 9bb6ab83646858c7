"""`modelway sign`: an OpenSSF model signature for a package."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.package.keys import SigningKey

PASSPHRASE_VARIABLE = "MODELWAY_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable


def sign(
    package: Annotated[Path, typer.Argument(help="A package's folder.")],
    key: Annotated[Path | None, typer.Option(help="A private key in PEM.", metavar="FILE")] = None,
    kms: Annotated[
        str | None,
        typer.Option(help="A key in AWS KMS instead: its ARN, id or alias/NAME.", metavar="KEY"),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="AWS region of the key. Default: that of the ARN, else boto3's own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Sign a package: its manifest and every content file. The signature is its model.sig.

    Signed is what `modelway package` made, so that evidence may be added to it later. The key is
    one of the curves P-256, P-384 and P-521; OpenSSL makes one, with a passphrase, and its public
    half:

        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -out signing.pem

        openssl pkey -in signing.pem -pubout -out trusted.pem

    The passphrase is taken from MODELWAY_KEY_PASSPHRASE, else asked for. In KMS, a key has the
    spec ECC_NIST_P256 and the usage SIGN_VERIFY; kms:GetPublicKey and kms:Sign are needed.

    Exit status: 0 when it is signed, 1 when the package or the key is refused.

    For example:

        modelway sign fraud-1 --key signing.pem

        modelway sign fraud-1 --kms alias/models --region eu-west-1
    """
    from modelway.package.signing import sign_package

    key_id = sign_package(package, signing_key(key, kms, region))
    if as_json:
        typer.echo(json.dumps({"signature": str(package / "model.sig"), "key_id": key_id}))
    else:
        typer.echo(f"signed {package} with the key {key_id}")


def signing_key(key: Path | None, kms: str | None, region: str | None) -> "SigningKey":
    """Give the key that the options name, which must be one."""
    if (key is None) == (kms is None):
        raise typer.BadParameter("give one of --key FILE and --kms KEY")
    return _from_file(key) if key else _from_kms(kms or "", region)


def _from_kms(name: str, region: str | None) -> "SigningKey":
    from modelway.kms_key import KmsKey

    return KmsKey(name, region)


def _from_file(file: Path) -> "SigningKey":
    from modelway.errors import PackageError
    from modelway.package.keys import is_encrypted, read_private_key

    passphrase: str | None = None
    if is_encrypted(file):
        passphrase = os.environ.get(PASSPHRASE_VARIABLE)
        if passphrase is None and not sys.stdin.isatty():
            raise PackageError(
                f"the private key {file} has a passphrase and nobody can be asked for it; put it "
                f"into {PASSPHRASE_VARIABLE}"
            )
        if passphrase is None:
            passphrase = typer.prompt(f"passphrase of {file}", hide_input=True, err=True)
    return read_private_key(file, None if passphrase is None else passphrase.encode())

"""`modelway image`: what goes into the model server's image, and what lies beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.image.reference import ImageReference

app = typer.Typer(
    name="image",
    help="What goes into the model server's image, and what lies beside it: SBOM and provenance.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Out = Annotated[
    Path | None, typer.Option("--out", help="Write this file. Default: stdout.", metavar="FILE")
]
Push = Annotated[
    bool, typer.Option("--push", help="Put it beside the image, in the image's own repository.")
]
BaseImage = Annotated[
    str | None,
    typer.Option(
        help="The base image that it was built on, with its digest. Default: the Dockerfile's own.",
        metavar="IMAGE",
    ),
]
ContentHash = Annotated[
    str | None,
    typer.Option(
        help="Of the sources that it was built from. Default: of those that come with modelway.",
        metavar="HEX",
    ),
]
Profile = Annotated[
    str | None, typer.Option(help="Profile of the AWS configuration.", metavar="NAME")
]


@app.command()
def lock(
    spec: Annotated[Path, typer.Argument(help="A spec file.", metavar="SPEC")],
) -> None:
    """Pin `image.packages` with hashes, in the file that `image.requirements` names.

    The packages are resolved together with the model server's own, with uv or pip-tools. The file
    appears whole or not at all; commit it, since it decides what is built.

    Exit status: 0 written, 1 they cannot be resolved, 2 the spec names no packages or no file.

    For example:

        modelway image lock stacks/specs/fraud.yaml
    """
    from modelway.errors import Problem, SpecError
    from modelway.image.lock import locked
    from modelway.spec import load_spec
    from modelway.spec.image import ImageBuild

    image = load_spec(spec).image
    packages = image.packages if isinstance(image, ImageBuild) else ()
    if not isinstance(image, ImageBuild) or not packages or image.requirements is None:
        raise SpecError(
            [
                Problem(
                    path="image",
                    message="names nothing to lock",
                    allowed="{packages: [NAME, ...], requirements: FILE}",
                    file=str(spec),
                )
            ]
        )
    typer.echo(f"resolving {', '.join(packages)} with the model server's packages", err=True)
    text = locked(packages, image.variant)
    target = Path(image.requirements)
    partial = target.with_name(f".{target.name}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise SpecError(
            [
                Problem(
                    path="image.requirements",
                    message=f"cannot be written: {error.strerror}",
                    value=str(target),
                    file=str(spec),
                )
            ]
        ) from None
    typer.echo(str(target))


@app.command()
def sbom(
    image: Annotated[
        str | None,
        typer.Argument(help="The image by digest. Default: none, it is not built yet."),
    ] = None,
    out: Out = None,
    push: Push = False,
    requirements: Annotated[
        list[Path] | None,
        typer.Option(
            help="A locked requirements file that is installed; may be repeated. Default: the one "
            "of serving_image/.",
            metavar="FILE",
        ),
    ] = None,
    python_version: Annotated[
        str, typer.Option(help="Python of the base image.", metavar="X.Y")
    ] = "3.11",
    base_image: BaseImage = None,
    content_hash: ContentHash = None,
    profile: Profile = None,
) -> None:
    """Write the SBOM of the serving image: CycloneDX 1.6, JSON.

    It lists every Python package of the lock with the digests that pip accepts. What the base image
    contains is not listed, and the SBOM says so. The same image has the same SBOM, byte for byte.

    With --push it is an OCI artifact that refers to the image, and whoever copies the image copies
    it too.

    For example:

        modelway image sbom --out sbom.cdx.json

        modelway image sbom 123456789012.dkr.ecr.us-east-1.amazonaws.com/models@sha256:... --push
    """
    from modelway.image import sbom as boms
    from modelway.image.context import serving_image_directory
    from modelway.image.reference import image_reference

    reference = None if image is None else image_reference(image)
    files = requirements or [serving_image_directory() / "requirements.txt"]
    text = "\n".join(_text(file) for file in files)
    contents = boms.Contents(
        digest=None if reference is None else reference.digest,
        content_hash=content_hash or _content_hash(),
        base_image=base_image or _base_image(),
        packages=boms.read_lock(text, python_version),
    )
    _give(boms.sbom(contents), boms.MEDIA_TYPE, out, reference if push else None, push, profile)


@app.command()
def provenance(
    image: Annotated[str, typer.Argument(help="The image by digest.")],
    builder: Annotated[str, typer.Option(help="A URI that names who built it.", metavar="URI")],
    key: Annotated[Path | None, typer.Option(help="A private key in PEM.", metavar="FILE")] = None,
    kms: Annotated[
        str | None,
        typer.Option(help="A key in AWS KMS instead: its ARN, id or alias/NAME.", metavar="KEY"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region of the key.")] = None,
    source: Annotated[
        str | None, typer.Option(help="The repository with the sources.", metavar="URI")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="The commit that was built.", metavar="SHA")
    ] = None,
    out: Out = None,
    push: Push = False,
    base_image: BaseImage = None,
    content_hash: ContentHash = None,
    profile: Profile = None,
) -> None:
    r"""Say who built an image of what, and sign it: in-toto, SLSA provenance v1, DSSE.

    Run it where the image was built. The key is one as `modelway sign` takes it; its public half in
    `releases/keys` makes it trusted. A stack whose policy has `provenance` under `evidence` deploys
    no image without it, and verifies it at every preview.

    For example:

        modelway image provenance 123456789012.dkr.ecr.us-east-1.amazonaws.com/models@sha256:... \
            --builder https://ci.example.com --revision "$(git rev-parse HEAD)" \
            --key signing.pem --out provenance.json --push

        modelway release fraud --stack dev --evidence provenance=provenance.json
    """
    from modelway.cli.sign import signing_key
    from modelway.image import provenance as statements
    from modelway.image.reference import image_reference

    reference = image_reference(image)
    build = statements.Build(
        digest=reference.digest,
        content_hash=content_hash or _content_hash(),
        base_image=base_image or _base_image(),
        builder=builder,
        source=source,
        revision=revision,
    )
    envelope = statements.sign_provenance(build, signing_key(key, kms, region))
    _give(envelope, statements.PAYLOAD_TYPE, out, reference if push else None, push, profile)


def _give(
    content: bytes,
    kind: str,
    out: Path | None,
    beside: "ImageReference | None",
    push: bool,
    profile: str | None,
) -> None:
    if push and beside is None:
        raise typer.BadParameter("--push needs the image that it is to lie beside")
    if beside is not None:
        from modelway.image.attachment import attach
        from modelway.image.registry import ecr_registry

        registry = ecr_registry(beside, profile)
        digest = attach(registry, beside.name, beside.digest, kind, content)
        typer.echo(f"put beside {beside} as {digest}", err=True)
    if out is not None:
        _write(out, content)
        typer.echo(f"written to {out}", err=True)
    elif beside is None:
        typer.echo(content, nl=False)


def _write(path: Path, content: bytes) -> None:
    from modelway.errors import ImageError

    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise ImageError(f"writing {path}: {error.strerror}") from None


def _text(path: Path) -> str:
    from modelway.errors import ImageError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError(f"reading the locked requirements {path}: {error}") from None


def _content_hash() -> str:
    from modelway.image.context import content_hash

    return content_hash()


def _base_image() -> str:
    from modelway.image.context import default_base_image

    return default_base_image()

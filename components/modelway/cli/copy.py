"""`modelway copy`: an image or a model artifact from one account to another, by digest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelway.artifact_copy import ObjectAddress


def copy(
    source: Annotated[
        str,
        typer.Argument(help="An image by digest, or an artifact: s3://BUCKET/KEY.", metavar="FROM"),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="A repository; for an artifact s3://BUCKET, or with another key.", metavar="TO"
        ),
    ],
    from_profile: Annotated[
        str | None, typer.Option(help="AWS profile of the source's account.", metavar="NAME")
    ] = None,
    to_profile: Annotated[
        str | None, typer.Option(help="AWS profile of the target's account.", metavar="NAME")
    ] = None,
    region: Annotated[
        str, typer.Option(help="Region that S3 is asked in, for artifacts.", metavar="REGION")
    ] = "us-east-1",
    digest: Annotated[
        str | None,
        typer.Option(help="What the artifact must have. Default: what the source has."),
    ] = None,
    policy: Annotated[
        bool, typer.Option("--policy", help="Only print what IAM must allow on both sides.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    r"""Copy what a release names to another account, byte for byte, and verify its digest.

    An image is copied with everything that belongs to it: the images of an index, all layers, its
    SBOM, its provenance. In the target it has a tag that its digest names, so that no lifecycle
    policy for untagged images takes it. What is there already is skipped: when it was interrupted,
    run it again.

    Repository and bucket of the target must exist. Nothing is built, and nothing is deleted. Where
    a bucket is encrypted with a key in KMS, the policies that --policy prints need kms:Decrypt on
    it, in the target kms:GenerateDataKey too.

    Exit status: 0 it is there and verified, 1 it is not.

    For example:

        modelway copy 111111111111.dkr.ecr.us-east-1.amazonaws.com/models@sha256:... \
            222222222222.dkr.ecr.us-east-1.amazonaws.com/models \
            --from-profile staging --to-profile prod

        modelway copy s3://staging-models/fraud/model.tar.gz s3://prod-models \
            --from-profile staging --to-profile prod
    """
    from modelway.artifact_copy import SCHEME

    if source.startswith(SCHEME) != target.startswith(SCHEME):
        raise typer.BadParameter("FROM and TO must both be in S3, or both in ECR")
    is_artifact = source.startswith(SCHEME)
    if digest is not None and not is_artifact:
        raise typer.BadParameter("--digest is for artifacts; an image is named by its own")
    if is_artifact:
        here = _object(source, region, from_profile, "")
        there = _object(target, region, to_profile, here.key)
        found = _artifact_policy(here, there) if policy else _artifact(here, there, digest)
    else:
        found = (
            _image_policy(source, target)
            if policy
            else _image(source, target, from_profile, to_profile)
        )
    if as_json or policy:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo("\n".join(f"{name}: {value}" for name, value in found.items()))


def _image(
    source: str, target: str, from_profile: str | None, to_profile: str | None
) -> dict[str, Any]:
    from modelway.image.copy import Place, copy_image
    from modelway.image.reference import image_reference, repository_reference
    from modelway.image.registry import ecr_registry

    image, repository = image_reference(source), repository_reference(target)
    here = Place(ecr_registry(image, from_profile), image.name)
    there = Place(ecr_registry(repository, to_profile), repository.name)
    with _progress() as tell:
        copied = copy_image(here, there, image.digest, tell)
    return {
        "image": f"{repository.registry}/{repository.name}@{image.digest}",
        "manifests_copied": copied.manifests,
        "blobs_copied": copied.blobs,
        "bytes_copied": copied.size_bytes,
        "skipped": copied.skipped,
    }


def _artifact(here: "ObjectAddress", there: "ObjectAddress", digest: str | None) -> dict[str, Any]:
    from modelway.artifact_copy import copy_artifact

    with _progress() as tell:
        copied = copy_artifact(here, there, digest, tell)
    return {
        "artifact": str(there),
        "digest": copied.digest,
        "bytes": copied.size_bytes,
        "skipped": copied.skipped,
    }


def _image_policy(source: str, target: str) -> dict[str, Any]:
    from modelway.iam.copier import image_copy_statements
    from modelway.iam.statements import document
    from modelway.image.reference import image_reference, repository_reference

    sides = image_copy_statements(image_reference(source), repository_reference(target))
    return {side: document(statements) for side, statements in sides.items()}


def _artifact_policy(here: "ObjectAddress", there: "ObjectAddress") -> dict[str, Any]:
    from modelway.iam.copier import artifact_copy_statements
    from modelway.iam.statements import document

    sides = artifact_copy_statements(
        (here.bucket, here.key), (there.bucket, there.key), there.region
    )
    return {side: document(statements) for side, statements in sides.items()}


def _object(address: str, region: str, profile: str | None, key: str) -> "ObjectAddress":
    from modelway.artifact_copy import SCHEME, ObjectAddress

    bucket, _, own = address.removeprefix(SCHEME).partition("/")
    if not bucket or not (own or key):
        raise typer.BadParameter(f"{address!r} is no s3://BUCKET/KEY")
    return ObjectAddress(bucket, own or key, region, profile)


@contextmanager
def _progress() -> "Iterator[Callable[[str, int, int], None]]":
    """Show bytes as they move, on stderr, where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as progress:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what[:19], total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield tell

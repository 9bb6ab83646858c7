"""Rules of the artifact.

Takes the spec of one environment, gives `Problem`s. The model file itself is read by
`modelway.package`.
"""

import re
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.model import ModelSpec

_S3_ARCHIVE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\.tar\.gz\Z")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def model_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the model's place and digest."""
    path, registry = spec.model.path, spec.model.registry
    if registry is not None:
        if path:
            yield Problem(
                path="model.registry",
                message="and `model.path` both say where the model is",
                value=registry,
                allowed='one of them; in an environment, `registry: null` or `path: ""` takes the '
                "base's away",
                source="modelway",
            )
        return
    if not path.startswith("s3://"):
        if _SCHEME.match(path):
            yield Problem(
                path="model.path",
                message="is not a place that modelway reads",
                value=path,
                allowed="a file, a package's folder, or s3://BUCKET/KEY.tar.gz; or "
                "`model.registry` instead",
                source="modelway",
            )
        return
    if _S3_ARCHIVE.match(path) is None:
        yield Problem(
            path="model.path",
            message="is not the URI of a packed model",
            value=path,
            allowed="s3://BUCKET/KEY.tar.gz",
            source="SageMaker ContainerDefinition.ModelDataUrl",
        )
    if spec.model.digest is None:
        yield Problem(
            path="model.digest",
            message="is missing: an object in S3 is named by its digest, since it is not read",
            allowed="sha256:<64 hexadecimal digits>, as `sha256sum model.tar.gz` prints them",
            source="modelway: artifacts are deployed by digest",
        )
    for field in ("input_rules", "generation"):
        value: object = getattr(spec.model, field)
        if value is not None:
            yield Problem(
                path=f"model.{field}",
                message="is for a model file that modelway packs; this one lies in S3, packed",
                value=value,
                allowed=f"leave it out, and put {field}.json into the archive",
                source="modelway",
            )

"""`modelway check`: every problem of specs and model files, before anything exists.

Problems are this command's result, so they go to stdout; the count goes to stderr.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from modelway.errors import ArtifactError
    from modelway.spec.model_file import Model
    from modelway.spec.review import Review


def check(
    specs: Annotated[list[Path], typer.Argument(help="Spec files.", metavar="SPEC")],
    env: Annotated[
        list[str] | None,
        typer.Option("--env", help="Check for this environment; may be repeated. Default: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check specs and their model files, and print every problem at once.

    Each line has the file, the line, the field, what is wrong, the value, what is allowed and whose
    rule it is. Nothing is created and no network is used.

    Exit status: 0 when all is well, 2 when there are problems.

    For example:

        modelway check stacks/specs/digits.yaml

        modelway check stacks/specs/*.yaml --env dev --env prod --json
    """
    from modelway.image.extras import extras_problems
    from modelway.spec.review import review_files

    reviews = review_files(specs, env or (), _artifact_fault, extras_problems)
    for review in reviews:
        _note_unknown(review)
        _note_registry(review)
    if as_json:
        typer.echo(json.dumps({"specs": [_plain(review) for review in reviews]}, indent=2))
    else:
        for review in reviews:
            _print(review)
    count = sum(len(review.problems) for review in reviews)
    if count:
        bad = sum(1 for review in reviews if review.problems)
        what = "1 problem" if count == 1 else f"{count} problems"
        files = "1 spec" if len(reviews) == 1 else f"{bad} of {len(reviews)} specs"
        typer.echo(f"{what} in {files}", err=True)
        raise typer.Exit(2)


def _artifact_fault(model: "Model", environment: Mapping[str, str]) -> "ArtifactError | None":
    """Say what is wrong with a model file; what lies in S3 or in a registry is not read."""
    from modelway.package.trust import TRUSTED_KEYS

    return _fault(model, environment.get(TRUSTED_KEYS, ""))


@cache
def _fault(model: "Model", trusted_keys: str) -> "ArtifactError | None":
    from modelway.errors import ArtifactError
    from modelway.package import read_artifact
    from modelway.package.trust import check_trusted

    if model.registry is not None or "://" in model.path:
        return None
    try:
        read_artifact(model)
        check_trusted(Path(model.path), trusted_keys)
    except ArtifactError as error:
        return error
    return None


def _note_unknown(review: "Review") -> None:
    """Tell of environments that the file does not mention: a slip, or one without overrides."""
    if review.spec is None or not review.spec.environments:
        return
    for name in review.environments:
        if name not in review.spec.environments:
            known = ", ".join(review.spec.environments)
            typer.echo(
                f"note: {review.file} has no environment `{name}` (it has {known}), "
                "so the base alone was checked",
                err=True,
            )


def _note_registry(review: "Review") -> None:
    """Tell what only the registry knows."""
    if review.spec is None:
        return
    named = {
        model.registry
        for environment in review.environments
        for _place, model in review.spec.for_environment(environment).models()
        if model.registry is not None
    }
    for reference in sorted(named):
        typer.echo(
            f"note: {review.file}: {reference} was not looked up; `modelway plan` and `pulumi "
            "preview` do, and refuse a version that is missing or not approved",
            err=True,
        )


def _print(review: "Review") -> None:
    """Print one file's problems, or that there are none."""
    for problem in review.problems:
        typer.echo(str(problem))
    if not review.problems:
        typer.echo(f"{review.file}: ok ({', '.join(review.environments)})")


def _plain(review: "Review") -> dict[str, Any]:
    """Give one file's review as JSON has it."""
    return {
        "file": review.file,
        "name": None if review.spec is None else review.spec.name,
        "environments": list(review.environments),
        "ok": not review.problems,
        "problems": [
            {
                "line": problem.line,
                "path": problem.path,
                "message": problem.message,
                "value": _json_value(problem.value),
                "allowed": problem.allowed,
                "source": problem.source,
            }
            for problem in review.problems
        ],
    }


def _json_value(value: object) -> object:
    """Give a value that JSON can hold; YAML also has dates, binary data and keys of any kind."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value

"""Load specs from YAML files.

Takes paths, gives `ModelSpec`s, or one `SpecError` with every problem of the file's fields: the
base and each environment. Rules that need more than one field are `modelway.spec.rules`, checked
by `modelway.spec.review` and again by the plan. Must not read the model file.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from modelway.errors import Problem, SpecError
from modelway.spec.image import IMAGE_FILES, image_override_problems
from modelway.spec.merge import merge
from modelway.spec.model import ModelSpec
from modelway.spec.problems import NOT_OVERRIDABLE, field_problems, override_problems
from modelway.spec.source import Source, read_source

SCHEME_MARK = "://"
"""What is in a URI and in no path: only paths are resolved, the rules say which URIs are known."""

PATH_FIELDS = ("path", "input_rules", "generation")
"""Fields of `model` that name files."""


def load_spec(path: str | PathLike[str]) -> ModelSpec:
    """Read and validate one spec.

    Relative paths of `model` are taken from the spec's folder and are absolute in the result.

    Args:
        path: a YAML file.

    Raises:
        SpecError: with every problem of the file, each with its line.
    """
    spec, problems = parse_source(read_source(Path(path)))
    if spec is None:
        raise SpecError(problems)
    return spec


def parse_spec(data: Mapping[str, Any]) -> ModelSpec:
    """Validate a spec given as plain data, such as a program's own dictionary.

    Raises:
        SpecError: with every problem of the base and of each environment.
    """
    spec, problems = parse_data(data)
    if spec is None:
        raise SpecError(problems)
    return spec


def parse_source(source: Source) -> tuple[ModelSpec | None, list[Problem]]:
    """Validate a file that was read; the spec is None when there are problems."""
    spec, problems = parse_data(source_data(source))
    placed = [source.place(problem) for problem in problems]
    return spec, sorted(placed, key=lambda problem: problem.line or 0)


def source_data(source: Source) -> dict[Any, Any]:
    """Give a file's data with the artifact's paths resolved against the file's folder."""
    return _with_absolute_paths(source.data, Path(source.file).absolute().parent)


def parse_data(data: Mapping[Any, Any]) -> tuple[ModelSpec | None, list[Problem]]:
    """Validate the base, then each environment; a problem of the base is told once."""
    problems: list[Problem] = []
    spec: ModelSpec | None = None
    try:
        spec = ModelSpec.model_validate(data)
    except ValidationError as error:
        problems += field_problems(ModelSpec, error)
    base = {key: value for key, value in data.items() if key != "environments"}
    known = {problem.path for problem in problems}
    for environment, overrides in _environments(data).items():
        images = image_override_problems(data.get("image"), environment, overrides)
        problems += [*override_problems(ModelSpec, environment, overrides), *images]
        dropped = (*NOT_OVERRIDABLE, *(["image"] if images else []))
        kept = {key: value for key, value in overrides.items() if key not in dropped}
        try:
            ModelSpec.model_validate(merge(base, kept))
        except ValidationError as error:
            found = field_problems(ModelSpec, error, environment, kept)
            problems += [problem for problem in found if problem.path not in known]
    return (None if problems else spec), problems


def _environments(data: Mapping[Any, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the overrides that have the right form; the others are problems of the base."""
    environments: object = data.get("environments")
    if not isinstance(environments, Mapping):
        return {}
    members = cast("Mapping[object, object]", environments)
    return {
        name: cast("Mapping[str, Any]", overrides)
        for name, overrides in members.items()
        if isinstance(name, str) and isinstance(overrides, Mapping)
    }


def _with_absolute_paths(data: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """Resolve the artifact's paths, in the base and wherever an environment sets it."""
    result = _with_absolute_path(data, folder)
    environments = _environments(data)
    if environments:
        everything = cast("Mapping[Any, Any]", data["environments"])
        resolved = {name: _with_absolute_path(part, folder) for name, part in environments.items()}
        result["environments"] = {**everything, **resolved}
    return result


def _with_absolute_path(data: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """Resolve the paths of models and image in a spec or in an environment's overrides."""
    result = _with_absolute_files(data, folder, "model", PATH_FIELDS)
    result = _with_absolute_files(result, folder, "image", IMAGE_FILES)
    shadow: object = data.get("shadow")
    if isinstance(shadow, Mapping):
        result["shadow"] = _with_absolute_files(
            cast("Mapping[Any, Any]", shadow), folder, "model", PATH_FIELDS
        )
    challengers: object = data.get("challengers")
    if isinstance(challengers, list):
        result["challengers"] = [
            _with_absolute_files(cast("Mapping[Any, Any]", each), folder, "model", PATH_FIELDS)
            if isinstance(each, Mapping)
            else each
            for each in cast("list[object]", challengers)
        ]
    return result


def _with_absolute_files(
    data: Mapping[Any, Any], folder: Path, part: str, fields: Sequence[str]
) -> dict[Any, Any]:
    """Resolve the paths in one mapping that may have a `model` or an `image`."""
    result = dict(data)
    found: object = data.get(part)
    if isinstance(found, Mapping):
        members = cast("Mapping[Any, Any]", found)
        resolved = {
            field: str((folder / path).resolve())
            for field in fields
            if isinstance(path := members.get(field), str) and path and SCHEME_MARK not in path
        }
        result[part] = {**members, **resolved}
    return result

"""Review spec files: every problem of every file and environment, each with its line.

Takes paths and environments, gives one `Review` a file; nothing is raised for a bad spec. A problem
that several environments share is told once. Must not read model files: the caller may hand in a
function that does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from modelway.errors import ArtifactError, Problem, SpecError
from modelway.naming import endpoint_name
from modelway.spec import rules
from modelway.spec.image import ImageBuild
from modelway.spec.load import parse_source, source_data
from modelway.spec.model import ModelSpec
from modelway.spec.model_file import Model
from modelway.spec.paths import path_parts, path_text
from modelway.spec.problems import is_set
from modelway.spec.salvage import salvage, unaffected
from modelway.spec.source import Source, read_source

ArtifactFault = Callable[[Model, Mapping[str, str]], ArtifactError | None]
"""Says what is wrong with the model file of one environment, or None; the second argument is the
environment of the server that is to load it."""

ImageProblems = Callable[[ImageBuild], Sequence[Problem]]
"""Says what is wrong with the files that go into an image."""


@dataclass(frozen=True)
class Review:
    """What was found out about one file."""

    file: str
    """As the user named it."""
    spec: ModelSpec | None
    """None when fields of it are wrong."""
    environments: tuple[str, ...]
    """What it was checked for."""
    problems: tuple[Problem, ...]
    """In the order of lines; empty when all is well."""


def review_files(
    paths: Sequence[str | PathLike[str]],
    environments: Sequence[str] = (),
    artifact_fault: ArtifactFault | None = None,
    image_problems: ImageProblems | None = None,
) -> list[Review]:
    """Check files alone and together.

    Args:
        paths: YAML files; a file given twice is checked once.
        environments: stack names; default: each file's own, or `local` where a file has none.
        artifact_fault: checks a model file; default: model files are not looked at.
        image_problems: checks the files of an image; default: they are not looked at.
    """
    files = {Path(path).resolve(): Path(path) for path in reversed(paths)}
    reviews: list[Review] = []
    endpoints: dict[str, tuple[str, str]] = {}
    for path in reversed(files.values()):
        try:
            source = read_source(path)
        except SpecError as error:
            reviews.append(Review(str(path), None, (), error.problems))
            continue
        spec, wrong = parse_source(source)
        readable = spec if spec is not None else salvage(source_data(source), wrong)
        if readable is None:
            reviews.append(Review(str(path), None, (), tuple(wrong)))
            continue
        names = tuple(environments) or tuple(readable.environments)
        names = names or (rules.EMULATOR_ENVIRONMENT,)
        found = _problems(readable, names, artifact_fault, image_problems)
        found += _collisions(readable, names, str(path), endpoints)
        placed = [*wrong, *(source.place(problem) for problem in unaffected(found, wrong))]
        placed.sort(key=lambda problem: problem.line or 0)
        reviews.append(Review(str(path), spec, names, tuple(placed)))
    return reviews


def place_problems(
    problems: Iterable[Problem], source: Source, spec: ModelSpec, environment: str
) -> list[Problem]:
    """Give problems of one environment their file, line and full path."""
    return [source.place(_where_set(problem, spec, environment)) for problem in problems]


def told_once(spec: ModelSpec, problems: Mapping[str, Iterable[Problem]]) -> list[Problem]:
    """Give the problems of several environments, each once, and say in which environments it shows.

    Args:
        spec: the whole spec.
        problems: by environment.
    """
    shared: dict[tuple[str, str, str], tuple[Problem, list[str]]] = {}
    for environment, found in problems.items():
        for problem in found:
            located = _where_set(problem, spec, environment)
            key = (located.path, located.message, repr(located.value))
            names = shared.setdefault(key, (located, []))[1]
            if environment not in names:  # several models may have the same problem
                names.append(environment)
    return [_naming(problem, names) for problem, names in shared.values()]


def _problems(
    spec: ModelSpec,
    environments: Sequence[str],
    artifact_fault: ArtifactFault | None,
    image_problems: ImageProblems | None,
) -> list[Problem]:
    """Check every environment; the image is the same in all."""
    of_image: Sequence[Problem] = ()
    if image_problems is not None and isinstance(spec.image, ImageBuild):
        of_image = image_problems(spec.image)
    problems: dict[str, list[Problem]] = {}
    for environment in environments:
        merged = spec.for_environment(environment)
        found = rules.check(merged, environment)
        if artifact_fault is not None:
            for place, model in merged.models():
                fault = artifact_fault(model, merged.serving.environment)
                if fault is not None:
                    path = fault.field.replace("model", place, 1)
                    found.append(Problem(path, str(fault), source="the file itself"))
        problems[environment] = found
    return [*told_once(spec, problems), *of_image]


def _naming(problem: Problem, environments: list[str]) -> Problem:
    """Say in which environments a problem of the base shows."""
    if problem.path.startswith("environments"):
        return problem
    return replace(problem, message=f"{problem.message} (in {', '.join(environments)})")


def _where_set(problem: Problem, spec: ModelSpec, environment: str) -> Problem:
    """Point to the override, where the environment sets the field."""
    parts = path_parts(problem.path)
    if is_set(spec.environments.get(environment, {}), parts):
        return replace(problem, path=path_text(("environments", environment, *parts)))
    return problem


def _collisions(
    spec: ModelSpec,
    environments: Sequence[str],
    file: str,
    endpoints: dict[str, tuple[str, str]],
) -> list[Problem]:
    """Find endpoints that exist already; SageMaker ignores the case of letters."""
    problems: list[Problem] = []
    for environment in environments:
        endpoint = endpoint_name(spec.name, environment)
        owner = endpoints.setdefault(endpoint.lower(), (file, environment))
        if owner != (file, environment):
            problems.append(
                Problem(
                    path="name",
                    message=f"makes the endpoint name `{endpoint}`, which {owner[0]} makes too",
                    value=spec.name,
                    allowed="a name of its own; the case of letters makes no difference",
                    source="SageMaker CreateEndpoint",
                )
            )
    return problems

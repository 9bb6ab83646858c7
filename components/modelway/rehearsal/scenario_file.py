"""Read scenarios: files, and those that ship by name; and their JSON Schema.

Takes a path or a name, gives a `LoadedScenario`, or one `SpecError` with every problem, each with
its line: those of the scenario, and of the spec after every change. Must not run anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelway.errors import Problem, SpecError
from modelway.rehearsal.scenario import Scenario, Up
from modelway.spec import rules
from modelway.spec.load import parse_data, source_data
from modelway.spec.merge import merge
from modelway.spec.model import ModelSpec
from modelway.spec.paths import path_text
from modelway.spec.problems import field_problems
from modelway.spec.rules import EMULATOR_ENVIRONMENT
from modelway.spec.schema import DIALECT
from modelway.spec.source import Source, read_source

SHIPPED = Path(__file__).parent / "scenarios"
"""Where the scenarios that ship are."""

_PLACE = "spec"


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario with the specs that it deploys."""

    scenario: Scenario
    file: Path
    specs: tuple[ModelSpec, ...]
    """The first one, then one after each up; paths are absolute, overrides are laid over."""

    @property
    def folder(self) -> Path:
        """Where relative paths begin."""
        return self.file.absolute().parent

    def at_time_scale(self, time_scale: float | None) -> "LoadedScenario":
        """Give the same at another time scale; None leaves the scenario's own.

        Raises:
            SpecError: it is out of range.
        """
        if time_scale is None:
            return self
        try:
            scenario = Scenario.model_validate(
                self.scenario.model_dump() | {"time_scale": time_scale}
            )
        except ValidationError as error:
            raise SpecError(field_problems(Scenario, error)) from None
        return replace(self, scenario=scenario)


def shipped() -> dict[str, Path]:
    """Give the scenarios that ship, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def find_scenario(name: str) -> Path:
    """Give the file of a shipped scenario or the path as it is.

    Raises:
        SpecError: there is neither.
    """
    path = Path(name)
    known = shipped()
    if path.exists() or name not in known:
        if not path.exists() and path.suffix not in {".yaml", ".yml"}:
            raise SpecError(
                [
                    Problem(
                        "(file)",
                        "is neither a file nor a scenario that ships",
                        None,
                        "a YAML file, or " + ", ".join(known),
                        file=name,
                    )
                ]
            )
        return path
    return known[name]


def load_scenario(path: Path) -> LoadedScenario:
    """Read and validate one scenario and the specs it makes.

    Raises:
        SpecError: with every problem, each with its file and line.
    """
    source = read_source(path, kind="scenario")
    try:
        scenario = Scenario.model_validate(source.data)
    except ValidationError as error:
        placed = [source.place(problem) for problem in field_problems(Scenario, error)]
        raise SpecError(sorted(placed, key=lambda problem: problem.line or 0)) from None
    folder = path.absolute().parent
    data, base_source = _base(scenario, source, folder)
    problems: list[Problem] = []
    specs: list[ModelSpec] = []
    for place, changed in _versions(scenario, data, folder):
        spec, found = parse_data(changed)
        if spec is not None:
            found = [*rules.check(spec, EMULATOR_ENVIRONMENT), *_registry_problems(spec)]
        # What a change breaks is told at the change, once.
        located = [_at(problem, place) for problem in found]
        told = {(problem.path.removeprefix(f"{_PLACE}."), problem.message) for problem in problems}
        fresh = [
            p
            for p, bare in zip(located, found, strict=True)
            if (bare.path, bare.message) not in told
        ]
        problems += fresh
        if spec is not None:
            specs.append(spec)
    if problems:
        raise SpecError([_placed(problem, source, base_source) for problem in problems])
    return LoadedScenario(scenario, path, tuple(specs))


def _registry_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Refuse models that only the AWS of a real stack has."""
    for place, model in spec.models():
        if model.registry is not None:
            yield Problem(
                path=f"{place}.registry",
                message="names a registry, and a rehearsal has an AWS of its own",
                value=model.registry,
                allowed="`registry: null` and `path`, here or in the spec's environment",
                source="modelway",
            )


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of scenario files, for editors."""
    schema = Scenario.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "modelway scenario"}


def _base(scenario: Scenario, source: Source, folder: Path) -> tuple[dict[str, Any], Source | None]:
    """Give the first spec's data, and the file it was read from, if it is another one."""
    if isinstance(scenario.spec, str):
        base_source = read_source(folder / scenario.spec)
        data = source_data(base_source)
    else:
        base_source = None
        data = source_data(Source(source.file, scenario.spec, {}))
    overrides: Mapping[str, Any] = (data.get("environments") or {}).get(scenario.environment) or {}
    base = {key: value for key, value in data.items() if key != "environments"}
    # The rehearsal always runs where the emulator stands in for the image.
    return {**merge(base, overrides), "image": None}, base_source


def _versions(
    scenario: Scenario, data: dict[str, Any], folder: Path
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Give the spec's data at first and after each up, with the place that changed it."""
    yield (_PLACE,), data
    current = data
    for index, up in enumerate(scenario.ups):
        place: tuple[str | int, ...] = ("change",) if index == 0 else ("then", index - 1)
        changed = merge(data if up.back else current, _change(up, folder))
        current = changed
        yield (*place, "set"), changed


def _change(up: Up, folder: Path) -> dict[str, Any]:
    overrides = source_data(Source(str(folder / "scenario"), up.set, {}))
    if up.model is not None:
        overrides = merge(overrides, {"model": {"path": str((folder / up.model).resolve())}})
    return overrides


def _at(problem: Problem, place: tuple[str | int, ...]) -> Problem:
    return Problem(
        f"{path_text(place)}.{problem.path}",
        problem.message,
        problem.value,
        problem.allowed,
        problem.source,
    )


def _placed(problem: Problem, source: Source, base_source: Source | None) -> Problem:
    if base_source is None or not problem.path.startswith(f"{_PLACE}."):
        return source.place(problem)
    return base_source.place(
        Problem(
            problem.path.removeprefix(f"{_PLACE}."),
            problem.message,
            problem.value,
            problem.allowed,
            problem.source,
        )
    )

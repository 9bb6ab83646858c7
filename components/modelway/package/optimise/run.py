"""From the model that would be served to the variant that is.

Takes a model in the package's folder with its sample rows, gives what was measured of each variant
and the one that was chosen; its file then lies in the original's place. A variant that onnxruntime
does not load, whose inputs or outputs differ or that loses numbers is no candidate. Must not write
anything else into that folder.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelway.errors import ArtifactError, PackageError
from modelway.package.inference import run_model
from modelway.package.manifest import MODEL_NAME, PackagedModel
from modelway.package.optimise import accuracy, apart
from modelway.package.optimise.choice import (
    BATCH_ROWS,
    Candidate,
    Choice,
    Speed,
    choose,
    qualifies,
)
from modelway.package.optimise.split import split_rows
from modelway.package.optimise.variants import MADE, Variant
from modelway.package.request import Optimisation
from modelway.package.samples import Arrays
from modelway.package.tensors import read_tensors

ROUNDS = 3
"""Every variant is measured so often, in turn, and its least figures count: what else the machine
did during one of them is not the model's."""

JOINED_ROWS = 8
"""Of the run in which rows are compared with the same rows alone."""


@dataclass(frozen=True)
class Optimised:
    """All that was found."""

    candidates: tuple[Candidate, ...]
    choice: Choice
    measure: accuracy.Measure
    calibration_rows: int
    evaluation_rows: int
    original_score_percent: float
    max_lost_points: float


@dataclass(frozen=True)
class _Rows:
    """Rows by which variants are judged, and what is true of them."""

    inputs: Arrays
    originals: Mapping[str, Any]
    truth: Any
    measure: accuracy.Measure
    score_percent: float


def optimise(
    folder: Path,
    work: Path,
    model: PackagedModel,
    inputs: Arrays,
    labels: Sequence[Any] | None,
    wanted: Optimisation,
    seconds: int,
    tell: Callable[[str], None],
) -> Optimised:
    """Make variants, measure them, and put the chosen one into the folder.

    Args:
        folder: the package's, with the model and its external data alone.
        work: a folder that is not there yet, for what is not kept.
        model: what the folder has.
        inputs: of all sample rows.
        labels: what is true of them; None to compare with the original.
        wanted: what may be lost, or the variant by name.
        seconds: that one step may take.
        tell: is told each step.

    Raises:
        PackageError: there are too few rows, or the variant that was named cannot be served.
    """
    calibration, evaluation = split_rows(inputs)
    if labels is not None and len(labels) != len(calibration) + len(evaluation):
        raise PackageError("there is not one label for each sample row (--labels)")
    work.mkdir()
    shutil.copytree(folder, (work / apart.ORIGINAL_NAME).parent)
    variants = MADE if wanted.variant is None else tuple({wanted.variant} - {Variant.ORIGINAL})
    tell("making variants in a process of their own")
    refused = apart.make_variants(work, variants, _take(inputs, calibration), seconds)
    rows = _judged_rows(folder / MODEL_NAME, _take(inputs, evaluation), labels, evaluation)
    candidates: list[Candidate] = []
    for variant in (Variant.ORIGINAL, *variants):
        tell(f"comparing {variant} with the original")
        if variant in refused:
            candidates.append(Candidate(variant, refused[variant]))
        else:
            candidates.append(_judged(variant, _file(work, variant), model, rows))
    if wanted.variant is None:
        candidates = _measured(candidates, work, inputs, seconds, tell)
        choice = choose(candidates, wanted.max_lost_points)
    else:
        choice = _named(candidates, wanted.variant, wanted.max_lost_points)
    if choice.variant is not Variant.ORIGINAL:
        shutil.rmtree(folder)
        folder.mkdir(mode=0o755)
        shutil.copyfile(_file(work, choice.variant), folder / MODEL_NAME)
    return Optimised(
        tuple(candidates),
        choice,
        rows.measure,
        len(calibration),
        len(evaluation),
        rows.score_percent,
        wanted.max_lost_points,
    )


def _file(work: Path, variant: Variant) -> Path:
    name = apart.ORIGINAL_NAME if variant is Variant.ORIGINAL else f"{variant}.onnx"
    return work / name


def _take(inputs: Arrays, rows: Sequence[int]) -> Arrays:
    return {name: array[list(rows)] for name, array in inputs.items()}


def _judged_rows(
    path: Path, inputs: Arrays, labels: Sequence[Any] | None, evaluation: Sequence[int]
) -> _Rows:
    originals = run_model(path, inputs)
    chosen = None if labels is None else [labels[each] for each in evaluation]
    measure = accuracy.choose_measure(originals, chosen)
    truth: Any = originals if chosen is None else chosen
    score = accuracy.score_percent(measure, originals, truth)
    return _Rows(inputs, originals, truth, measure, score)


def _judged(variant: Variant, path: Path, model: PackagedModel, rows: _Rows) -> Candidate:
    """Compare a variant with the original, as far as it can stand in its place."""
    try:
        if read_tensors(path, path.parent) != (model.inputs, model.outputs):
            return Candidate(variant, "its inputs or outputs are not the original's")
        few = {name: array[:JOINED_ROWS] for name, array in rows.inputs.items()}
        joins = accuracy.same_numbers(run_model(path, few), run_model(path, few, 1))
        # What is not joined is answered alone, and judged so.
        outputs = run_model(path, rows.inputs) if joins else run_model(path, rows.inputs, 1)
    except (ArtifactError, PackageError) as error:
        # Evidence has no paths of a machine.
        return Candidate(variant, str(error).replace(str(path), path.name))
    score = accuracy.score_percent(rows.measure, outputs, rows.truth)
    return Candidate(
        variant,
        size_bytes=_size_bytes(path, variant),
        score_percent=score,
        lost_points=rows.score_percent - score,
        largest_difference=accuracy.largest_difference(outputs, rows.originals),
        joins=joins,
    )


def _size_bytes(path: Path, variant: Variant) -> int:
    if variant is not Variant.ORIGINAL:
        return path.stat().st_size
    from modelway.package.external_data import external_locations

    beside = external_locations(path)
    return sum((path.parent / name).stat().st_size for name in (path.name, *beside))


def _measured(
    candidates: Sequence[Candidate],
    work: Path,
    inputs: Arrays,
    seconds: int,
    tell: Callable[[str], None],
) -> list[Candidate]:
    """Measure every candidate, in turn."""
    rows = work / "rows.npz"
    repeated = {
        name: np.resize(array, (BATCH_ROWS, *array.shape[1:])) for name, array in inputs.items()
    }
    apart.save_arrays(rows, repeated)
    speeds: dict[Variant, Speed] = {}
    for turn in range(ROUNDS):
        for each in candidates:
            if each.refused is None:
                tell(f"measuring {each.variant} ({turn + 1} of {ROUNDS})")
                file = _file(work, each.variant)
                found = apart.measure(file, rows, (1, BATCH_ROWS), seconds)
                speeds[each.variant] = _least(speeds.get(each.variant), found)
    return [replace(each, speed=speeds.get(each.variant)) for each in candidates]


def _least(before: Speed | None, found: Speed) -> Speed:
    if before is None:
        return found
    return Speed(**{name: min(value, getattr(before, name)) for name, value in vars(found).items()})


def _named(candidates: Sequence[Candidate], variant: Variant, max_lost_points: float) -> Choice:
    """Take the variant that was named, or say why it cannot be served."""
    named = next(each for each in candidates if each.variant is variant)
    if named.refused is not None:
        raise PackageError(
            f"the variant {variant} (--variant) cannot be packaged: {named.refused}. Name another, "
            "or leave it out"
        )
    if not qualifies(named, max_lost_points):
        raise PackageError(
            f"the variant {variant} (--variant) loses {named.lost_points:.2f} points, and "
            f"{max_lost_points:g} may be lost (--max-accuracy-loss); or it gives no numbers where "
            "the original does. Nothing was written"
        )
    return Choice(variant, "it was named with --variant")

"""Make a package: convert the source, compare, and write the folder, or nothing at all.

Takes a `PackageRequest`, gives `Made`. Everything is written into a hidden folder beside the
destination, which takes the destination's name in one step at the end; when anything fails it goes.
The same source and options give the same package. Must not unpickle anything (`sources`).
"""

import importlib.util
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from modelway.errors import ArtifactError, PackageError
from modelway.package import manifest as names
from modelway.package import parity
from modelway.package.beside import read_beside
from modelway.package.card import model_card
from modelway.package.contents import check_package, hashed
from modelway.package.install import check_destination, install
from modelway.package.manifest import (
    Lineage,
    Manifest,
    PackagedModel,
    SourceFormat,
    canonical,
    package_digest,
)
from modelway.package.optimise.evidence import plain as plain_variants
from modelway.package.optimise.run import Optimised, optimise
from modelway.package.optimise.variants import Variant
from modelway.package.request import PackageRequest
from modelway.package.samples import sample_lines
from modelway.package.served import (
    ServedModel,
    Tell,
    converted_model,
    copied_model,
    described,
)
from modelway.package.sources.detect import detect
from modelway.package.sources.mlflow_folder import is_mlflow, read_mlflow
from modelway.spec.model_file import Model
from modelway.spec.part import Name

PICKLES = (SourceFormat.SKLEARN_JOBLIB, SourceFormat.SKLEARN_PICKLE)
"""Formats that run what is in them when they are read."""

NEEDS: Mapping[SourceFormat, tuple[str, ...]] = {
    SourceFormat.ONNX: ("onnx",),
    SourceFormat.SKLEARN_JOBLIB: ("onnx", "sklearn", "skl2onnx", "joblib"),
    SourceFormat.SKLEARN_PICKLE: ("onnx", "sklearn", "skl2onnx", "joblib"),
    SourceFormat.SKOPS: ("onnx", "sklearn", "skl2onnx", "joblib", "skops"),
    SourceFormat.XGBOOST: ("onnx", "sklearn", "skl2onnx", "joblib", "onnxmltools", "xgboost"),
    SourceFormat.LIGHTGBM: ("onnx", "sklearn", "skl2onnx", "joblib", "onnxmltools", "lightgbm"),
}
"""Modules that a format needs here."""

MOST_POINTS = 100

OWN_LIBRARIES = ("xgboost", "lightgbm")
"""Modules that come with the training, and not with modelway's extra."""


@dataclass(frozen=True)
class Made:
    """A package that lies where it was wanted."""

    folder: Path
    digest: str
    manifest: Manifest
    compared: parity.Parity | None
    """None for ONNX, which is not converted."""
    optimised: Optimised | None
    """None where the model was packaged as it is."""
    unchanged: bool
    """It was there already, the same to the byte, and was left as it was."""
    notes: tuple[str, ...]


def make_package(
    request: PackageRequest,
    destination: Path,
    *,
    replace: bool = False,
    tell: Tell = lambda _step: None,
) -> Made:
    """Make a package.

    Args:
        request: what is to be packaged.
        destination: the package's folder.
        replace: whether another package may be there, which goes then.
        tell: is told each step, in a few words.

    Raises:
        PackageError: the source cannot be converted, or the model does not answer as it does;
            nothing is written.
    """
    try:
        check_destination(destination, replace=replace)
        request, remark = _unfolded(request)
        found = detect(request.source)
        _check_request(request, found)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=destination.parent.absolute(),
            prefix=f".{destination.name}-",
            ignore_cleanup_errors=True,
        ) as temporary:
            folder = Path(temporary) / "package"
            folder.mkdir(mode=0o755)
            made = _write(request, found, folder, tell)
            unchanged = install(folder, destination, made.digest, replace=replace)
    except OSError as error:
        raise PackageError(
            f"the package {destination} cannot be written: {error.strerror or error}"
        ) from None
    return Made(
        destination,
        made.digest,
        made.manifest,
        made.compared,
        made.optimised,
        unchanged,
        (*remark, *made.notes),
    )


def _unfolded(request: PackageRequest) -> tuple[PackageRequest, tuple[str, ...]]:
    """Take the model's file, and what was not said, from a folder of MLflow's."""
    if not is_mlflow(request.source):
        return request, ()
    held = read_mlflow(request.source)
    run = None if held.run_id is None else f"mlflow run {held.run_id}"
    remark = f"the MLflow model's file is {held.source.relative_to(request.source)}"
    if request.samples is None and held.example is not None:
        remark += f"; the samples are the {len(held.example)} rows of its input example"
    unfolded = replace(
        request,
        source=held.source,
        samples=request.samples or held.example,
        training_job=request.training_job or run,
    )
    return unfolded, (remark,)


def _check_request(request: PackageRequest, found: SourceFormat) -> None:
    """Refuse what cannot work, all reasons at once."""
    problems = list(_label_problems(request))
    if found in PICKLES and not request.trust:
        problems.append(
            f"it is a pickle ({found}), and reading one runs whatever is in it: say --trust if you "
            "know who made it (it is read in a process of its own without network), or save the "
            "model with skops (skops.io.dump), which needs no trust"
        )
    if found is not SourceFormat.ONNX and request.samples is None:
        problems.append(
            "the converted model is compared with it on sample rows, and there are none: give some "
            "with --samples FILE, as CSV or JSON lines; rows of the training set do"
        )
    wanted = request.optimisation
    if wanted is not None and not 0 <= wanted.max_lost_points <= MOST_POINTS:
        problems.append(
            f"{wanted.max_lost_points} is no loss of accuracy (--max-accuracy-loss): percentage "
            "points, 0 to 100"
        )
    if wanted is not None and request.samples is None:
        problems.append(
            "variants are calibrated and judged on sample rows, and there are none: give some with "
            "--samples FILE"
        )
    if wanted is None and request.labels is not None:
        problems.append("labels (--labels) are for --optimise alone")
    lacking = [each for each in NEEDS[found] if importlib.util.find_spec(each) is None]
    own = [each for each in lacking if each in OWN_LIBRARIES]
    if own:
        problems.append(f"it needs {', '.join(own)}: pip install {' '.join(own)}")
    if set(lacking) - set(own):
        modules = ", ".join(each for each in lacking if each not in own)
        problems.append(f"it needs {modules}: pip install 'modelway[package]'")
    if problems:
        raise PackageError(f"the source {request.source} is not packaged: {'; '.join(problems)}")


def _label_problems(request: PackageRequest) -> Iterator[str]:
    """Check what the user calls the model and its metrics."""
    try:
        TypeAdapter[str](Name).validate_python(request.name)
    except ValidationError:
        yield (
            f"{request.name!r} is no name for a model (--name): letters, digits and hyphens, "
            "alphanumeric at both ends, up to 63"
        )
    if not request.version.isprintable() or not request.version:
        yield f"{request.version!r} is no version (--version): printable text, such as 7"
    for name, value in request.metrics.items():
        if not name or not math.isfinite(value):
            yield f"{name}={value} is no metric (--metric): a name and a finite number"


def _write(request: PackageRequest, found: SourceFormat, folder: Path, tell: Tell) -> Made:
    """Write a package into an empty folder."""
    if found is SourceFormat.ONNX:
        served = copied_model(request, folder, tell)
    else:
        served = converted_model(request, found, folder, tell)
    optimised: Optimised | None = None
    if request.optimisation is not None:
        served, optimised = _optimised(request, served, folder, tell)
    tell("writing the package")
    if served.inputs:
        lines = [*sample_lines(served.inputs, request.keep_rows)]
        _text(folder, names.SAMPLES_NAME, "".join(f"{line}\n" for line in lines))
    _text(folder, names.ENVIRONMENT_NAME, _requirements(served.environment))
    for name, content in _beside(request, served.model).items():
        (folder / name).write_bytes(content)
    lineage = Lineage(
        training_job=request.training_job,
        data_snapshot=request.data_snapshot,
        source_sha256=served.source.sha256,
        registered=request.registered,
    )
    about: dict[str, Any] = {
        "name": request.name,
        "version": request.version,
        "model": served.model,
        "source": served.source,
        "lineage": lineage,
        "licence": request.licence,
        "metrics": dict(request.metrics),
        "environment": served.environment,
    }
    _text(folder, names.CARD_NAME, model_card(**about))
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = tuple(hashed(path, folder / path) for path in paths)
    manifest = Manifest(files=files, **about)
    content = canonical(manifest)
    (folder / names.MANIFEST_NAME).write_bytes(content)
    digest = package_digest(content)
    evidence: dict[str, dict[str, Any]] = {}
    if served.compared is not None:
        evidence["parity"] = parity.plain(served.compared, digest, _onnxruntime())
    if optimised is not None:
        evidence["variants"] = plain_variants(optimised, digest, _onnxruntime())
    for name, said in evidence.items():
        (folder / names.EVIDENCE_FOLDER).mkdir(exist_ok=True)
        _text(folder, f"{names.EVIDENCE_FOLDER}/{name}.json", f"{json.dumps(said, indent=2)}\n")
    check_package(folder)
    return Made(folder, digest, manifest, served.compared, optimised, False, served.notes)


def _optimised(
    request: PackageRequest, served: ServedModel, folder: Path, tell: Tell
) -> tuple[ServedModel, Optimised]:
    """Give the model that is served in the place of another."""
    assert request.optimisation is not None  # noqa: S101 - whoever calls has looked
    found = optimise(
        folder,
        folder.parent / "variants",
        served.model,
        served.inputs,
        served.labels,
        request.optimisation,
        request.limits.time_seconds,
        tell,
    )
    if found.choice.variant is Variant.ORIGINAL:
        return served, found
    model = described(folder / names.MODEL_NAME, variant=found.choice.variant)
    # The same libraries make the same bytes.
    made_with = {name: metadata.version(name) for name in ("onnx", "onnxruntime")}
    environment = {**served.environment, **made_with}
    return replace(served, model=model, environment=environment), found


def _beside(request: PackageRequest, model: PackagedModel) -> dict[str, bytes]:
    rules, generation = request.input_rules, request.generation
    try:
        return read_beside(
            Model(
                path=names.MODEL_NAME,
                input_rules=None if rules is None else str(rules),
                generation=None if generation is None else str(generation),
            ),
            model.inputs,
        )
    except ArtifactError as error:
        raise PackageError(str(error)) from None


def _requirements(environment: Mapping[str, str]) -> str:
    return "".join(f"{name}=={environment[name]}\n" for name in sorted(environment))


def _onnxruntime() -> dict[str, str]:
    return {"onnxruntime": metadata.version("onnxruntime"), "numpy": metadata.version("numpy")}


def _text(folder: Path, name: str, content: str) -> None:
    (folder / name).write_bytes(content.encode())

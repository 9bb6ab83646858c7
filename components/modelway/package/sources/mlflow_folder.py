"""MLflow's model folders: which file inside is the model, and what MLflow knows about it.

Takes a folder with an `MLmodel` file, gives the model's file, the input example and the run. Needs
no MLflow: the file is YAML, and what it names is read like any other source. Must not load the
model, nor open anything outside the folder.

Format: MLflow, "MLflow Models", storage format; input examples are JSON in pandas' `split` form or
nested lists.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

import yaml

from modelway.errors import PackageError
from modelway.package.samples import Rows

MLMODEL = "MLmodel"

FLAVORS: Mapping[str, tuple[str, ...]] = {
    "onnx": ("data",),
    "sklearn": ("pickled_model",),
    "xgboost": ("data",),
    "lightgbm": ("data",),
}
"""What can be packaged, the best first, and the fields that name the model's file."""

LIMIT_BYTES = 64 * 1024 * 1024
"""Greatest `MLmodel` and input example; they are text of some kilobytes."""


@dataclass(frozen=True)
class MlflowModel:
    """What an MLflow folder holds."""

    source: Path
    """The model's own file."""
    example: Rows | None
    """Rows of MLflow's input example."""
    run_id: str | None


def is_mlflow(path: Path) -> bool:
    """Tell whether a path is such a folder."""
    return path.is_dir() and (path / MLMODEL).is_file()


def read_mlflow(folder: Path) -> MlflowModel:
    """Read a folder's `MLmodel`.

    Raises:
        PackageError: it is no YAML, names no model that can be packaged, or files outside.
    """
    try:
        said: object = yaml.safe_load(_text(folder, MLMODEL))
    except (yaml.YAMLError, RecursionError):
        raise _refused(folder, f"its {MLMODEL} is no YAML; save the model again") from None
    about = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    run_id = about.get("run_id")
    return MlflowModel(
        source=_model_file(folder, about.get("flavors")),
        example=_example(folder, about.get("saved_input_example_info")),
        run_id=run_id if isinstance(run_id, str) and run_id else None,
    )


def _refused(folder: Path, why: str) -> PackageError:
    return PackageError(f"the MLflow model {folder} cannot be packaged: {why}")


def _model_file(folder: Path, flavors: object) -> Path:
    given = cast("dict[str, Any]", flavors) if isinstance(flavors, dict) else {}
    for flavor, fields in FLAVORS.items():
        about = given.get(flavor)
        for field in fields:
            if isinstance(about, dict) and isinstance(about.get(field), str):
                where = f"flavors.{flavor}.{field}"
                return _inside(folder, cast("str", about[field]), where)
    known = ", ".join(sorted(str(each) for each in given)) or "none"
    raise _refused(
        folder,
        f"its flavors are {known}, and {', '.join(FLAVORS)} can be; log the model with one of "
        "those, or export it to ONNX where its code is",
    )


def _inside(folder: Path, name: str, where: str) -> Path:
    """Give a file of the folder."""
    path = folder / name
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise _refused(folder, f"{where} in its {MLMODEL} is {name!r}, which lies outside of it")
    if folder.resolve() not in path.resolve().parents:
        raise _refused(folder, f"{where} in its {MLMODEL}, {name!r}, is a link to outside of it")
    if not path.is_file():
        raise _refused(
            folder, f"{where} in its {MLMODEL} names {name!r}, which is no file; fetch it whole"
        )
    return path


def _text(folder: Path, name: str) -> str:
    path = folder / name
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise _refused(folder, f"its {name} is larger than {LIMIT_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise _refused(folder, f"its {name} cannot be read: {reason}") from None


def _example(folder: Path, info: object) -> Rows | None:
    """Read the input example, where there is one and it is rows."""
    name = cast("dict[str, Any]", info).get("artifact_path") if isinstance(info, dict) else None
    if not isinstance(name, str):
        return None
    path = _inside(folder, name, "saved_input_example_info.artifact_path")
    try:
        example: object = json.loads(_text(folder, name))
    except (ValueError, RecursionError):
        raise _refused(folder, f"its input example {name} is no JSON; give --samples") from None
    columns: object = None
    if isinstance(example, dict):
        split = cast("dict[str, Any]", example)
        columns, example = split.get("columns"), split.get("data", split.get("inputs"))
    rows = cast("list[Any]", example) if isinstance(example, list) else []
    if not rows or not all(isinstance(row, list) for row in rows):
        return None
    values = tuple(tuple(cast("list[Any]", row)) for row in rows)
    named = isinstance(columns, list) and len(columns) == len(values[0])
    names = tuple(map(str, cast("list[Any]", columns))) if named else None
    if any(len(row) != len(values[0]) for row in values):
        return None
    return Rows(names, values, str(path))

"""The process that loads and converts one source: `python -m ...worker FOLDER`.

Takes `request.json` from the folder and leaves `answer.json`, the ONNX model, and the inputs and
the source's outputs as arrays without pickles. It takes its own rights away first (`jail`). Started
by `isolation` alone.
"""

import contextlib
import importlib
import sys
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

from modelway.errors import PackageError
from modelway.package.manifest import SourceFormat
from modelway.package.sources import isolation, jail

MODULES = {
    SourceFormat.SKLEARN_JOBLIB: "sklearn_joblib",
    SourceFormat.SKLEARN_PICKLE: "sklearn_pickle",
    SourceFormat.SKOPS: "skops_file",
    SourceFormat.XGBOOST: "xgboost_file",
    SourceFormat.LIGHTGBM: "lightgbm_file",
}
"""Each has `load(path, trusted_types)`."""

LIBRARIES = {
    "joblib": "joblib",
    "lightgbm": "lightgbm",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxmltools": "onnxmltools",
    "scipy": "scipy",
    "skl2onnx": "skl2onnx",
    "sklearn": "scikit-learn",
    "skops": "skops",
    "xgboost": "xgboost",
}
"""What has a say in the model, by module; named in the package where it was used. pandas is loaded
wherever it is installed, so only its frames tell that it was used."""

DISTRIBUTIONS = {"xgboost": ("xgboost", "xgboost-cpu")}
"""Modules that come in several."""


def main(folder: Path) -> None:
    """Answer one request."""
    request = isolation.WorkerRequest.model_validate_json(
        (folder / isolation.REQUEST_NAME).read_bytes()
    )
    limits = request.limits
    network = jail.confine_process(
        limits.memory_mib, limits.time_seconds, isolation.FILE_LIMIT_BYTES
    )
    # Libraries look around when they are imported; what is unpickled later may not.
    for module in (_loader(request.format), "joblib", "skl2onnx", "sklearn.pipeline"):
        importlib.import_module(module)
    jail.guard(folder)
    try:
        answer = convert_source(request, folder, network)
    except PackageError as error:
        answer = isolation.WorkerAnswer(refused=str(error))
    except MemoryError:
        answer = isolation.WorkerAnswer(
            refused=f"converting the source {request.shown} needs more than the "
            f"{limits.memory_mib} MiB of memory that it may use (--memory-limit-mib)"
        )
    except Exception as error:  # noqa: BLE001 - whatever libraries say goes into the answer
        answer = isolation.WorkerAnswer(
            refused=f"converting the source {request.shown} failed: {_first_line(error)}. Package "
            "an ONNX file of the model instead, converted by yourself"
        )
    (folder / isolation.ANSWER_NAME).write_text(answer.model_dump_json())


def convert_source(
    request: isolation.WorkerRequest, folder: Path, network: str
) -> isolation.WorkerAnswer:
    """Load and convert; whoever calls this has seen to it that the source can do no harm.

    Raises:
        PackageError: the source cannot be loaded or converted.
    """
    import numpy as np

    from modelway.package.samples import Rows
    from modelway.package.sources import convert, layout, predictions

    estimator = _load(request)
    samples = Rows(request.columns, request.values, request.samples)
    laid = layout.lay_out(estimator, samples, request.input_name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answers = predictions.predict(estimator, laid.rows)
        except (PackageError, MemoryError):
            raise
        except Exception as error:
            raise PackageError(
                f"the source {request.shown} does not take the samples {request.samples}: "
                f"{_first_line(error)}. Give rows as the model was trained on"
            ) from error
    (folder / isolation.MODEL_NAME).write_bytes(convert.convert(estimator, laid.inputs))
    for file, arrays in (
        (isolation.INPUTS_NAME, laid.arrays),
        (isolation.OUTPUTS_NAME, answers.arrays),
    ):
        # By number: a column may have a name that no file has.
        numbered = {str(number): _plain(each) for number, each in enumerate(arrays.values())}
        np.savez(folder / file, **numbered)  # type: ignore[arg-type]
    return isolation.WorkerAnswer(
        class_name=predictions.class_name(estimator),
        inputs=laid.inputs,
        outputs=tuple(answers.arrays),
        labels=answers.labels,
        unused_columns=laid.unused_columns,
        versions=_versions(laid.rows),
        network=network,
    )


def _loader(format_: SourceFormat) -> str:
    return f"modelway.package.sources.{MODULES[format_]}"


def _load(request: isolation.WorkerRequest) -> Any:
    from sklearn.exceptions import InconsistentVersionWarning

    source = importlib.import_module(_loader(request.format))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = source.load(request.source, request.trusted_types)
        except (PackageError, MemoryError):
            raise
        except Exception as error:
            raise PackageError(
                f"the source {request.shown} cannot be loaded: {_first_line(error)}. Loading "
                "happens in a process of its own, without network, that writes nothing; classes "
                "of your own must be installed beside modelway"
            ) from error
    for each in caught:
        if isinstance(each.message, InconsistentVersionWarning):
            _refuse_other_version(each.message, request)
    return estimator


def _refuse_other_version(warning: Any, request: isolation.WorkerRequest) -> None:
    """Refuse another minor version, which scikit-learn does not promise to read right."""
    trained, here = warning.original_sklearn_version, warning.current_sklearn_version
    if trained.split(".")[:2] != here.split(".")[:2]:
        raise PackageError(
            f"the source {request.shown} was saved with scikit-learn {trained}, and {here} is "
            f"installed, which need not read it right; install scikit-learn {trained} beside "
            "modelway, or train again"
        )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _plain(array: Any) -> Any:
    """Give text as numpy's own, which needs no pickle."""
    return array.astype(str) if array.dtype.kind == "O" else array


def _versions(rows: Any) -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    used = {name: each for name, each in LIBRARIES.items() if name in sys.modules}
    if type(rows).__module__.partition(".")[0] == "pandas":
        used["pandas"] = "pandas"
    for module, name in used.items():
        for distribution in DISTRIBUTIONS.get(module, (name,)):
            with contextlib.suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(distribution)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

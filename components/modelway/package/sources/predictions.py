"""What an estimator answers, in the terms of its ONNX model.

Takes a fitted estimator and rows, gives its outputs by name in the order of the converters. Must
not know ONNX. Imported in the worker alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelway.errors import PackageError
from modelway.package.samples import Arrays
from modelway.package.sources.lightgbm_file import BoosterEstimator

LABEL, PROBABILITIES, SCORES = "label", "probabilities", "scores"
PREDICTION, TRANSFORMED = "prediction", "transformed"
"""Names of outputs."""


@dataclass(frozen=True)
class Predictions:
    """An estimator's answers."""

    arrays: Arrays
    """In the order of the converted model's outputs."""
    labels: tuple[str, ...] = ()
    """Those that agree or do not."""


def predict(estimator: Any, rows: Any) -> Predictions:
    """Ask an estimator.

    Raises:
        PackageError: it is none, or answers in a form that one ONNX model a row does not have.
    """
    methods = _methods(estimator)
    answers = {name: getattr(estimator, method)(rows) for name, method in methods.items()}
    return _checked(estimator, answers)


def _methods(estimator: Any) -> dict[str, str]:
    """Name the methods that give an estimator's outputs, by output."""
    from sklearn import base

    if isinstance(estimator, BoosterEstimator):
        if estimator.classifies:
            return {LABEL: "predict", PROBABILITIES: "predict_proba"}
        return {PREDICTION: "predict"}
    if not hasattr(estimator, "fit"):
        raise PackageError(
            f"the source holds an object of {class_name(estimator)}, which is no estimator of "
            "scikit-learn; save the fitted estimator or pipeline itself"
        )
    if base.is_classifier(estimator):
        can = hasattr(estimator, "predict_proba")
        second = {PROBABILITIES: "predict_proba"} if can else {SCORES: "decision_function"}
        found = {LABEL: "predict", **second}
    elif base.is_outlier_detector(estimator):
        found = {LABEL: "predict", SCORES: "decision_function"}
    elif base.is_clusterer(estimator):
        found = {LABEL: "predict", SCORES: "transform"}
    elif hasattr(estimator, "predict"):
        found = {PREDICTION: "predict"}
    else:
        found = {TRANSFORMED: "transform"}
    found = {name: method for name, method in found.items() if hasattr(estimator, method)}
    if not found:
        raise PackageError(
            f"the estimator {class_name(estimator)} has neither `predict` nor `transform`, so "
            "there is nothing to serve; save one that has"
        )
    return found


def is_classifier(estimator: Any) -> bool:
    """Tell whether an estimator gives one label a row."""
    from sklearn import base

    if isinstance(estimator, BoosterEstimator):
        return estimator.classifies
    return hasattr(estimator, "fit") and base.is_classifier(estimator)


def class_name(estimator: Any) -> str:
    """Name the class; for LightGBM's own files that of the booster."""
    made = type(estimator.booster if isinstance(estimator, BoosterEstimator) else estimator)
    return f"{made.__module__}.{made.__qualname__}"


def _checked(estimator: Any, answers: dict[str, Any]) -> Predictions:
    arrays: Arrays = {}
    labels = (LABEL,) if LABEL in answers else ()
    for name, answer in answers.items():
        array = np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer)
        if isinstance(answer, list) or (name in labels and array.ndim > 1):
            raise PackageError(
                f"the estimator {class_name(estimator)} gives several labels a row, and a package "
                "gives one; train one model a label, or convert it to ONNX and package that"
            )
        if array.dtype.kind == "O":
            array = array.astype(str)
        arrays[name] = array
    return Predictions(arrays, labels)

"""Convert an estimator to ONNX with the ecosystem's own converters.

Takes a fitted estimator and its inputs, gives an ONNX model with skl2onnx, or onnxmltools for what
is not scikit-learn's. The same estimator gives the same bytes. Must not judge whether the model is
right (`modelway.package.parity`). Imported in the worker alone.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from modelway.errors import PackageError
from modelway.package.sources.layout import (
    chooses_columns,
    last_step,
    places_of,
    takes_documents,
    within,
)
from modelway.package.sources.lightgbm_file import BoosterEstimator
from modelway.package.sources.predictions import class_name, is_classifier
from modelway.spec.model_file import Datatype, Tensor

TARGET_OPSET = {"": 17, "ai.onnx.ml": 3}
"""Operator sets; onnxruntime has supported both since 1.12."""

NO_MAP = {"zipmap": False}
"""Probabilities are one tensor, and not a mapping a row, which no tensor protocol has."""

TEXT_LOCALE = "C.UTF-8"
"""For lower case. Images have it; en_US.UTF-8, which onnxruntime takes otherwise, few have."""

WORD_PATTERN = r"(?u)\b\w\w+\b"
"""scikit-learn's default of what a word is ..."""

WORD_EXPRESSION = r"[\p{L}\p{N}_]{2,}"
"""... and the same for onnxruntime, whose expressions (RE2) know no Unicode in `\\w`. The
converter's own has words of one letter, and no letters beyond ASCII."""

LIGHTGBM_OPSET = 15
"""Greatest of onnxmltools 1.16's own front doors."""


def convert(estimator: Any, inputs: Sequence[Tensor]) -> bytes:
    """Give the ONNX model, serialised.

    Raises:
        PackageError: no converter takes it.
    """
    name = class_name(estimator)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(estimator, BoosterEstimator):
                model = _of_booster(estimator, inputs)
            else:
                model = _of_estimator(estimator, inputs)
    except Exception as error:  # the converters' errors have no common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise PackageError(
            f"{name} cannot be converted to ONNX ({_converters()}): {reason}. Train with another "
            "estimator or step, or convert it by a converter of your own and package the ONNX file"
        ) from error
    model.graph.name = name.rpartition(".")[2]
    return model.SerializeToString(deterministic=True)


def _of_booster(estimator: BoosterEstimator, inputs: Sequence[Tensor]) -> Any:
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common import data_types

    return convert_lightgbm(
        estimator.booster,
        name="model",
        initial_types=_initial_types(inputs, data_types),
        target_opset=LIGHTGBM_OPSET,
        zipmap=False,
    )


def _of_estimator(estimator: Any, inputs: Sequence[Tensor]) -> Any:
    from skl2onnx import to_onnx
    from skl2onnx.common import data_types
    from sklearn.preprocessing import StandardScaler

    _register()
    options: dict[Any, Any] = {}
    for part in within(estimator):
        # Neither changes what the model predicts; the converters know one setting alone.
        if hasattr(part, "flatten_transform"):
            part.flatten_transform = False
        if hasattr(part, "get_booster") and hasattr(part, "n_features_in_"):
            part.get_booster().feature_names = None
        if chooses_columns(part) and hasattr(part, "transformers_"):
            part.transformers_ = _with_places(part)
        if isinstance(part, StandardScaler):
            # Divided, as by the source, and not multiplied with the inverse: a tree that follows
            # may have been split at the very values of its training rows.
            options[id(part)] = {"div": "div"}
        if takes_documents(part) and getattr(part, "analyzer", None) == "word":
            options[id(part)] = {"locale": TEXT_LOCALE, **_words(part)}
    arguments = {
        "initial_types": _initial_types(inputs, data_types),
        "target_opset": TARGET_OPSET,
    }
    if not is_classifier(estimator):
        return to_onnx(estimator, options=options, **arguments)
    without_map = {**options, id(last_step(estimator)): NO_MAP}
    try:
        return to_onnx(estimator, options=without_map, **arguments)
    except NameError:  # a classifier whose probabilities cannot be a map anyway
        return to_onnx(estimator, options=options, **arguments)


def _with_places(step: Any) -> list[tuple[str, Any, list[int]]]:
    """Give a ColumnTransformer's parts with positions; the converter misreads masks and slices."""
    names, count = getattr(step, "feature_names_in_", None), step.n_features_in_
    known = None if names is None else list(names)
    return [
        (name, part, list(places_of(columns, known, count)))
        for name, part, columns in step.transformers_
    ]


def _words(vectorizer: Any) -> dict[str, str]:
    known = vectorizer.token_pattern == WORD_PATTERN
    return {"tokenexp": WORD_EXPRESSION} if known else {}


def _initial_types(inputs: Sequence[Tensor], data_types: Any) -> list[tuple[str, Any]]:
    kinds = {
        Datatype.FP32: data_types.FloatTensorType,
        Datatype.INT64: data_types.Int64TensorType,
        Datatype.BYTES: data_types.StringTensorType,
    }
    return [(each.name, kinds[each.datatype]([None, each.shape[1]])) for each in inputs]


def _register() -> None:
    """Teach skl2onnx the estimators of libraries that the source uses, inside pipelines too."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    regressor = shape_calculator.calculate_linear_regressor_output_shapes
    classifier = shape_calculator.calculate_linear_classifier_output_shapes
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    if "xgboost" in sys.modules:
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        for made, alias, shape in (
            (xgboost.XGBClassifier, "XGBoostXGBClassifier", classifier),
            (xgboost.XGBRFClassifier, "XGBoostXGBRFClassifier", classifier),
            (xgboost.XGBRegressor, "XGBoostXGBRegressor", regressor),
            (xgboost.XGBRFRegressor, "XGBoostXGBRFRegressor", regressor),
            (xgboost.XGBRanker, "XGBoostXGBRanker", regressor),
        ):
            allowed = options if shape is classifier else None
            update_registered_converter(made, alias, shape, convert_xgboost, options=allowed)
    if "lightgbm" in sys.modules:
        import lightgbm
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        for made, alias, shape in (
            (lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", classifier),
            (lightgbm.LGBMRegressor, "LightGbmLGBMRegressor", regressor),
        ):
            allowed = options if shape is classifier else {"split": None}
            update_registered_converter(made, alias, shape, convert_lightgbm, options=allowed)


def _converters() -> str:
    import skl2onnx

    versions = [f"skl2onnx {skl2onnx.__version__}"]
    if "onnxmltools" in sys.modules:
        versions.append(f"onnxmltools {sys.modules['onnxmltools'].__version__}")
    return ", ".join(versions)

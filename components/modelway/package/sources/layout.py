"""How sample rows go into an estimator, and into its ONNX model.

Takes a fitted estimator and rows, gives the ONNX inputs, their arrays, and the rows as it takes
them. Numbers are float32 unless an encoder was fitted on whole numbers; text is text. One tensor
holds all columns of one kind; where kinds differ, or a ColumnTransformer chooses by name, every
column is an input of its own. Imported in the worker alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelway.errors import PackageError
from modelway.package.samples import Arrays, Rows, is_missing, is_number, tensor_array
from modelway.spec.model_file import Datatype, Tensor


@dataclass(frozen=True)
class Layout:
    """What goes in."""

    inputs: tuple[Tensor, ...]
    arrays: Arrays
    """For the ONNX model, by input."""
    rows: Any
    """For the estimator: the same values."""
    unused_columns: tuple[str, ...]


def lay_out(estimator: Any, samples: Rows, input_name: str) -> Layout:
    """Make inputs of sample rows.

    Raises:
        PackageError: the rows are not such as the estimator takes.
    """
    samples = _unwrapped(samples)
    first = first_step(estimator)
    if takes_documents(first):
        return _documents(samples, input_name)
    names, samples, unused = _chosen(estimator, samples)
    by_name = names is not None and any(map(chooses_columns, within(estimator)))
    datatypes = _datatypes(first, names, samples)
    if len(set(datatypes)) == 1 and not by_name:
        tensor = Tensor(name=input_name, datatype=datatypes[0], shape=(-1, len(datatypes)))
        array = tensor_array(tensor, samples.values, samples)
        return Layout((tensor,), {input_name: array}, array, unused)
    labels = names or [f"{input_name}_{index}" for index in range(len(datatypes))]
    tensors = tuple(
        Tensor(name=name, datatype=datatype, shape=(-1, 1))
        for name, datatype in zip(labels, datatypes, strict=True)
    )
    arrays = {
        tensor.name: tensor_array(tensor, samples.column(index), samples)
        for index, tensor in enumerate(tensors)
    }
    return Layout(tensors, arrays, _table(arrays, by_name), unused)


def within(estimator: Any) -> Iterator[Any]:
    """Give an estimator and all that it is made of."""
    yield estimator
    if hasattr(estimator, "get_params") and not isinstance(estimator, type):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "get_params") and not isinstance(value, type):
                yield value


def first_step(estimator: Any) -> Any:
    """Give what the rows meet first."""
    from sklearn.pipeline import Pipeline

    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[0][1]
    return estimator


def last_step(estimator: Any) -> Any:
    """Give what answers."""
    from sklearn.pipeline import Pipeline

    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def takes_documents(step: Any) -> bool:
    """Tell a vectorizer of text, which takes one text a row."""
    return hasattr(step, "build_analyzer")


def chooses_columns(step: Any) -> bool:
    """Tell a ColumnTransformer."""
    return hasattr(step, "transformers") and hasattr(step, "remainder")


def _unwrapped(samples: Rows) -> Rows:
    """Take `{"input": [..]}`, which the server takes, as a row of values."""
    one = samples.columns is not None and len(samples.columns) == 1
    if one and all(isinstance(row[0], list) for row in samples.values):
        return Rows(None, tuple(tuple(row[0]) for row in samples.values), samples.where)
    return samples


def _documents(samples: Rows, input_name: str) -> Layout:
    """Lay out rows of one text each."""
    if len(samples.values[0]) != 1:
        raise samples.refused(
            f"have {len(samples.values[0])} columns, and the model takes one text a row"
        )
    tensor = Tensor(name=input_name, datatype=Datatype.BYTES, shape=(-1, 1))
    array = tensor_array(tensor, samples.column(0), samples)
    return Layout((tensor,), {input_name: array}, list(array[:, 0]), ())


def _chosen(estimator: Any, samples: Rows) -> tuple[tuple[str, ...] | None, Rows, tuple[str, ...]]:
    """Give the estimator's columns in its order, and the names of those that it does not know."""
    known = getattr(estimator, "feature_names_in_", None)
    names = None if known is None else tuple(str(name) for name in known)
    width = len(samples.values[0])
    count = len(names) if names is not None else getattr(estimator, "n_features_in_", width)
    if names is None or samples.columns is None:
        if width != count:
            raise samples.refused(
                f"have {width} columns, and the model was trained on {count}; leave out what is no "
                "input, such as the label"
            )
        return names or samples.columns, samples, ()
    missing = [name for name in names if name not in samples.columns]
    if missing:
        raise samples.refused(
            f"lack the columns {', '.join(missing)}, which the model was trained on"
        )
    order = [samples.columns.index(name) for name in names]
    values = tuple(tuple(row[index] for index in order) for row in samples.values)
    unused = tuple(name for name in samples.columns if name not in names)
    return names, Rows(names, values, samples.where), unused


def _datatypes(first: Any, names: Sequence[str] | None, samples: Rows) -> list[Datatype]:
    """Choose a datatype a column: what an encoder was fitted on, else what the rows hold."""
    fitted = dict(_fitted_datatypes(first, names, len(samples.values[0])))
    found: list[Datatype] = []
    for index in range(len(samples.values[0])):
        column = samples.column(index)
        datatype = fitted.get(index)
        if datatype is None:
            numbers = all(_is_value(value) for value in column)
            datatype = Datatype.FP32 if numbers else Datatype.BYTES
        if datatype is Datatype.BYTES and any(value is None for value in column):
            name = names[index] if names else index
            raise samples.refused(
                f"have no text in the column {name} of some rows, and ONNX has no missing text; "
                "train with a text that stands for it, and give it here"
            )
        found.append(datatype)
    return found


def _is_value(value: object) -> bool:
    return isinstance(value, bool) or is_number(value) or is_missing(value)


def _fitted_datatypes(
    step: Any, names: Sequence[str] | None, count: int
) -> Iterator[tuple[int, Datatype]]:
    """Give the datatypes of columns that encoders and vectorizers were fitted on."""
    if not chooses_columns(step):
        yield from _encoded(step, list(range(count)))
        return
    for _, part, columns in step.transformers_:
        places = list(places_of(columns, names, count))
        if takes_documents(first_step(part)):
            yield from ((place, Datatype.BYTES) for place in places)
            continue
        for each in getattr(part, "named_steps", {"only": part}).values():
            yield from _encoded(each, places)


def _encoded(step: Any, places: Sequence[int]) -> Iterator[tuple[int, Datatype]]:
    categories = getattr(step, "categories_", ())
    if len(categories) != len(places):
        return
    for place, values in zip(places, categories, strict=True):
        kind = np.asarray(values).dtype.kind
        if kind in "iu":
            yield place, Datatype.INT64
        elif kind in "OUST":
            yield place, Datatype.BYTES


def places_of(columns: Any, names: Sequence[str] | None, count: int) -> Iterator[int]:
    """Give positions of a ColumnTransformer's columns: a name, a position, several, or a mask."""
    every = list(names or range(count))
    if isinstance(columns, slice):
        yield from range(count)[columns]
        return
    several = [columns] if isinstance(columns, str | int | np.integer) else list(columns)
    if len(several) == count and all(isinstance(each, bool | np.bool_) for each in several):
        several = [index for index, wanted in enumerate(several) if wanted]
    for each in several:
        yield every.index(each) if isinstance(each, str) else int(each)


def _table(arrays: Arrays, by_name: bool) -> Any:
    """Give the columns as one table for the estimator: a frame where it chooses by name."""
    if not by_name:
        return np.concatenate([array.astype(object) for array in arrays.values()], axis=1)
    try:
        import pandas as pd
    except ImportError:
        raise PackageError(
            "the model chooses columns by name, as pandas' frames have them, and pandas is not "
            "installed: pip install pandas"
        ) from None
    return pd.DataFrame({name: array[:, 0] for name, array in arrays.items()})

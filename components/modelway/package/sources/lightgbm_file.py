"""Models saved by LightGBM itself, as text."""

from pathlib import Path
from typing import Any

import numpy as np


class BoosterEstimator:
    """A booster that answers as an estimator does; its labels are 0, 1, 2 ...

    Args:
        booster: of LightGBM.
        objective: the booster's own, such as `binary sigmoid:1`.
    """

    def __init__(self, booster: Any, objective: str) -> None:
        self.booster = booster
        self.n_features_in_: int = booster.num_feature()
        self.objective = objective.split(" ", maxsplit=1)[0]
        self.classifies = self.objective in ("binary", "multiclass", "multiclassova")

    def predict(self, rows: Any) -> Any:
        """Give labels, or values."""
        if self.classifies:
            return self.predict_proba(rows).argmax(axis=1)
        return self.booster.predict(rows, num_threads=1)

    def predict_proba(self, rows: Any) -> Any:
        """Give a probability a class."""
        found = self.booster.predict(rows, num_threads=1)
        return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found


def load(path: Path, _trusted_types: tuple[str, ...]) -> Any:
    """Give the model as an estimator."""
    import lightgbm

    booster = lightgbm.Booster(model_file=path)
    return BoosterEstimator(booster, booster.dump_model(num_iteration=1)["objective"])

"""Models saved by XGBoost itself, as JSON or UBJSON, by boosters and by its estimators."""

import json
from pathlib import Path
from typing import Any


def load(path: Path, _trusted_types: tuple[str, ...]) -> Any:
    """Give the model as one of XGBoost's estimators, which its objective chooses."""
    import xgboost

    booster = xgboost.Booster(model_file=path)
    objective: str = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective.startswith(("binary:", "multi:")):
        estimator = xgboost.XGBClassifier()
    elif objective.startswith("rank:"):
        estimator = xgboost.XGBRanker()
    else:
        estimator = xgboost.XGBRegressor()
    estimator.load_model(path)
    return estimator

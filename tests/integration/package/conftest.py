"""A classifier of flowers, saved with joblib, and rows for it."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@pytest.fixture
def flowers(tmp_path: Path) -> tuple[Path, Path]:
    """The source and the samples."""
    rows, labels = datasets.load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(rows, labels)
    source, samples = tmp_path / "flowers.joblib", tmp_path / "flowers.csv"
    joblib.dump(model, source)
    np.savetxt(samples, rows, delimiter=",", fmt="%g")
    return source, samples

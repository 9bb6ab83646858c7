"""scikit-learn estimators and pipelines saved with joblib, compressed or not.

Must be imported in the worker alone: reading a pickle runs what is in it.
"""

from pathlib import Path
from typing import Any


def load(path: Path, _trusted_types: tuple[str, ...]) -> Any:
    """Give what was saved."""
    import joblib

    return joblib.load(path)

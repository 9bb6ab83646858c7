"""What each model file of a scenario is called in reports.

Takes specs, gives labels. Must not read models.
"""

from collections.abc import Sequence
from pathlib import Path

from modelway.spec.model import ModelSpec


def version_labels(specs: Sequence[ModelSpec]) -> dict[str, str]:
    """Give a label for each model path: the spec's `model.version`, where that is unique.

    Where two files have the same version, both are called by their own names.
    """
    versions: dict[str, str] = {}
    for spec in specs:
        versions.setdefault(spec.model.path, spec.model.version)
    counts = [*versions.values()]
    return {
        path: version if counts.count(version) == 1 else Path(path).stem
        for path, version in versions.items()
    }

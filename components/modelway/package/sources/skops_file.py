"""scikit-learn estimators and pipelines saved with skops, which names every type that it makes."""

from pathlib import Path
from typing import Any

from modelway.errors import PackageError


def load(path: Path, trusted_types: tuple[str, ...]) -> Any:
    """Give what was saved, if all of its types are skops' own or trusted.

    Raises:
        PackageError: there are others.
    """
    from skops import io

    unknown = sorted(set(io.get_untrusted_types(file=path)) - set(trusted_types))
    if unknown:
        options = " ".join(f"--trust-type {name}" for name in unknown)
        raise PackageError(
            "the source, saved with skops, makes objects of types that skops does not trust by "
            f"itself: {', '.join(unknown)}. If you know them, say so: {options}"
        )
    return io.load(path, trusted=sorted(trusted_types))

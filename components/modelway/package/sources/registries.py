"""Sources in a registry of models: told by the scheme of their URI, fetched, and removed again.

Takes a source as the user names it, a path or a URI, and gives a path for as long as it is needed,
with what the registry knows of the model. A registry is one module of `REGISTRIES` with one
function, `Fetch`. Must not look into the model, nor know any registry.
"""

import importlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from modelway.errors import PackageError
from modelway.package.manifest import RegisteredModel

REGISTRIES: Mapping[str, str] = {"models": "mlflow_registry", "runs": "mlflow_registry"}
"""Modules beside this one by the scheme of a URI; each has `fetch`."""


@dataclass(frozen=True)
class Source:
    """A trained model as a file or folder, and what is known of it before it is read."""

    path: Path
    name: str
    """For the package, where the user has none."""
    version: str = "1"
    """The same."""
    registered: RegisteredModel | None = None
    """None for a source that is in no registry."""
    training_job: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    shown: str | None = None
    """What messages call it. Default: by its path."""


class Fetch(Protocol):
    """Fetches a model from a registry: `fetch` of a module of `REGISTRIES`."""

    def __call__(
        self, uri: str, folder: Path, tracking_uri: str | None, tell: Callable[[str], None]
    ) -> Source:
        """Fetch a model.

        Args:
            uri: as the user named it.
            folder: an empty one, where the model goes.
            tracking_uri: of the registry's server. Default: as its own client finds it.
            tell: is told each step, in a few words.

        Raises:
            ModelRegistryError: the registry does not answer, or has not what was named.
        """
        ...


@contextmanager
def source_at_hand(
    source: str,
    tracking_uri: str | None = None,
    tell: Callable[[str], None] = lambda _step: None,
) -> Iterator[Source]:
    """Give a source as a path; what was fetched is there inside of `with` alone.

    Args:
        source: a path, or a URI of one of `REGISTRIES`.
        tracking_uri: of the registry's server. Default: as its own client finds it.
        tell: is told each step, in a few words.

    Raises:
        ModelRegistryError: the registry does not answer, or has not what was named.
        PackageError: a tracking URI is given with a path; or as raised inside, with the URI in the
            place of the path that it was fetched to.
    """
    scheme, in_registry, _ = source.partition(":/")
    if not in_registry or scheme not in REGISTRIES:
        if tracking_uri is not None:
            schemes = " and ".join(f"{each}:/" for each in REGISTRIES)
            raise PackageError(
                f"the source {source} is a path, and a tracking URI (--tracking-uri) is for "
                f"{schemes} alone; leave it out, or name the model in the registry"
            )
        path = Path(source)
        yield Source(path, name=path.name.partition(".")[0].replace("_", "-"))
        return
    module = importlib.import_module(f"modelway.package.sources.{REGISTRIES[scheme]}")
    with tempfile.TemporaryDirectory(prefix="modelway-source-") as folder:
        found = cast("Fetch", module.fetch)(source, Path(folder), tracking_uri, tell)
        try:
            yield found
        except PackageError as error:
            raise PackageError(str(error).replace(str(found.path), found.shown or source)) from None

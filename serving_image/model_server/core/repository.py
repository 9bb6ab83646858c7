"""The models that are served: names, versions, and how a new one takes over from an old one.

Takes a folder and a `Loader`, gives models by name and version. A new version is loaded and warmed
beside the old one and then takes its place in one step; the old one goes when its last request is
done. That is counted by Python: a request holds its model, and a model that nobody holds is freed.
So whoever keeps something for a model must let go of it when `Listener.removed` says so. Must not
know protocols; all of it runs on the event loop but for what `Loader` does.

The folder is one of::

    model/fraud.onnx                one model, version 1
    model/3/fraud.onnx              one folder for each version, its name a number;
    model/12/fraud.onnx             the highest answers unless another is asked for
"""

import asyncio
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model_server.core.errors import ModelUnusable, NotReady, OutOfMemory, UnknownModel
from model_server.core.loader import Loader
from model_server.core.stamps import Stamp, folder_stamp

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

VERSION = re.compile(r"0|[1-9][0-9]{0,17}")

FolderStamp = frozenset[tuple[str, Stamp]]


class ModelState(StrEnum):
    """Where in its life a model is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    UNLOADED = "unloaded"
    """Put out for another one; it is loaded again when it is asked for."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What is known of one version of a model."""

    name: str
    version: str
    state: ModelState
    reason: str
    """Why it is not ready, or why its last reload failed; empty otherwise. Without paths."""


class Listener(Protocol):
    """Told when models come and go; called on the event loop."""

    def added(self, model: "Model") -> None:
        """A model can be asked for."""
        ...

    def removed(self, model: "Model") -> None:
        """A model is not given out any more; requests that have it still run. Let go of it."""
        ...


@dataclass(slots=True)
class Entry:
    """One version of a model, whatever its state."""

    name: str
    version: str
    folder: Path
    state: ModelState = ModelState.LOADING
    reason: str = "it is being loaded"
    model: "Model | None" = None
    stamp: FolderStamp = frozenset()
    """Of the folder, when it was last loaded or refused."""
    memory_bytes: int = 0


class Repository:
    """One model in one or more versions."""

    def __init__(self, folder: Path, loader: Loader, *, name: str, versions: int = 2) -> None:
        """Make a repository; nothing is loaded before `refresh`.

        Args:
            folder: with the model.
            loader: loads it.
            name: what callers call the model.
            versions: newest ones that are kept loaded.
        """
        self._folder = folder
        self._loader = loader
        self._name = name
        self._versions = versions
        self._entries: dict[tuple[str, str], Entry] = {}
        self._default: Model | None = None
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()

    def get(self, name: str | None = None, version: str | None = None) -> "Model":
        """Give a model.

        Args:
            name: of the model; None: the only one.
            version: of it; None: the newest that is ready.

        Raises:
            UnknownModel: there is none of that name or version.
            NotReady: it is there and cannot answer.
        """
        if version is None and (name is None or name == self._name):
            if self._default is not None:
                return self._default
            raise NotReady(f"the model is not ready: {self._reason()}")
        if name is not None and name != self._name:
            raise UnknownModel(f"there is no model {shown(name)}; there is {self._name!r}")
        entry = self._entries.get((self._name, str(version)))
        if entry is None:
            known = ", ".join(sorted((key[1] for key in self._entries), key=int)) or "none"
            raise UnknownModel(
                f"model {self._name!r} has no version {shown(str(version))}; it has {known}"
            )
        if entry.model is None:
            raise NotReady(f"version {entry.version} of the model is not ready: {entry.reason}")
        return entry.model

    def models(self) -> list["Model"]:
        """Give every model that can answer."""
        return [entry.model for entry in self._entries.values() if entry.model is not None]

    def statuses(self) -> list[ModelStatus]:
        """Tell the state of every version, the failed ones too."""
        return [
            ModelStatus(entry.name, entry.version, entry.state, entry.reason)
            for entry in self._entries.values()
        ]

    def subscribe(self, listener: Listener) -> None:
        """Tell a listener of every model that comes or goes from now on."""
        self._listeners.append(listener)

    async def refresh(self, *, retry: bool = False) -> None:
        """Look into the folder: load what is new or changed, and let go of what is old.

        While one call is under way the next one waits, so that a version is loaded once.

        Args:
            retry: try again what could not be loaded, though its files are the same.

        Raises:
            ModelUnusable: no version can be served, with the reason of the newest.
        """
        async with self._lock:
            found = await self._loader.call(lambda: scan(self._folder))
            newest = sorted(found, key=int, reverse=True)[: self._versions]
            # Before anything is loaded, so that memory is for one version more at most.
            self._forget_others(newest)
            for version in newest:
                folder, stamp = found[version]
                await self._load(version, folder, stamp, retry)
                self._choose(newest)
            self._forget_others(newest)
            if self._default is None:
                raise ModelUnusable(self._reason())

    async def reload(self) -> None:
        """Load every version again, as for another number of threads.

        Raises:
            ModelUnusable: as `refresh`.
        """
        for entry in self._entries.values():
            entry.stamp = frozenset()
        await self.refresh()

    async def _load(self, version: str, folder: Path, stamp: FolderStamp, retry: bool) -> None:
        entry = self._entries.get((self._name, version))
        if entry is None:
            entry = Entry(self._name, version, folder)
            self._entries[entry.name, version] = entry
        elif entry.stamp == stamp and not (retry and entry.reason):
            return
        entry.folder, entry.stamp = folder, stamp
        if entry.model is None:
            entry.state, entry.reason = ModelState.LOADING, "it is being loaded"
        try:
            model = await self._loader.load(folder, self._name, version)
        except (ModelUnusable, OutOfMemory) as error:
            if entry.model is None:
                entry.state, entry.reason = ModelState.FAILED, error.message
            else:
                entry.reason = f"the changed model cannot be used: {error.message}"
            return
        self._replace(entry, model)

    def _replace(self, entry: Entry, model: "Model") -> None:
        """Let a model answer from now on, in one step."""
        old, entry.model = entry.model, model
        entry.state, entry.reason = ModelState.READY, ""
        entry.memory_bytes = model.memory_bytes
        if old is not None and self._default is old:
            self._default = model
        self._tell_added(model)
        if old is not None:
            self._tell_removed(old)

    def _choose(self, newest: list[str]) -> None:
        """Let the newest version that is ready be the one that answers."""
        for version in newest:
            entry = self._entries.get((self._name, version))
            if entry is not None and entry.model is not None:
                self._default = entry.model
                return

    def _forget_others(self, kept: list[str]) -> None:
        for entry in [*self._entries.values()]:
            if entry.version not in kept and (
                entry.model is None or entry.model is not self._default
            ):
                self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.name, entry.version]
        model, entry.model = entry.model, None
        if model is not None:
            self._tell_removed(model)

    def _tell_added(self, model: "Model") -> None:
        for listener in self._listeners:
            listener.added(model)

    def _tell_removed(self, model: "Model") -> None:
        for listener in self._listeners:
            listener.removed(model)

    def _reason(self) -> str:
        """Say why nothing can answer: the reason of the newest version."""
        if not self._entries:
            return "the model is being loaded"
        return max(self._entries.values(), key=lambda entry: int(entry.version)).reason


def scan(folder: Path) -> dict[str, tuple[Path, FolderStamp]]:
    """Give the versions of a model folder, and what changes when one of them does.

    A folder without versions is version 1, even where it holds no model: loading says why.
    """
    found: dict[str, tuple[Path, FolderStamp]] = {}
    try:
        if not any(path.suffix == ".onnx" for path in folder.iterdir()):
            root = folder.resolve()
            for path in folder.iterdir():
                # A link to another version is a name for it; one out of the folder is no version.
                if (
                    VERSION.fullmatch(path.name)
                    and root in path.resolve().parents
                    and any(path.glob("*.onnx"))
                ):
                    found[path.name] = path, folder_stamp(path)
    except OSError:
        found.clear()
    return found or {"1": (folder, folder_stamp(folder))}


def shown(text: str) -> str:
    """Give a caller's text for a message: quoted, and not endless."""
    return repr(text if len(text) <= 80 else text[:80] + "...")

"""Many models, loaded when they are asked for and put out when memory runs short.

Takes names and folders, gives models, as SageMaker's multi-model endpoints ask for it. Must not
take addresses: a folder lies under one root, and links out of it are refused.

Memory is counted for each model: before its load as twice its files, which is what onnxruntime
holds while it parses (measured: 100 MiB of weights take 204 MiB for a moment, then 104), and
afterwards as the growth of this process, or its files where freed memory was used again and no
growth shows. When a new one does not fit, the ones that were asked for longest ago are put out,
but for those with requests under way. One that was put out is loaded again when it is asked for,
since whoever had it loaded still believes it is.
"""

import asyncio
import gc
import math
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from model_server.core.errors import (
    AlreadyLoaded,
    InvalidInput,
    ModelServerError,
    NotReady,
    OutOfMemory,
    UnknownModel,
)
from model_server.core.loader import Loader
from model_server.core.memory import usable_bytes
from model_server.core.repository import Entry, ModelState, Repository, scan, shown
from model_server.settings.repository import MODELS_DIR

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

SHARE_OF_MEMORY = 0.8
"""Of the container's memory, for models; the rest is for the server and its requests."""

LOAD_FACTOR, LOAD_EXTRA_BYTES = 2, 4 * 2**20
"""Memory that a load takes for a moment: twice the files, and some for what is not weights."""

MAX_REMEMBERED = 10_000
"""Models that were put out and can be loaded again at most; the oldest are forgotten."""

VERSION = "1"


class MultiModelRepository(Repository):
    """Models by name, in the order in which they were asked for last."""

    def __init__(self, root: Path, loader: Loader, limit_bytes: float | None = None) -> None:
        """Make an empty repository.

        Args:
            root: the folder under which all models lie.
            loader: loads them.
            limit_bytes: memory for all models. Default: the loader's setting, or 80 % of what
                this process may have.
        """
        super().__init__(root, loader, name="")
        self._limit_bytes = _limit(loader) if limit_bytes is None else limit_bytes
        self._urls: dict[str, str] = {}
        self._loading: dict[str, asyncio.Task[Model]] = {}

    def get(self, name: str | None = None, version: str | None = None) -> "Model":
        """Give a model that is loaded.

        Raises:
            UnknownModel: none of that name was loaded, or no name was given.
            NotReady: it is being loaded, or was put out; `obtain` loads it again.
        """
        if name is None:
            raise UnknownModel("this server has several models; say which one")
        entry = self._known(name)
        if version is not None and version != VERSION:
            raise UnknownModel(f"model {shown(name)} has no version {shown(version)}")
        if entry.model is None:
            raise NotReady(f"model {shown(name)} is not ready: {entry.reason}")
        del self._entries[name, VERSION]
        self._entries[name, VERSION] = entry
        return entry.model

    async def obtain(self, name: str) -> "Model":
        """Give a model, and load it first where it was put out.

        Raises:
            UnknownModel: none of that name was loaded.
            OutOfMemory: there is no memory for it.
            ModelServerError: it cannot be loaded any more.
        """
        try:
            return self.get(name)
        except NotReady:
            return await self._loaded(self._known(name))

    async def load(self, name: str, url: str) -> "Model":
        """Load a model under a name.

        Args:
            name: what it will be asked for by; opaque.
            url: its folder, a path under the root.

        Raises:
            AlreadyLoaded: there is one of that name, or it is being loaded.
            InvalidInput: the folder is none that models may be in.
            OutOfMemory: there is no memory for it.
            ModelUnusable: it cannot be found or loaded.
        """
        entry = self._entries.get((name, VERSION))
        if entry is not None and entry.state is not ModelState.UNLOADED:
            raise AlreadyLoaded(f"model {shown(name)} is loaded already")
        entry = Entry(name, VERSION, Path(url))
        self._entries[name, VERSION] = entry
        self._urls[name] = url
        try:
            return await self._loaded(entry)
        except Exception:
            # Unlike one that was there before, it has not become known by this.
            if self._entries.get((name, VERSION)) is entry and entry.model is None:
                self._forget(entry)
            raise

    async def unload(self, name: str) -> None:
        """Let go of a model; requests that have it are still answered.

        Raises:
            UnknownModel: there is none of that name.
        """
        task = self._loading.get(name)
        if task is not None:
            await asyncio.wait([task])
        self._forget(self._known(name))

    def url(self, name: str) -> str:
        """Give the url that a model was loaded from.

        Raises:
            UnknownModel: there is none of that name in memory.
        """
        if self._known(name).model is None:
            raise UnknownModel(f"there is no model {shown(name)}")
        return self._urls[name]

    def urls(self) -> list[tuple[str, str]]:
        """Give names and urls of the models in memory, sorted by name."""
        return sorted((model.name, self._urls[model.name]) for model in self.models())

    async def refresh(self, *, retry: bool = False) -> None:
        """Do nothing: models come by name."""

    @property
    def memory_bytes(self) -> int:
        """Memory of all models that are loaded, as counted."""
        return sum(entry.memory_bytes for entry in self._entries.values())

    def _known(self, name: str) -> Entry:
        entry = self._entries.get((name, VERSION))
        if entry is None:
            raise UnknownModel(f"there is no model {shown(name)}")
        return entry

    async def _loaded(self, entry: Entry) -> "Model":
        task = self._loading.get(entry.name)
        if task is None:
            entry.state, entry.reason = ModelState.LOADING, "it is being loaded"
            task = asyncio.get_running_loop().create_task(self._bring(entry))
            self._loading[entry.name] = task
            task.add_done_callback(lambda done: self._brought(entry.name, done))
        # Others may wait for the same load, so that one who goes away must not end it.
        return await asyncio.shield(task)

    def _brought(self, name: str, task: "asyncio.Task[Model]") -> None:
        del self._loading[name]
        if not task.cancelled():
            task.exception()  # seen by whoever waited, and in the log where nobody did

    async def _bring(self, entry: Entry) -> "Model":
        given = entry.folder
        try:
            folder = await self._loader.call(lambda: folder_within(self._folder, given))
            artifact = await self._loader.inspect(folder)
            # One after the other: what is freed for one must not be taken by another.
            async with self._lock:
                self._make_room(artifact.size_bytes * LOAD_FACTOR + LOAD_EXTRA_BYTES, entry)
                model = await self._loader.load(folder, entry.name, VERSION, artifact)
                self._replace(entry, model)
                if self.memory_bytes > self._limit_bytes:  # it took more than was thought
                    self._put_out_others(0, entry)
        except ModelServerError as error:
            entry.state, entry.reason = ModelState.UNLOADED, error.message
            raise
        except BaseException:
            entry.state, entry.reason = ModelState.UNLOADED, "it could not be loaded"
            raise
        return model

    def _make_room(self, need_bytes: int, entry: Entry) -> None:
        if need_bytes > self._limit_bytes or not self._put_out_others(need_bytes, entry):
            raise OutOfMemory(
                f"model {shown(entry.name)} takes about {need_bytes / 2**20:.0f} MiB while it is "
                f"loaded; models may take {self._limit_bytes / 2**20:.0f} MiB and take "
                f"{self.memory_bytes / 2**20:.0f} MiB now; unload some, or raise "
                "MODEL_SERVER_MODEL_MEMORY_MIB"
            )

    def _put_out_others(self, need_bytes: int, kept: Entry) -> bool:
        """Put out models, the one asked for longest ago first, until there is room."""
        for again in (False, True):
            for entry in [*self._entries.values()]:
                if self.memory_bytes + need_bytes <= self._limit_bytes:
                    return True
                if entry.model is not None and entry is not kept:
                    self._put_out(entry)
            if self.memory_bytes + need_bytes <= self._limit_bytes:
                return True
            if not again:
                gc.collect()  # a request that failed may leave a circle that holds its model
        return False

    def _put_out(self, entry: Entry) -> None:
        """Unload a model that nobody uses; one that somebody does stays."""
        model, entry.model = entry.model, None
        assert model is not None
        self._tell_removed(model)
        alive = weakref.ref(model)
        del model
        used = alive()
        if used is not None:
            entry.model = used
            self._tell_added(used)
            return
        entry.state = ModelState.UNLOADED
        entry.reason = "it was put out for another one"
        entry.memory_bytes = 0
        unloaded = [each for each in self._entries.values() if each.state is ModelState.UNLOADED]
        for oldest in unloaded[:-MAX_REMEMBERED]:
            self._forget(oldest)

    def _forget(self, entry: Entry) -> None:
        super()._forget(entry)
        del self._urls[entry.name]


def folder_within(root: Path, url: Path) -> Path:
    """Give the folder of a model, links resolved; where it holds versions, that of the newest.

    Raises:
        InvalidInput: it is not under the root, or no folder.
    """
    text = str(url)
    problem = (
        "url takes the path of a folder under the folder of all models, which is "
        f"{MODELS_DIR} unless MODEL_SERVER_MODELS_DIR says otherwise"
    )
    if "\0" in text or not url.is_absolute() or ".." in url.parts:
        raise InvalidInput(problem)
    try:
        resolved = url.resolve()
        if root.resolve() not in resolved.parents:
            raise InvalidInput(problem)
        if not resolved.is_dir():
            raise InvalidInput("url names a folder that does not exist")
    except (OSError, RuntimeError) as error:  # a name that is too long, a circle of links
        raise InvalidInput(problem) from error
    versions = scan(resolved)
    return versions[max(versions, key=int)][0]


def _limit(loader: Loader) -> float:
    limit_mib = loader.execution.model_memory_mib
    if limit_mib is not None:
        return limit_mib * 2**20
    usable = usable_bytes()
    return math.inf if usable is None else usable * SHARE_OF_MEMORY

"""Loads models one after the other in a thread, and says in the log what came of it.

Takes folders, gives warmed models. Must not decide which models there are, and must not block the
event loop. One thread, because two loads at once need the memory of both while they are parsed:
onnxruntime then holds a model twice.
"""

import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from model_server.core.artifact import Artifact, inspect
from model_server.core.errors import ModelUnusable, OutOfMemory
from model_server.core.memory import give_back, resident_bytes
from model_server.log import Log
from model_server.settings.execution import ExecutionSettings

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

Result = TypeVar("Result")


class Loader:
    """Loads models."""

    def __init__(
        self,
        execution: ExecutionSettings,
        threads: int,
        log: Log,
        max_batch_rows: int = 64,
        *,
        trusted_keys: str | None = None,
    ) -> None:
        """Make a loader.

        Args:
            execution: how models are run.
            threads: of one run.
            log: is told of every model that was loaded, unloaded or refused.
            max_batch_rows: rows of the largest joined run; runs are measured up to it.
            trusted_keys: whose packages may be loaded, as `inspect` takes them.
        """
        self.execution = execution
        self.threads = threads
        self._log = log
        self._max_batch_rows = max_batch_rows
        self._trusted_keys = trusted_keys
        # Not an executor: models are freed in the middle of anything, and what happens then may
        # only use what takes no lock, as this queue's `put` (its documentation promises that).
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[[], Result]) -> Result:
        """Call something that takes long in the loader's thread."""
        if self._thread is None:
            arguments = (self._work,)
            self._thread = threading.Thread(
                target=_work, args=arguments, name="loader", daemon=True
            )
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def tell(result: Result | None, error: Exception | None) -> None:
            if future.done():  # whoever asked was cancelled
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None is one of its values

        def work() -> None:
            try:
                result, error = function(), None
            except Exception as raised:  # noqa: BLE001  # raised again by whoever waits
                result, error = None, raised
            # The loop may have ended meanwhile, and nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, result, error)

        self._work.put(work)
        return await future

    def close(self) -> None:
        """Let the thread end when it has done what it was asked for."""
        self._work.put(None)

    async def inspect(self, folder: Path) -> Artifact:
        """Check the model of a folder without loading it.

        Raises:
            ModelUnusable: it cannot be found, or must not be loaded.
        """
        return await self.call(lambda: inspect(folder, self._trusted_keys))

    async def load(
        self, folder: Path, name: str, version: str, artifact: Artifact | None = None
    ) -> "Model":
        """Load and warm a model.

        Args:
            folder: holds it.
            name: what callers call it.
            version: which one of that name it is.
            artifact: what `inspect` gave for the folder, when it was asked before.

        Raises:
            ModelUnusable: it cannot be served; the log has said why.
            OutOfMemory: it takes more memory than all models may.
        """
        return await self.call(lambda: self._load(folder, name, version, artifact))

    def _load(self, folder: Path, name: str, version: str, artifact: Artifact | None) -> "Model":
        start = time.perf_counter()
        try:
            # Imported here: it loads onnxruntime, which takes longer than all the rest.
            from model_server.core.model import load_model

            before = resident_bytes()
            if artifact is None:
                artifact = inspect(folder, self._trusted_keys)
            model = load_model(artifact, self.threads, self.execution, name=name, version=version)
            loaded = time.perf_counter()
            skipped = model.warm_up(self._max_batch_rows)
            # Of freed memory that is used again, nothing shows in the difference.
            model.memory_bytes = max(model.size_bytes, resident_bytes() - before)
            model.load_seconds = time.perf_counter() - start
            self._check_memory(model)
        except Exception as error:
            told = isinstance(error, ModelUnusable | OutOfMemory)
            reason = str(error) if told else repr(error)
            self._log.error(
                "model_unusable", reason=reason, name=name, version=version, model_dir=str(folder)
            )
            if told:
                raise
            raise ModelUnusable("it could not be loaded; the log has the reason") from error
        if skipped is not None:
            self._log.warning("warm_up_skipped", name=name, version=version, reason=skipped)
        self._log.info(
            "model_ready",
            model=model.file,
            name=name,
            version=version,
            digest=model.digest,
            package=None if artifact.package is None else artifact.package.digest,
            signed_by=None if artifact.package is None else artifact.package.key_id,
            inputs=[str(spec) for spec in model.contract.inputs],
            outputs=[str(spec) for spec in model.contract.outputs],
            threads=self.threads,
            load_ms=round((loaded - start) * 1000, 1),
            row_ms=None if model.row_seconds is None else round(model.row_seconds * 1000, 3),
            memory_mib=round(model.memory_bytes / 2**20, 1),
            batches=model.batches,
            batches_reason=model.batches_reason or None,
        )
        weakref.finalize(model, self._unloaded, name, version, model.digest).atexit = False
        return model

    def _check_memory(self, model: "Model") -> None:
        limit_mib = self.execution.model_memory_mib
        if limit_mib is not None and model.memory_bytes > limit_mib * 2**20:
            raise OutOfMemory(
                f"{model.file} takes {model.memory_bytes / 2**20:.0f} MiB, over the limit of "
                f"{limit_mib} MiB for models; raise MODEL_SERVER_MODEL_MEMORY_MIB"
            )

    def _unloaded(self, name: str, version: str, digest: str) -> None:
        """Nobody holds a model any more; called wherever that happened."""
        self._log.info("model_unloaded", name=name, version=version, digest=digest)
        self._work.put(give_back)


def _work(queue: "SimpleQueue[Callable[[], None] | None]") -> None:
    while (function := queue.get()) is not None:
        function()
        # Otherwise what it loaded would be held until there is something else to do.
        del function

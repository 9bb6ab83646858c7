"""Makes moto live in virtual time and draw every id from one seedable source.

Takes the emulator's clock; changes what `datetime`, `time`, `os.urandom`, `uuid` and `random` mean
inside moto's own modules, and nowhere else, as they are imported. With the clock pinned and the
source seeded, a request gives the same ids, keys and time stamps each time it is made: that is what
makes the journal's replay exact. Must run before moto's services are imported; must not import them
itself.
"""

import datetime as dt
import importlib.abc
import importlib.machinery
import os as real_os
import random as real_random
import sys
import threading
import time as real_time
import uuid as real_uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from modelway.emulator.clock import Clock

_PACKAGE = "moto."
# The source itself must keep Python's own `random`, and the module that defines it its own `uuid`.
_LEFT_ALONE = frozenset({"moto.moto_api._internal.moto_random"})


class _Stand:
    """A module that is another one except for some names."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _virtual_datetime(clock: Clock) -> type[dt.datetime]:
    class Meta(type):
        """Every datetime is an instance, not only those made here (none is)."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, dt.datetime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, dt.datetime)

    class VirtualDatetime(dt.datetime, metaclass=Meta):
        def __new__(cls, *args: Any, **kwargs: Any) -> dt.datetime:  # type: ignore[misc]
            return dt.datetime(*args, **kwargs)  # noqa: DTZ001 - the caller's choice

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            at = dt.datetime.fromtimestamp(clock.now(), dt.UTC)
            # AWS has no local time: moto's naive `now()` is meant as UTC wherever it is serialised.
            return at.replace(tzinfo=None) if tz is None else at.astimezone(tz)

        @classmethod
        def utcnow(cls) -> dt.datetime:  # type: ignore[override]
            return clock.utcnow()

        @classmethod
        def today(cls) -> dt.datetime:  # type: ignore[override]
            return clock.utcnow()

    return VirtualDatetime


class _Source(threading.local):
    """A source of chance for each thread: a seed for one request must not reach into another."""

    def __init__(self) -> None:
        self.random = real_random.Random()  # noqa: S311 - ids and keys of an emulator


class MotoWorld:
    """The names that moto's modules see instead of Python's own.

    Args:
        clock: gives virtual time; what it is pinned to is what moto sees.
        birth: virtual time at which moto's stores come to exist, in seconds since the epoch: they
            are made when first used, which must not show in what they hold (default VPCs, keys).
    """

    def __init__(self, clock: Clock, birth: float) -> None:
        self._clock = clock
        self._birth = birth
        self._source = _Source()
        moment = _virtual_datetime(clock)
        self._replacements: dict[int, Any] = {
            id(dt.datetime): moment,
            id(dt): _Stand(dt, datetime=moment),
            id(real_time): _Stand(real_time, time=clock.now),
            id(real_time.time): clock.now,
            id(real_os): _Stand(real_os, urandom=self._drawing("randbytes")),
            id(real_uuid): _Stand(real_uuid, uuid4=self._uuid4, uuid1=self._uuid4),
            id(real_uuid.uuid4): self._uuid4,
            id(real_random): _Stand(
                real_random,
                **{
                    name: self._drawing(name)
                    for name in ("choice", "choices", "randint", "random", "sample", "uniform")
                },
            ),
        }

    def install(self) -> None:
        """Change moto's modules, those imported already and all that follow."""
        for name, module in list(sys.modules.items()):
            if name.startswith(_PACKAGE):
                self.enter(module)
        sys.meta_path.insert(0, _Finder(self._execute))
        from moto.moto_api._internal import mock_random

        for name in ("random", "getrandbits", "seed", "getstate", "setstate"):
            setattr(mock_random, name, self._drawing(name))
        from moto.core.base_backend import AccountSpecificBackend

        original = AccountSpecificBackend.__getitem__

        def getitem(stores: Any, region: str) -> Any:
            if region in dict.keys(stores):
                return original(stores, region)
            with self.exact(f"{stores.service_name}/{stores.account_id}/{region}", self._birth):
                return original(stores, region)

        AccountSpecificBackend.__getitem__ = getitem  # type: ignore[method-assign]

    def enter(self, module: ModuleType) -> None:
        """Replace Python's sources of time and chance among the module's global names."""
        if module.__name__ in _LEFT_ALONE:
            return
        for name, value in list(vars(module).items()):
            replacement = self._replacements.get(id(value))
            if replacement is not None:
                setattr(module, name, replacement)

    @contextmanager
    def exact(self, seed: str | int, at: float) -> Iterator[None]:
        """Within this block, the clock stands at `at` and the ids follow from `seed` alone."""
        source = self._source.random
        before = source.getstate()
        source.seed(seed)
        try:
            with self._clock.pinned(at):
                yield
        finally:
            source.setstate(before)

    def _execute(self, module: ModuleType, loader: importlib.abc.InspectLoader) -> None:
        # Some modules draw ids as they are imported, and some are imported in mid-request.
        with self.exact(module.__name__, self._birth):
            loader.exec_module(module)
        self.enter(module)

    def _uuid4(self) -> real_uuid.UUID:
        return real_uuid.UUID(int=self._source.random.getrandbits(128), version=4)

    def _drawing(self, name: str) -> Callable[..., Any]:
        def draw(*args: Any, **kwargs: Any) -> Any:
            return getattr(self._source.random, name)(*args, **kwargs)

        return draw


_Execute = Callable[[ModuleType, importlib.abc.InspectLoader], None]


class _Finder(importlib.abc.MetaPathFinder):
    """Lets Python find moto's modules as ever, and looks at each once it has run."""

    def __init__(self, execute: _Execute) -> None:
        self._execute = execute

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(_PACKAGE):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._execute)  # type: ignore[arg-type]
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.InspectLoader, execute: _Execute) -> None:
        self._loader = loader
        self._execute = execute

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._execute(module, self._loader)

    def __getattr__(self, name: str) -> Any:
        # moto reads its data files through the loader (`importlib.resources`).
        return getattr(self._loader, name)

"""Many models by name: loading, putting out for lack of memory, coming back."""

import asyncio
import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto as T

from model_server.core.errors import (
    AlreadyLoaded,
    InvalidInput,
    ModelUnusable,
    NotReady,
    OutOfMemory,
    UnknownModel,
)
from model_server.core.memory import resident_bytes
from model_server.core.multi_model import MultiModelRepository
from model_server.core.repository import ModelState

MIB = 2**20


@pytest.fixture
def fleet(tmp_path, loader):
    return lambda limit_mib=None: MultiModelRepository(
        tmp_path, loader(), None if limit_mib is None else limit_mib * MIB
    )


@pytest.fixture
def heavy(graph):
    """A model of 1 MiB, which counts 6 MiB while it is loaded and 1 MiB and more afterwards."""
    weights = ("w", np.ones((4, 2**16), np.float32))
    return graph(
        [("x", T.FLOAT, ["batch", 4])],
        [("MatMul", ["x", "w"], ["h"]), ("ReduceSum", ["h", "one"], ["y"])],
        [("y", T.FLOAT, ["batch", 1])],
        weights,
        ("one", np.array([1])),
    )


@pytest.fixture
def counted(monkeypatch):
    """Memory as models have it by their files alone."""
    from model_server.core import loader

    monkeypatch.setattr(loader, "resident_bytes", lambda: 0)


def states(models):
    return {status.name: status.state for status in models.statuses()}


def test_models_are_loaded_and_asked_for_by_name(fleet, save, linear_model, answer):
    models = fleet()
    one, two = save(linear_model(1), "a/model"), save(linear_model(2), "b/model")

    async def life():
        await models.load("first", str(one))
        await models.load("second", str(two))

    asyncio.run(life())

    assert answer(models.get("first")) == 18.0
    assert answer(models.get("second")) == 36.0
    assert models.urls() == [("first", str(one)), ("second", str(two))]
    assert models.url("first") == str(one)


def test_a_name_is_loaded_once(fleet, save, linear_model, log):
    models = fleet()
    url = str(save(linear_model()))

    async def life():
        got = await asyncio.gather(
            *(models.load("one", url) for _ in range(3)), return_exceptions=True
        )
        with pytest.raises(AlreadyLoaded, match="model 'one' is loaded already"):
            await models.load("one", url)
        return got

    got = asyncio.run(life())

    assert [type(each).__name__ for each in got] == ["Model", "AlreadyLoaded", "AlreadyLoaded"]
    assert log.names() == ["model_ready"]


def test_no_name_another_name_and_another_version_are_unknown(fleet, save, linear_model):
    models = fleet()
    asyncio.run(models.load("one", str(save(linear_model()))))

    with pytest.raises(UnknownModel, match="say which one"):
        models.get()
    with pytest.raises(UnknownModel, match="there is no model 'two'"):
        models.get("two")
    with pytest.raises(UnknownModel, match="has no version '2'"):
        models.get("one", "2")


def test_an_unloaded_model_is_unknown_and_its_name_free(fleet, save, linear_model, log):
    models = fleet()
    url = str(save(linear_model()))

    async def life():
        await models.load("one", url)
        await models.unload("one")
        with pytest.raises(UnknownModel):
            models.get("one")
        with pytest.raises(UnknownModel):
            await models.unload("one")
        await models.load("one", url)

    asyncio.run(life())

    assert log.names() == ["model_ready", "model_unloaded", "model_ready"]


def test_unloading_waits_for_a_load_under_way(fleet, save, linear_model):
    models = fleet()
    url = str(save(linear_model()))

    async def life():
        loading = asyncio.create_task(models.load("one", url))
        await asyncio.sleep(0)
        with pytest.raises(NotReady, match="model 'one' is not ready: it is being loaded"):
            models.get("one")
        await models.unload("one")
        await loading

    asyncio.run(life())

    assert models.statuses() == []


def test_the_model_asked_for_longest_ago_is_put_out(fleet, save, heavy, counted):
    models = fleet(8.1)

    async def life():
        for name in ("a", "b", "c"):
            await models.load(name, str(save(heavy, f"{name}/model")))
        assert states(models) == dict.fromkeys("abc", ModelState.READY)
        models.get("a")
        await models.load("d", str(save(heavy, "d/model")))

    asyncio.run(life())

    assert states(models)["b"] is ModelState.UNLOADED
    assert states(models)["a"] is ModelState.READY
    assert [name for name, _ in models.urls()] == ["a", "c", "d"]
    assert models.memory_bytes <= 8.1 * MIB


def test_a_model_that_was_put_out_comes_back_when_it_is_asked_for(fleet, save, heavy, counted):
    models = fleet(7)

    async def life():
        await models.load("a", str(save(heavy, "a/model")))
        await models.load("b", str(save(heavy, "b/model")))
        assert states(models) == {"a": ModelState.UNLOADED, "b": ModelState.READY}
        first, second = await asyncio.gather(models.obtain("a"), models.obtain("a"))
        assert first is second
        assert await models.obtain("a") is first

    asyncio.run(life())

    assert states(models) == {"a": ModelState.READY, "b": ModelState.UNLOADED}


def test_a_name_that_was_put_out_may_be_loaded_or_unloaded_again(fleet, save, heavy, counted):
    models = fleet(7)

    async def life():
        a, b = str(save(heavy, "a/model")), str(save(heavy, "b/model"))
        await models.load("a", a)
        await models.load("b", b)
        await models.load("a", a)
        await models.unload("b")

    asyncio.run(life())

    assert states(models) == {"a": ModelState.READY}


def test_models_in_use_are_not_put_out(fleet, save, heavy, counted, log):
    models = fleet(8.1)

    async def life():
        used = [await models.load(name, str(save(heavy, f"{name}/model"))) for name in "ab"]
        await models.load("c", str(save(heavy, "c/model")))
        await models.load("d", str(save(heavy, "d/model")))
        assert states(models)["c"] is ModelState.UNLOADED
        assert models.get("a") is used[0]
        used.append(models.get("d"))

        with pytest.raises(OutOfMemory, match="takes about 6 MiB while it is loaded"):
            await models.load("e", str(save(heavy, "e/model")))

        used.clear()
        await models.load("e", str(save(heavy, "e/model")))

    asyncio.run(life())

    assert states(models)["e"] is ModelState.READY


def test_a_model_larger_than_all_memory_puts_nothing_out(fleet, save, heavy, linear_model, counted):
    models = fleet(5)

    async def life():
        await models.load("small", str(save(linear_model())))
        with pytest.raises(OutOfMemory, match="models may take 5 MiB and take 0 MiB now"):
            await models.load("large", str(save(heavy, "large")))

    asyncio.run(life())

    assert states(models) == {"small": ModelState.READY}


def test_listeners_are_told_so_that_they_can_let_go(fleet, save, heavy, counted):
    models = fleet(7)
    kept = {}

    class Keeper:
        def added(self, model):
            kept[id(model)] = model

        def removed(self, model):
            del kept[id(model)]

    models.subscribe(Keeper())

    async def life():
        await models.load("a", str(save(heavy, "a/model")))
        await models.load("b", str(save(heavy, "b/model")))

    asyncio.run(life())

    assert [model.name for model in kept.values()] == ["b"]


def test_memory_is_given_back_in_the_loaders_thread(fleet, save, linear_model, monkeypatch):
    from model_server.core import loader

    threads = []
    monkeypatch.setattr(
        loader, "give_back", lambda: threads.append(threading.current_thread().name)
    )
    models = fleet()
    url = str(save(linear_model()))

    async def life():
        await models.load("a", url)
        await models.unload("a")
        await models.load("a", url)

    asyncio.run(life())

    assert threads == ["loader"]


def test_a_model_that_turns_out_large_puts_others_out_afterwards(fleet, save, heavy, monkeypatch):
    from model_server.core import loader

    models = fleet(8.1)
    sizes = iter([0, MIB, MIB, 9 * MIB])
    monkeypatch.setattr(loader, "resident_bytes", lambda: next(sizes))

    async def life():
        await models.load("a", str(save(heavy, "a/model")))
        await models.load("b", str(save(heavy, "b/model")))

    asyncio.run(life())

    assert states(models) == {"a": ModelState.UNLOADED, "b": ModelState.READY}


@pytest.mark.parametrize(
    "url",
    [
        "", "model", "../secret", "/", "/etc", "{root}", "{root}/", "{root}/../secret", "s3://b/k",
        "http://169.254.169.254/latest", "file://{root}/model", "{root}/model/../../secret",
        "{root}/out", "{root}/out/deeper", "{root}/circle", "{root}/model\0",
        "{root}/" + 5000 * "a", "{root}/missing", "{root}/model/model.onnx", "//{root}x/model",
        "~/model",
    ],
)  # fmt: skip
def test_a_url_that_is_no_folder_under_the_root_is_refused(
    loader, tmp_path, save, linear_model, url
):
    root = tmp_path / "models"
    save(linear_model(), "models/model")
    save(linear_model(), "secret")
    save(linear_model(), "secret/deeper")
    (root / "out").symlink_to("../secret")
    (root / "circle").symlink_to("circle")
    models = MultiModelRepository(root, loader())

    with pytest.raises(InvalidInput, match=r"url (takes the path of a folder|names a folder)"):
        asyncio.run(models.load("one", url.format(root=root)))

    assert models.statuses() == []


def test_a_folder_with_versions_gives_its_newest(fleet, save, linear_model, answer, tmp_path):
    save(linear_model(1), "a/model/1")
    save(linear_model(2), "a/model/2")
    models = fleet()

    asyncio.run(models.load("a", str(tmp_path / "a" / "model")))

    assert answer(models.get("a")) == 36.0


def test_a_broken_model_leaves_its_name_free(fleet, save, linear_model):
    models = fleet()
    folder = save(b"broken")

    async def life():
        with pytest.raises(ModelUnusable):
            await models.load("one", str(folder))
        save(linear_model())
        await models.load("one", str(folder))

    asyncio.run(life())

    assert states(models) == {"one": ModelState.READY}


def test_a_caller_who_goes_away_does_not_end_the_load(fleet, save, linear_model):
    models = fleet()
    url = str(save(linear_model()))

    async def life():
        caller = asyncio.create_task(models.load("one", url))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        return await models.obtain("one")

    assert asyncio.run(life()).name == "one"


def test_churn_leaves_nothing_behind(fleet, save, heavy, counted):
    """48 loads and unloads here; 1,000 with `ABUSE=full`, as `make abuse` has it."""
    models = fleet(7)
    folders = [str(save(heavy, f"{number}/model")) for number in range(4)]

    async def churn(rounds):
        for number in range(rounds):
            name = f"model-{number % 4}"
            if number % 8 < 4:
                await models.load(name, folders[number % 4])
            else:
                await models.unload(name)

    asyncio.run(churn(40))
    gc.collect()
    before, files = resident_bytes(), len([*Path("/proc/self/fd").iterdir()])
    asyncio.run(churn(2000 if os.environ.get("ABUSE") == "full" else 96))
    gc.collect()

    assert resident_bytes() - before < 8 * MIB
    assert len([*Path("/proc/self/fd").iterdir()]) <= files + 1
    assert models.statuses() == []
    assert models._urls == {}
    assert models._loading == {}

"""One model in several versions: which one answers, and how a new one takes over."""

import asyncio
import gc
import os
import shutil
import threading
import time

import pytest

from model_server.core.errors import ModelUnusable, NotReady, UnknownModel
from model_server.core.repository import ModelState, Repository, scan

# A row of ones times column 0 of the weights, 0 + 3 + 6 + 9, times the scale of the model.
ONE, TWO, THREE = 18.0, 36.0, 54.0


@pytest.fixture
def repository(tmp_path, loader):
    return lambda **options: Repository(tmp_path / "model", loader(), name="fraud", **options)


@pytest.fixture
def put(save, linear_model):
    """Put a version into the model folder; its answer is 18 times the scale."""

    def write(version, scale):
        folder = "model" if version is None else f"model/{version}"
        return save(linear_model(scale), folder)

    return write


class Watcher:
    def __init__(self):
        self.seen = []

    def added(self, model):
        self.seen.append(("added", model.version))

    def removed(self, model):
        self.seen.append(("removed", model.version))


def test_nothing_answers_before_the_model_is_loaded(repository, put):
    put(None, 1)
    models = repository()

    with pytest.raises(NotReady, match="the model is not ready: the model is being loaded"):
        models.get()


def test_a_folder_with_one_file_is_version_1(repository, put, answer, log):
    put(None, 1)
    models = repository()

    asyncio.run(models.refresh())

    model = models.get()
    assert (model.name, model.version, model.file) == ("fraud", "1", "model.onnx")
    assert models.get("fraud", "1") is models.get("fraud") is model
    assert answer(model) == ONE
    assert log.of("model_ready")[0]["digest"] == model.digest


def test_another_name_or_version_is_unknown(repository, put):
    put(None, 1)
    models = repository()
    asyncio.run(models.refresh())

    with pytest.raises(UnknownModel, match="there is no model 'spam'; there is 'fraud'"):
        models.get("spam")
    with pytest.raises(UnknownModel, match="model 'fraud' has no version '2'; it has 1"):
        models.get("fraud", "2")


def test_the_highest_number_answers_and_the_one_before_can_be_asked_for(repository, put, answer):
    for version, scale in (("2", 1), ("9", 2), ("10", 3)):
        put(version, scale)
    models = repository()

    asyncio.run(models.refresh())

    assert answer(models.get()) == THREE
    assert answer(models.get("fraud", "9")) == TWO
    with pytest.raises(UnknownModel, match="it has 9, 10"):
        models.get("fraud", "2")


def test_one_version_is_loaded_where_one_is_kept(repository, put):
    put("1", 1)
    put("2", 2)
    models = repository(versions=1)

    asyncio.run(models.refresh())

    assert [model.version for model in models.models()] == ["2"]


def test_a_new_version_takes_over_and_the_oldest_goes(repository, put, answer):
    put("1", 1)
    put("2", 2)
    models = repository()
    watcher = Watcher()
    models.subscribe(watcher)

    async def life():
        await models.refresh()
        put("3", 3)
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == THREE
    assert sorted(model.version for model in models.models()) == ["2", "3"]
    assert watcher.seen == [
        ("added", "2"), ("added", "1"), ("removed", "1"), ("added", "3"),
    ]  # fmt: skip


def test_a_version_that_was_taken_away_gives_way_to_the_one_before(repository, put, answer):
    put("1", 1)
    folder = put("2", 2)
    models = repository()

    async def life():
        await models.refresh()
        shutil.rmtree(folder)
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == ONE
    assert [model.version for model in models.models()] == ["1"]


def test_the_last_version_stays_when_the_folder_is_emptied(repository, put, answer):
    folder = put("1", 1)
    models = repository()

    async def life():
        await models.refresh()
        shutil.rmtree(folder)
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == ONE


def test_a_changed_file_takes_over_from_the_old_one(repository, put, answer, log):
    put(None, 1)
    models = repository()

    async def life():
        await models.refresh()
        put(None, 2)
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == TWO
    assert log.names() == ["model_ready", "model_ready", "model_unloaded"]


def test_an_unchanged_folder_is_not_loaded_again(repository, put, log):
    put(None, 1)
    models = repository()

    async def life():
        await models.refresh()
        await models.refresh()
        await asyncio.gather(models.refresh(), models.refresh())

    asyncio.run(life())

    assert log.names() == ["model_ready"]


def test_a_broken_new_version_leaves_the_old_one_answering(repository, put, save, answer):
    put("1", 1)
    models = repository()

    async def life():
        await models.refresh()
        save(b"not a model at all", "model/2")
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == ONE
    status = models.statuses()[1]
    assert (status.version, status.state) == ("2", ModelState.FAILED)
    assert "model.onnx could not be loaded" in status.reason
    with pytest.raises(NotReady, match=r"version 2 of the model is not ready: model\.onnx could"):
        models.get("fraud", "2")


def test_a_file_exchanged_for_a_broken_one_leaves_the_old_one_answering(
    repository, put, save, answer
):
    put(None, 1)
    models = repository()

    async def life():
        await models.refresh()
        save(b"not a model at all")
        await models.refresh()

    asyncio.run(life())

    assert answer(models.get()) == ONE
    (status,) = models.statuses()
    assert status.state is ModelState.READY
    assert "the changed model cannot be used" in status.reason


def test_what_failed_is_tried_again_when_it_changed_or_when_told_to(repository, save, put, log):
    save(b"broken")
    models = repository()

    async def life():
        for retry in (False, False, True):
            with pytest.raises(ModelUnusable):
                await models.refresh(retry=retry)
        put(None, 1)
        await models.refresh()

    asyncio.run(life())

    assert log.names() == ["model_unusable", "model_unusable", "model_ready"]


def test_a_folder_without_a_model_says_what_it_holds(repository, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(b"")
    models = repository()

    with pytest.raises(ModelUnusable, match=r"holds no \*\.onnx file; it holds model\.pkl"):
        asyncio.run(models.refresh())

    with pytest.raises(NotReady, match=r"it holds model\.pkl"):
        models.get()


def test_requests_keep_the_model_they_began_with_until_they_are_done(repository, put, answer, log):
    put(None, 1)
    models = repository()

    async def life():
        await models.refresh()
        request = models.get()
        put(None, 2)
        await models.refresh()

        assert "model_unloaded" not in log.names()
        assert answer(request) == ONE
        assert answer(models.get()) == TWO
        del request
        assert log.names()[-1] == "model_unloaded"

    asyncio.run(life())


def test_the_loop_is_free_while_a_model_is_loaded(repository, put, monkeypatch):
    put(None, 1)
    from model_server.core import loader

    real = loader.inspect
    threads = []

    def slow(folder, trusted_keys):
        threads.append(threading.current_thread().name)
        time.sleep(0.3)
        return real(folder, trusted_keys)

    monkeypatch.setattr(loader, "inspect", slow)
    models = repository()

    async def life():
        task = asyncio.create_task(models.refresh())
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    assert asyncio.run(life()) > 10
    assert threads[0].startswith("loader")


def test_a_hundred_reloads_under_load_fail_no_request_and_leave_nothing_behind(
    repository, put, answer, log
):
    models = repository()
    put(None, 1)

    async def life():
        await models.refresh()
        answers = set()
        stop = asyncio.Event()

        async def ask():
            while not stop.is_set():
                model = models.get()
                await asyncio.sleep(0)
                answers.add(answer(model))

        askers = [asyncio.create_task(ask()) for _ in range(4)]
        for number in range(100):
            put(None, 1 + number % 2)
            os.utime(models._folder / "model.onnx", ns=(number, number))
            await models.refresh()
        stop.set()
        await asyncio.gather(*askers)
        return answers

    answers = asyncio.run(life())

    assert answers == {ONE, TWO}
    gc.collect()
    assert log.names().count("model_ready") == 101
    assert log.names().count("model_unloaded") == 100


def test_a_link_to_a_version_out_of_the_folder_is_no_version(tmp_path, put, save, linear_model):
    put("1", 1)
    save(linear_model(), "elsewhere")
    (tmp_path / "model" / "2").symlink_to("../elsewhere")
    (tmp_path / "model" / "3").symlink_to("1")

    assert sorted(scan(tmp_path / "model")) == ["1", "3"]


@pytest.mark.parametrize("name", ["01", "1a", "-1", "1.0", "latest", "9" * 19])
def test_only_plain_numbers_are_versions(tmp_path, put, name):
    put("1", 1)
    put(name, 2)

    assert list(scan(tmp_path / "model")) == ["1"]


def test_a_model_that_takes_more_than_models_may_is_not_served(tmp_path, put, loader, monkeypatch):
    put(None, 1)
    from model_server.core import loader as module

    sizes = iter([0, 5 * 2**20, 9 * 2**20])
    monkeypatch.setattr(module, "resident_bytes", lambda: next(sizes))
    models = Repository(tmp_path / "model", loader(model_memory_mib=4), name="fraud")

    with pytest.raises(ModelUnusable, match="takes 5 MiB, over the limit of 4 MiB for models"):
        asyncio.run(models.refresh())

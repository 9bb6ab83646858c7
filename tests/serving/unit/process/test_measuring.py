"""What a worker tells of itself and of its machine."""

import pytest

from model_server.process.measuring import measure, own_bytes
from model_server.settings.process import ProcessSettings
from model_server.settings.reader import Reader


def test_the_memory_of_one_more_process_is_its_anonymous_memory(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/smaps_rollup").write_text(
        "00400000-7ffc rollup\nRss:  99000 kB\nPrivate_Dirty: 70000 kB\nAnonymous:      61440 kB\n"
    )

    assert own_bytes(tmp_path) == 60 * 2**20


def test_where_the_system_does_not_say_it_is_all_resident_memory(tmp_path):
    assert own_bytes(tmp_path) > 2**20


def test_a_measurement_holds_what_the_plan_needs():
    measured = measure(run_seconds=0.001, threads=2, model_bytes=5, alone="why")

    assert (measured.run_seconds, measured.threads, measured.model_bytes) == (0.001, 2, 5)
    assert measured.alone == "why"
    assert measured.cpus >= 1
    assert measured.memory_bytes > 2**20
    assert measured.memory_limit_bytes > 2**20


@pytest.mark.parametrize(("text", "workers"), [("1", 1), ("256", 256)])
def test_workers_are_a_setting(text, workers):
    reader = Reader({"MODEL_SERVER_WORKERS": text})

    assert ProcessSettings.read(reader).workers == workers
    assert reader.problems == []


@pytest.mark.parametrize("text", ["0", "257", "many", "1.5"])
def test_a_number_of_workers_that_cannot_be_is_refused(text):
    reader = Reader({"MODEL_SERVER_WORKERS": text})

    assert ProcessSettings.read(reader).workers is None
    (problem,) = reader.problems
    assert problem.startswith(f"MODEL_SERVER_WORKERS is '{text}'; it takes a number from 1 to 256")


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("2.5", 2.5), ("3600", 3600.0)])
def test_how_long_a_worker_may_stand_still_is_a_setting(text, seconds):
    reader = Reader({"MODEL_SERVER_WORKER_TIMEOUT_SECONDS": text})

    assert ProcessSettings.read(reader).worker_timeout_seconds == seconds
    assert reader.problems == []


@pytest.mark.parametrize("text", ["-1", "3601", "soon", ""])
def test_a_time_that_no_worker_can_be_given_is_refused(text):
    reader = Reader({"MODEL_SERVER_WORKER_TIMEOUT_SECONDS": text})

    assert ProcessSettings.read(reader).worker_timeout_seconds == 30.0
    (problem,) = reader.problems
    assert problem == (
        f"MODEL_SERVER_WORKER_TIMEOUT_SECONDS is {text!r}; it takes a number from 0.0 to 3600.0"
    )


@pytest.mark.parametrize("environment", [{}, {"MODEL_SERVER_WORKERS": ""}])
def test_without_a_setting_the_model_decides(environment):
    reader = Reader(environment)

    assert ProcessSettings.read(reader).workers is None
    assert reader.problems == []

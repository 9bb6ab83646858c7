"""The same with a real server: what is not as it was signed ends it, with the reason."""

import signal
import time

import pytest

from packages import change_byte, sign, write_keys, write_package

ROW = {"instances": [[1, 1, 1, 1]]}


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    folder = write_package(tmp_path / "model")
    sign(folder, keys[0])
    return folder


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_signed_package_is_served_and_its_signer_logged(run_server, package, keys):
    server = run_server(package, MODEL_SERVER_TRUSTED_KEYS=keys[1])
    server.wait()

    assert server.post(ROW).json()["predictions"] == [[4.0, 4.0, 4.0]]
    (event,) = server.events("model_ready")
    assert len(event["signed_by"]) == 64
    assert event["package"].startswith("sha256:")


def test_the_key_may_stand_in_the_environment_itself(run_server, package, keys):
    server = run_server(package, MODEL_SERVER_TRUSTED_KEYS=keys[1].read_text())

    assert server.wait().status == 200


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (lambda folder: change_byte(folder / "model.onnx"), "'model.onnx' was changed"),
        (lambda folder: (folder / "model.sig").unlink(), "so it is not signed"),
        (lambda folder: (folder / "x.pkl").write_text("x"), "'x.pkl' is not in the manifest"),
    ],
)
def test_what_is_not_what_was_signed_ends_the_server_with_the_reason(
    run_server, package, keys, tamper, reason
):
    tamper(package)

    server = run_server(package, MODEL_SERVER_TRUSTED_KEYS=keys[1], MODEL_SERVER_FAILURE_SECONDS=1)

    until(lambda: server.wait(503).json()["status"] == "failed")
    assert reason in server.ping().json()["error"]
    assert server.process.wait(20) == 3
    assert reason in server.events("model_unusable")[0]["reason"]
    assert server.events("model_ready") == []


def test_a_package_that_is_changed_later_does_not_take_over(run_server, package, keys):
    server = run_server(package, MODEL_SERVER_TRUSTED_KEYS=keys[1])
    server.wait()
    change_byte(package / "model.onnx")

    server.process.send_signal(signal.SIGHUP)

    until(lambda: server.events("model_unusable"))
    assert "'model.onnx' was changed" in server.events("model_unusable")[0]["reason"]
    assert server.post(ROW).status == 200


def test_a_handler_is_not_given_a_folder_that_was_not_checked(run_server, package, keys, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/service.py").write_text(
        "def load(model_dir):\n    print('HANDLER', flush=True)\n"
        "def preprocess(body, content_type, context):\n    raise ValueError\n"
    )
    change_byte(package / "MODEL_CARD.md")

    server = run_server(
        package,
        MODEL_SERVER_TRUSTED_KEYS=keys[1],
        MODEL_SERVER_HANDLER="service",
        MODEL_SERVER_CODE_DIR=tmp_path / "code",
        MODEL_SERVER_FAILURE_SECONDS=0,
    )

    assert server.process.wait(20) == 3
    assert b"HANDLER" not in server.log.read_bytes()


def test_keys_that_do_not_exist_end_the_server_at_once(run_server, package, tmp_path):
    server = run_server(package, MODEL_SERVER_TRUSTED_KEYS=tmp_path / "nothing")

    assert server.process.wait(20) == 2
    assert b"MODEL_SERVER_TRUSTED_KEYS is " in server.log.read_bytes()

"""The same with a real server: versions that take over, models by name, artifacts refused."""

import json
import signal
import time

import onnx
import pytest
from onnx import TensorProto as T

ROW = {"instances": [[1, 1, 1, 1]]}


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def first(reply):
    assert reply.status == 200, reply.body
    return reply.json()["predictions"][0][0]


def count(server, event, version):
    return sum(each["version"] == version for each in server.events(event))


def test_a_new_version_takes_over_at_sighup_while_a_connection_stays_open(
    run_server, save, linear_model
):
    folder = save(linear_model(1), "model/1").parent
    server = run_server(folder, MODEL_SERVER_MODEL_VERSIONS=1)
    server.wait()
    assert first(server.post(ROW)) == 18.0
    save(linear_model(2), "model/2")

    server.process.send_signal(signal.SIGHUP)

    # In every process, and though a connection that asked the old one is idle and open.
    until(lambda: count(server, "model_unloaded", "1") == count(server, "model_ready", "1"))
    assert {first(server.post(ROW)) for _ in range(20)} == {36.0}
    assert count(server, "model_unloaded", "2") == 0
    assert server.stop() == 0


def test_a_kept_connection_is_answered_by_the_contract_that_is_served_now(
    run_server, save, graph, linear_model, line, frame
):
    folder = save(linear_model(1), "model/1").parent
    server = run_server(folder, MODEL_SERVER_MODEL_VERSIONS=1, MODEL_SERVER_WORKERS=1)
    server.wait()
    doubled = graph(
        [("x", T.INT64, ["batch", 4])], [("Add", ["x", "x"], ["z"])], [("z", T.INT64, ["batch", 4])]
    )

    with line(server) as kept:

        def ask(values):
            status, _, body = kept.ask(frame({"instances": [values]}))
            return status, json.loads(body).get("predictions")

        before = [ask([1, 1, 1, 1]), ask([1, 1, 1, 1])]
        save(doubled, "model/2")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: count(server, "model_unloaded", "1") == 1)
        after = [ask([1, 1, 1, 1]), ask([1.5, 1, 1, 1])]

    assert before == [(200, [[18.0, 22.0, 26.0]])] * 2
    assert after == [(200, [[2, 2, 2, 2]]), (400, None)]


def test_a_watched_folder_is_looked_at_without_being_told(run_server, save, linear_model):
    folder = save(linear_model(1))
    server = run_server(folder, MODEL_SERVER_WATCH_SECONDS=1)
    server.wait()
    assert first(server.post(ROW)) == 18.0

    save(linear_model(2))

    until(lambda: first(server.post(ROW)) == 36.0)


def test_a_broken_new_version_is_logged_and_the_old_one_answers(run_server, save, linear_model):
    folder = save(linear_model(1), "model/1").parent
    server = run_server(folder)
    server.wait()
    save(b"not a model at all", "model/2")

    server.process.send_signal(signal.SIGHUP)

    until(lambda: server.events("model_unusable"))
    assert first(server.post(ROW)) == 18.0
    assert server.ping().status == 200


def test_models_by_name_over_http(run_server, save, linear_model, tmp_path):
    one, two = save(linear_model(1), "a/model"), save(linear_model(2), "b/model")
    server = run_server(tmp_path, SAGEMAKER_MULTI_MODEL="true", MODEL_SERVER_MODELS_DIR=tmp_path)
    server.wait()

    def load(name, url):
        body = json.dumps({"model_name": name, "url": str(url)}).encode()
        return server.request("POST", "/models", body, content_type="application/json").status

    def invoke(name):
        body = json.dumps(ROW).encode()
        return server.request(
            "POST", f"/models/{name}/invoke", body, content_type="application/json"
        )

    assert [load("one", one), load("one", one), load("two", two)] == [200, 409, 200]
    assert load("three", "/etc") == 400
    assert (first(invoke("one")), first(invoke("two"))) == (18.0, 36.0)
    assert invoke("three").status == 404
    assert server.request("GET", "/models").json() == {
        "models": [
            {"modelName": "one", "modelUrl": str(one)},
            {"modelName": "two", "modelUrl": str(two)},
        ]
    }
    assert server.request("DELETE", "/models/one").status == 200
    assert server.request("DELETE", "/models/one").status == 404
    until(lambda: server.events("model_unloaded"))
    assert invoke("one").status == 404


def test_there_is_no_way_to_load_models_outside_the_multi_model_mode(serve):
    server = serve("regressor")

    body = b'{"model_name": "a", "url": "/opt/ml/models/a"}'
    assert server.request("POST", "/models", body).status == 404
    assert server.request("GET", "/models").status == 404


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd"])
def test_external_data_outside_the_folder_ends_the_server_with_the_reason(
    run_server, save, graph, tmp_path, location
):
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    weights = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[4, 3], data_location=1)
    weights.external_data.add(key="location", value=location)
    nodes, outputs = [("MatMul", ["x", "w"], ["y"])], [("y", T.FLOAT, ["n", 3])]
    folder = save(graph([("x", T.FLOAT, ["n", 4])], nodes, outputs, weights))

    server = run_server(folder, MODEL_SERVER_FAILURE_SECONDS=1)

    until(lambda: server.wait(503).json()["status"] == "failed")
    reply = server.ping()
    assert "model.onnx refers to files that cannot be used" in reply.json()["error"]
    assert str(tmp_path) not in reply.body.decode()
    assert server.process.wait(20) == 3


def test_a_provider_that_is_absent_ends_the_server_with_the_package_to_install(
    run_server, save, linear_model
):
    server = run_server(
        save(linear_model()),
        MODEL_SERVER_EXECUTION_PROVIDERS="cuda",
        MODEL_SERVER_FAILURE_SECONDS=0,
    )

    assert server.process.wait(20) == 3
    (event,) = server.events("model_unusable")
    assert "cuda comes with onnxruntime-gpu" in event["reason"]

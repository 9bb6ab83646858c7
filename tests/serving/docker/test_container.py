"""What only a container shows: signals to process 1, its user, its health check, its files."""

import json
import time

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

ROW = {"instances": [[1, 0, 0, 0]]}


def inspect(docker, name, what):
    return json.loads(docker("inspect", "--format", f"{{{{json {what}}}}}", name))


def test_the_image_runs_as_a_numeric_user_that_is_not_root(docker, image):
    assert inspect(docker, image, ".Config.User") == "65532:65532"


def test_the_image_is_started_in_exec_form_with_serve(docker, image):
    entry = inspect(docker, image, ".Config.Entrypoint")

    assert entry == ["/opt/model-server/bin/python", "-m", "model_server"]
    assert inspect(docker, image, ".Config.Cmd") == ["serve"]


def test_the_image_says_that_sagemaker_may_give_it_many_models_and_a_port(docker, image):
    assert inspect(docker, image, ".Config.Labels") == {
        "com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true",
        "com.amazonaws.sagemaker.capabilities.multi-models": "true",
    }


def test_the_image_holds_no_pip_in_its_environment_and_no_build_secret(docker, image):
    code = (
        "import importlib.util, os;"
        "print(importlib.util.find_spec('pip'), os.path.exists('/run/secrets/ca'),"
        "os.path.exists('/build'))"
    )

    said = docker("run", "--rm", "--entrypoint=/opt/model-server/bin/python", image, "-c", code)

    assert said == "None False False"


def test_a_stop_drains_and_ends_with_status_0(docker, run_container, models):
    server = run_container(models / "classifier")
    server.wait()

    start = time.monotonic()
    docker("stop", "--time=30", server.container)

    assert time.monotonic() - start < 10
    assert inspect(docker, server.container, ".State.ExitCode") == 0
    events = [json.loads(line)["event"] for line in docker("logs", server.container).splitlines()]
    assert events[:3] == ["listening", "worker_started", "model_ready"]
    assert [event for event in events if event.startswith("stop")] == ["stopping", "stopped"]


def test_a_stop_while_the_model_loads_ends_with_status_0(docker, run_container, models, wait_until):
    server = run_container(models / "classifier")
    wait_until(lambda: "listening" in docker("logs", server.container))

    docker("stop", "--time=30", server.container)

    assert inspect(docker, server.container, ".State.ExitCode") == 0


def test_a_container_without_a_model_ends_with_status_3_and_the_reason(
    docker, run_container, tmp_path_factory, wait_until
):
    server = run_container(tmp_path_factory.mktemp("empty"), MODEL_SERVER_FAILURE_SECONDS=0)

    wait_until(lambda: inspect(docker, server.container, ".State.Status") == "exited")

    assert inspect(docker, server.container, ".State.ExitCode") == 3
    assert '"event":"model_unusable"' in docker("logs", server.container)


def test_the_health_check_passes_when_the_model_is_ready(docker, run_container, image, models):
    server = run_container(models / "classifier")
    server.wait()

    docker("exec", server.container, "/opt/model-server/bin/python", "-m", "model_server",
           "healthcheck")  # fmt: skip

    health = inspect(docker, image, ".Config.Healthcheck.Test")
    assert health[0] == "CMD"
    assert health[-1] == "healthcheck"


def test_serving_writes_nothing(docker, run_container, models):
    server = run_container(models / "classifier")
    server.wait()

    assert server.post(ROW).status == 200

    changes = docker("diff", server.container).splitlines()
    assert [line for line in changes if "/opt/ml" not in line and line != "C /opt"] == []


def test_the_quota_of_a_container_sets_the_threads(docker, image, models):
    container = docker(
        "run", "--detach", "--cpus=1", f"--volume={models / 'classifier'}:/opt/ml/model:ro", image
    )
    try:
        for _ in range(100):
            logs = [json.loads(line) for line in docker("logs", container).splitlines()]
            ready = [event for event in logs if event["event"] == "model_ready"]
            if ready:
                break
            time.sleep(0.1)
        assert ready[0]["threads"] == 1
    finally:
        docker("rm", "--force", container)


def test_figures_of_the_image(docker, run_container, image, models, record_property):
    start = time.monotonic()
    server = run_container(models / "classifier")
    server.wait()
    seconds = time.monotonic() - start
    megabytes = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6

    record_property("start_seconds", round(seconds, 2))
    record_property("image_megabytes", round(megabytes))
    print(f"image {megabytes:.0f} MB, docker run to ready in {seconds:.2f} s")  # noqa: T201

    assert megabytes < 600
    assert seconds < 20

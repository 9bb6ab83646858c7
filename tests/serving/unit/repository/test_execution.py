"""Settings of execution and repository, and sessions on the providers that were asked for."""

import dataclasses
from pathlib import Path

import onnxruntime as ort
import pytest

from model_server.core import providers
from model_server.core.errors import ModelUnusable
from model_server.core.model import load_model
from model_server.settings.execution import ExecutionSettings
from model_server.settings.reader import Reader
from model_server.settings.repository import RepositorySettings


def read(kind, **variables):
    reader = Reader(variables)
    return kind.read(reader), reader.problems


def test_without_variables_the_defaults_hold():
    assert read(ExecutionSettings) == (ExecutionSettings(), [])
    assert read(RepositorySettings) == (RepositorySettings(), [])
    assert ExecutionSettings().providers == ("cpu",)
    assert RepositorySettings() == RepositorySettings(
        model_name="model", versions=2, watch_seconds=0.0, multi_model=False,
        models_dir=Path("/opt/ml/models"),
    )  # fmt: skip


def test_every_variable_is_read():
    settings, problems = read(
        ExecutionSettings,
        MODEL_SERVER_EXECUTION_PROVIDERS="TensorRT, cuda",
        MODEL_SERVER_PROVIDER_OPTIONS='{"cuda": {"device_id": 1, "use_tf32": false, "x": "y"}}',
        MODEL_SERVER_DEVICE_MEMORY_MIB="512",
        MODEL_SERVER_MODEL_MEMORY_MIB="1024",
        MODEL_SERVER_GRAPH_OPTIMIZATION="basic",
        MODEL_SERVER_SPINNING="false",
        MODEL_SERVER_MEMORY_ARENA="no",
    )

    assert problems == []
    assert settings == ExecutionSettings(
        providers=("tensorrt", "cuda", "cpu"),
        provider_options={"cuda": {"device_id": "1", "use_tf32": "0", "x": "y"}},
        device_memory_mib=512,
        model_memory_mib=1024,
        graph_optimization="basic",
        spinning=False,
        memory_arena=False,
    )


def test_every_variable_of_the_repository_is_read():
    settings, problems = read(
        RepositorySettings,
        MODEL_SERVER_MODEL_NAME="fraud-v2",
        MODEL_SERVER_MODEL_VERSIONS="5",
        MODEL_SERVER_WATCH_SECONDS="2.5",
        SAGEMAKER_MULTI_MODEL="true",
        MODEL_SERVER_MODELS_DIR="/models",
    )

    assert problems == []
    assert settings == RepositorySettings("fraud-v2", 5, 2.5, True, Path("/models"))


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"MODEL_SERVER_EXECUTION_PROVIDERS": "gpu"}, "names 'gpu'; it takes some of cpu, cuda"),
        ({"MODEL_SERVER_PROVIDER_OPTIONS": "{"}, "is no JSON"),
        ({"MODEL_SERVER_PROVIDER_OPTIONS": "[]"}, "takes an object such as"),
        ({"MODEL_SERVER_PROVIDER_OPTIONS": '{"cuda": 1}'}, "takes an object such as"),
        ({"MODEL_SERVER_PROVIDER_OPTIONS": '{"gpu": {}}'}, "names 'gpu'"),
        ({"MODEL_SERVER_PROVIDER_OPTIONS": '{"cuda": {"a": [1]}}'}, "cuda.a is no text"),
        ({"MODEL_SERVER_DEVICE_MEMORY_MIB": "0"}, "it takes a number from 1 to 16777216"),
        ({"MODEL_SERVER_MODEL_MEMORY_MIB": "x"}, "it takes a number from 1 to 16777216"),
        ({"MODEL_SERVER_GRAPH_OPTIMIZATION": "3"}, "one of none, basic, extended, all"),
        ({"MODEL_SERVER_SPINNING": "auto"}, "it takes true or false"),
    ],
)
def test_wrong_settings_of_execution_are_named(variables, problem):
    _, problems = read(ExecutionSettings, **variables)

    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"MODEL_SERVER_MODEL_NAME": "a/b"}, "it takes 1 to 128 letters"),
        ({"MODEL_SERVER_MODEL_NAME": "a" * 129}, "it takes 1 to 128 letters"),
        ({"MODEL_SERVER_MODEL_NAME": ".hidden"}, "it takes 1 to 128 letters"),
        ({"MODEL_SERVER_MODEL_VERSIONS": "0"}, "it takes a number from 1 to 100"),
        ({"MODEL_SERVER_WATCH_SECONDS": "0.5"}, "it takes 0 or a number from 1 to 86400"),
        ({"MODEL_SERVER_WATCH_SECONDS": "-1"}, "it takes a number from 0.0 to 86400.0"),
        ({"SAGEMAKER_MULTI_MODEL": "maybe"}, "it takes true or false"),
    ],
)
def test_wrong_settings_of_the_repository_are_named(variables, problem):
    _, problems = read(RepositorySettings, **variables)

    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("tensorrt", "onnxruntime-gpu, with NVIDIA's TensorRT libraries"),
        ("rocm", "onnxruntime-rocm"),
        ("migraphx", "onnxruntime-migraphx"),
        ("openvino", "onnxruntime-openvino"),
        ("coreml", "onnxruntime on macOS"),
        ("xnnpack", "a build of one's own"),
    ],
)
def test_a_provider_that_is_not_in_the_build_is_named_with_what_brings_it(
    save, linear_model, monkeypatch, name, package
):
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(ModelUnusable) as told:
        load_model(save(linear_model()), 1, ExecutionSettings(providers=(name, "cpu")))

    assert told.value.message.startswith(
        f"this build of onnxruntime has no execution provider {name}; it has cpu; "
        f"{name} comes with {package}"
    )


class FakeSession:
    """What onnxruntime does when a provider's libraries are missing: it goes on without."""

    used = ("CPUExecutionProvider",)
    given = None

    def __init__(self, path, options, **more):
        FakeSession.given = (options, more)

    def get_providers(self):
        return list(self.used)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(ort, "get_available_providers", lambda: list(providers.ORT_NAMES.values()))
    monkeypatch.setattr(ort, "InferenceSession", FakeSession)
    monkeypatch.setattr(FakeSession, "used", tuple(providers.ORT_NAMES.values()))
    return FakeSession


def test_a_provider_that_does_not_start_is_an_error_and_no_fallback(fake, monkeypatch):
    monkeypatch.setattr(fake, "used", ("CPUExecutionProvider",))

    with pytest.raises(ModelUnusable, match="execution provider cuda is in this build"):
        providers.open_session(Path("m"), 1, ExecutionSettings(providers=("cuda", "cpu")))

    assert fake.given[1]["enable_fallback"] == 0


def test_options_and_memory_limit_go_to_the_provider(fake):
    settings = ExecutionSettings(
        providers=("tensorrt", "cuda", "migraphx", "cpu"),
        provider_options={"cuda": {"device_id": "1", "arena_extend_strategy": "kNextPowerOfTwo"}},
        device_memory_mib=512,
    )

    providers.open_session(Path("m"), 1, settings)

    assert fake.given[1]["providers"] == [
        ("TensorrtExecutionProvider", {}),
        (
            "CUDAExecutionProvider",
            {
                "gpu_mem_limit": "536870912",
                "arena_extend_strategy": "kNextPowerOfTwo",
                "device_id": "1",
            },
        ),
        (
            "MIGraphXExecutionProvider",
            {
                "migraphx_mem_limit": "536870912",
                "migraphx_arena_extend_strategy": "kSameAsRequested",
            },
        ),
        ("CPUExecutionProvider", {}),
    ]


@pytest.mark.parametrize(
    ("settings", "quota", "spinning"),
    [
        (ExecutionSettings(), False, "1"),
        (ExecutionSettings(), True, "0"),
        (ExecutionSettings(spinning=True), True, "1"),
        (ExecutionSettings(spinning=False), False, "0"),
    ],
)
def test_threads_spin_where_no_quota_is_in_force(fake, monkeypatch, settings, quota, spinning):
    monkeypatch.setattr(providers, "usable_cpus", lambda: 1)
    monkeypatch.setattr(
        providers.os, "sched_getaffinity", lambda _: {0, 1} if quota else {0}, raising=False
    )

    providers.open_session(Path("m"), 3, settings)

    options = fake.given[0]
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == spinning
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)


def test_session_options_are_those_asked_for(fake):
    settings = ExecutionSettings(graph_optimization="basic", memory_arena=False)

    providers.open_session(Path("m"), 1, settings)

    options, more = fake.given
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert not options.enable_cpu_mem_arena
    assert options.get_session_config_entry("session.load_model_format") == "ONNX"
    assert more["read_config_from_model"] == 0


def test_a_model_runs_with_every_option_of_this_build(save, linear_model, answer):
    base = ExecutionSettings()
    folder = save(linear_model())
    for changed in (
        {"graph_optimization": "none"},
        {"graph_optimization": "extended"},
        {"memory_arena": False},
        {"spinning": True},
    ):
        assert answer(load_model(folder, 2, dataclasses.replace(base, **changed))) == 18.0

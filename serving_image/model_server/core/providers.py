"""Sessions of onnxruntime on the hardware that was asked for.

Takes a checked model file and `ExecutionSettings`, gives a session, or `ModelUnusable` that says
which provider is missing and which package brings it. Must not fall back to another provider in
silence: a model that was meant for an accelerator and runs on the CPU is found out too late.
"""

import os
from pathlib import Path
from typing import Any

from model_server.core.errors import ModelUnusable
from model_server.core.threads import usable_cpus
from model_server.settings.execution import ExecutionSettings

ORT_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
"""onnxruntime's names of `PROVIDERS`."""

PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu, with NVIDIA's TensorRT libraries",
    "rocm": "onnxruntime-rocm, up to onnxruntime 1.22; later ones have migraphx instead",
    "migraphx": "onnxruntime-migraphx",
    "openvino": "onnxruntime-openvino",
    "coreml": "onnxruntime on macOS",
    "xnnpack": "a build of one's own with --use_xnnpack",
}
"""What brings each provider; installed in place of ``onnxruntime``, never beside it."""

DEVICE_MEMORY: dict[str, dict[str, str]] = {
    "cuda": {"gpu_mem_limit": "{bytes}", "arena_extend_strategy": "kSameAsRequested"},
    "rocm": {"gpu_mem_limit": "{bytes}", "arena_extend_strategy": "kSameAsRequested"},
    "migraphx": {
        "migraphx_mem_limit": "{bytes}",
        "migraphx_arena_extend_strategy": "kSameAsRequested",
    },
}
"""Options that limit the memory of a device (onnxruntime's C API reference, read 2026-11).

By default the arena doubles each time it grows, past what a model needs.
"""

SILENT = 4
"""onnxruntime's own log, on standard error and not as JSON, then holds fatal faults only; every
error that it would write there is also in the exception that it raises."""


def open_session(path: Path, threads: int, settings: ExecutionSettings) -> Any:
    """Give a session of a model.

    Raises:
        ModelUnusable: a provider is missing or cannot be used.
        Exception: whatever onnxruntime raises of a model that it cannot load; its exception types
            share no base.
    """
    import onnxruntime as ort

    ort.set_default_logger_severity(SILENT)
    if "cuda" in settings.providers and "CUDAExecutionProvider" in ort.get_available_providers():
        # CUDA's libraries come as Python packages, where the system's loader does not look.
        ort.preload_dlls()
    providers = _providers(ort.get_available_providers(), settings)
    session = ort.InferenceSession(
        str(path),
        _options(ort, threads, settings),
        providers=providers,
        enable_fallback=0,
        # A model may carry session options of its own; the operator's count.
        read_config_from_model=0,
    )
    used = session.get_providers()
    absent = [name for name in settings.providers if ORT_NAMES[name] not in used]
    if absent:
        # onnxruntime only logs that a provider's libraries or its device are missing.
        raise ModelUnusable(
            f"the execution provider {', '.join(absent)} is in this build of onnxruntime and "
            "could not be started: its libraries or its device are missing; see "
            "MODEL_SERVER_EXECUTION_PROVIDERS"
        )
    return session


def _providers(
    available: list[str], settings: ExecutionSettings
) -> list[tuple[str, dict[str, str]]]:
    missing = [name for name in settings.providers if ORT_NAMES[name] not in available]
    if missing:
        known = ", ".join(name for name, ort_name in ORT_NAMES.items() if ort_name in available)
        bring = "; ".join(f"{name} comes with {PACKAGES[name]}" for name in missing)
        raise ModelUnusable(
            f"this build of onnxruntime has no execution provider {', '.join(missing)}; it has "
            f"{known}; {bring}, installed in place of onnxruntime"
        )
    found: list[tuple[str, dict[str, str]]] = []
    for name in settings.providers:
        options: dict[str, str] = {}
        if settings.device_memory_mib is not None:
            limit = str(settings.device_memory_mib * 2**20)
            options = {
                key: value.format(bytes=limit) for key, value in DEVICE_MEMORY.get(name, {}).items()
            }
        found.append((ORT_NAMES[name], options | settings.provider_options.get(name, {})))
    return found


def _options(ort: Any, threads: int, settings: ExecutionSettings) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    options.graph_optimization_level = {
        "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }[settings.graph_optimization]
    options.enable_cpu_mem_arena = settings.memory_arena
    # Whatever the file claims to be, it is read as ONNX, whose content was checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    spinning = not _has_quota() if settings.spinning is None else settings.spinning
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    return options


def _has_quota() -> bool:
    """Whether a cgroup allows fewer CPUs than there are.

    Time spent in busy waiting is then taken from the work itself.
    """
    try:
        return usable_cpus() < len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        return False

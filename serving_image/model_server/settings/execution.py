"""How models are run: on which hardware, with which limits.

Takes a `Reader`, gives a frozen `ExecutionSettings`. Must not import onnxruntime: whether a
provider is in the build is only known when a model is loaded.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from model_server.settings.reader import Reader

PROVIDERS = (
    "cpu", "cuda", "tensorrt", "rocm", "migraphx", "openvino", "coreml", "xnnpack",
)  # fmt: skip
"""Execution providers that can be asked for."""

OPTIMIZATIONS = ("none", "basic", "extended", "all")

MAX_MIB = 16 * 1024 * 1024
"""16 TiB: no machine has more, and a limit over it is a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Execution providers, session options and limits of every model."""

    providers: tuple[str, ...] = ("cpu",)
    """``MODEL_SERVER_EXECUTION_PROVIDERS``: what runs the model, the first that can run a node
    runs it; of cpu, cuda, tensorrt, rocm, migraphx, openvino, coreml, xnnpack. Default cpu.

    cpu is always there and comes last. One that is named must work, or the model is not loaded.
    """

    provider_options: dict[str, dict[str, str]] = field(default_factory=dict)
    """``MODEL_SERVER_PROVIDER_OPTIONS``: JSON such as ``{"cuda": {"device_id": 1}}``, names and
    values as onnxruntime documents them for each provider. Default none."""

    device_memory_mib: int | None = None
    """``MODEL_SERVER_DEVICE_MEMORY_MIB``: memory of the accelerator for one model, 1 to 16777216
    MiB. Default: all of it. For cuda, rocm and migraphx, whose arenas then grow by what is asked
    for and not by doubling."""

    model_memory_mib: int | None = None
    """``MODEL_SERVER_MODEL_MEMORY_MIB``: memory of all models together, 1 to 16777216 MiB.

    Default: no limit for one model; 80 % of the container's memory with several.
    """

    graph_optimization: str = "all"
    """``MODEL_SERVER_GRAPH_OPTIMIZATION``: none, basic, extended or all. Default all."""

    spinning: bool | None = None
    """``MODEL_SERVER_SPINNING``: whether threads of a model wait busily for their next task, which
    is quicker and burns CPU. Default: where no CPU quota is in force."""

    memory_arena: bool = True
    """``MODEL_SERVER_MEMORY_ARENA``: keep memory between runs, which is quicker; off, it is given
    back after each. Default true."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; what is wrong with them is in the reader's problems."""
        providers = reader.words("MODEL_SERVER_EXECUTION_PROVIDERS", ("cpu",))
        providers = tuple(dict.fromkeys(name.lower() for name in providers))
        for name in providers:
            if name not in PROVIDERS:
                reader.problems.append(
                    f"MODEL_SERVER_EXECUTION_PROVIDERS names {name!r}; it takes some of "
                    f"{', '.join(PROVIDERS)}"
                )
        return cls(
            # cpu runs what no other can, so it is never before another.
            providers=(*(name for name in providers if name != "cpu"), "cpu"),
            provider_options=_options(reader),
            device_memory_mib=reader.optional_number(
                "MODEL_SERVER_DEVICE_MEMORY_MIB", int, 1, MAX_MIB
            ),
            model_memory_mib=reader.optional_number(
                "MODEL_SERVER_MODEL_MEMORY_MIB", int, 1, MAX_MIB
            ),
            graph_optimization=reader.choice(
                "MODEL_SERVER_GRAPH_OPTIMIZATION", OPTIMIZATIONS, "all"
            ),
            spinning=(
                None
                if reader.text("MODEL_SERVER_SPINNING") is None
                else reader.flag("MODEL_SERVER_SPINNING", default=True)
            ),
            memory_arena=reader.flag("MODEL_SERVER_MEMORY_ARENA", default=True),
        )


def _options(reader: Reader) -> dict[str, dict[str, str]]:
    name = "MODEL_SERVER_PROVIDER_OPTIONS"
    text = reader.text(name)
    if text is None:
        return {}
    try:
        given: Any = json.loads(text)
    except ValueError as error:
        reader.problems.append(f"{name} is no JSON: {error}")
        return {}
    if not isinstance(given, dict) or not all(isinstance(each, dict) for each in given.values()):
        reader.problems.append(f'{name} takes an object such as {{"cuda": {{"device_id": 1}}}}')
        return {}
    found: dict[str, dict[str, str]] = {}
    for provider, options in given.items():
        if provider not in PROVIDERS:
            reader.problems.append(
                f"{name} names {provider!r}; it takes some of {', '.join(PROVIDERS)}"
            )
        for key, value in options.items():
            if not isinstance(value, str | int | float):
                reader.problems.append(f"{name}: {provider}.{key} is no text, number or boolean")
        # onnxruntime takes texts, and means True and 1 differently in different providers.
        found[provider] = {key: _text(value) for key, value in options.items()}
    return found


def _text(value: object) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)

"""The servers that are compared: how each is started, and which request forms it takes.

Takes a model and ports, gives a command. Peers run at their defaults but for three things: one
onnxruntime thread (in their sources), no access log, and PyTriton's `max_batch_size`.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ours
from environments import PEERS, installed, python_library_folder
from models import Model

Progress = Callable[[str], None]

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "USER")
"""Of the environment; variables of Python or onnxruntime would change what is measured."""


@dataclass(frozen=True)
class Place:
    """Where one server runs."""

    folder: Path
    port: int
    grpc_port: int
    metrics_port: int


@dataclass(frozen=True)
class Launch:
    """What starts a server."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """What every request has to carry."""

    def whole_environment(self) -> dict[str, str]:
        """Give the environment of the process."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, **self.environment}


@dataclass(frozen=True)
class Server:
    """One server."""

    name: str
    title: str
    wires: Mapping[str, str]
    """Its request form (`wires.WIRES`, or grpc) by kind of cell: json, v2, binary, raw, grpc."""

    ready: str
    launch: Callable[[Model, Place, Progress], Launch]
    source: Path | None = None
    packages: tuple[str, ...] = ()
    """Packages whose versions matter, as in its requirements."""

    def versions(self) -> str:
        """Give its main packages with their versions."""
        path = PEERS / f"{self.name}.txt"
        if not path.is_file():
            return ""
        pins = dict(line.split("==") for line in path.read_text().splitlines() if "==" in line[:60])
        return ", ".join(f"{name} {pins[name]}" for name in self.packages)


def _python(name: str, progress: Progress) -> Path:
    return installed(name, PEERS / f"{name}.txt", progress)


def _fastapi(*mode: str) -> Callable[[Model, Place, Progress], Launch]:
    def launch(model: Model, place: Place, progress: Progress) -> Launch:
        source = PEERS / "fastapi_by_hand.py"
        python = _python("fastapi", progress)
        return Launch([str(python), str(source), str(model.path), str(place.port), *mode])

    return launch


def _kserve(model: Model, place: Place, progress: Progress) -> Launch:
    python = _python("kserve", progress)
    command = [str(python), str(PEERS / "kserve_model.py"), "--model_file", str(model.path)]
    command += ["--http_port", str(place.port), "--grpc_port", str(place.grpc_port)]
    return Launch(command)


def _triton(model: Model, place: Place, progress: Progress) -> Launch:
    python = _python("triton", progress)
    command = [str(python), str(PEERS / "triton_model.py"), str(model.path), str(place.port)]
    command += [str(place.grpc_port), str(place.metrics_port)]
    more = {
        # It looks for `python3` of its environment on the PATH.
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "LD_LIBRARY_PATH": python_library_folder(),
        "PYTRITON_HOME": str(place.folder / "pytriton"),
    }
    return Launch(command, more)


def _mlserver(model: Model, place: Place, progress: Progress) -> Launch:
    python = _python("mlserver", progress)
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": place.port,
        "grpc_port": place.grpc_port,
        "metrics_port": place.metrics_port,
        # Its default is one more process, which one core punishes.
        "parallel_workers": 0,
    }
    (place.folder / "settings.json").write_text(json.dumps(settings))
    described = {
        "name": "model",
        "implementation": "mlserver_model.OnnxRuntime",
        "parameters": {"uri": str(model.path)},
    }
    (place.folder / "model-settings.json").write_text(json.dumps(described))
    shutil.copy(PEERS / "mlserver_model.py", place.folder)
    return Launch([str(python.with_name("mlserver")), "start", str(place.folder)])


def _ours(*, full: bool) -> Callable[[Model, Place, Progress], Launch]:
    def launch(model: Model, place: Place, progress: Progress) -> Launch:
        settings = ours.Ports(place.port, place.grpc_port)
        environment = ours.prepare(model, place.folder, settings, full=full)
        return Launch(
            [str(ours.python(progress)), "-m", "model_server", "serve"],
            environment,
            ours.HEADERS if full else {},
        )

    return launch


_OUR_WIRES = {
    "json": "instances",
    "v2": "v2-json",
    "binary": "v2-binary",
    "raw": "raw",
}

READY = "/v2/models/model/ready"

SERVERS = {
    server.name: server
    for server in (
        Server(
            "ours",
            "model-server, all features on",
            {**_OUR_WIRES, "grpc": "grpc"},
            "/ping",
            _ours(full=True),
        ),
        Server("ours-bare", "model-server, defaults", _OUR_WIRES, "/ping", _ours(full=False)),
        Server(
            "fastapi",
            "FastAPI by hand",
            {"json": "instances"},
            "/ping",
            _fastapi(),
            PEERS / "fastapi_by_hand.py",
            ("fastapi", "pydantic", "uvicorn", "httptools", "uvloop", "onnxruntime", "numpy"),
        ),
        Server(
            "fastapi-async",
            "FastAPI by hand, async def",
            {"json": "instances"},
            "/ping",
            _fastapi("async"),
        ),
        Server(
            "kserve",
            "KServe Python server",
            {"json": "v2-json", "binary": "v2-binary", "grpc": "grpc"},
            READY,
            _kserve,
            PEERS / "kserve_model.py",
            ("kserve", "fastapi", "uvicorn", "grpcio", "onnxruntime", "numpy"),
        ),
        Server(
            "triton",
            "Triton (PyTriton, Python backend)",
            {"json": "v2-json", "binary": "v2-binary", "grpc": "grpc"},
            READY,
            _triton,
            PEERS / "triton_model.py",
            ("nvidia-pytriton", "onnxruntime", "numpy"),
        ),
        Server(
            "mlserver",
            "MLServer",
            {"json": "v2-json", "grpc": "grpc"},
            READY,
            _mlserver,
            PEERS / "mlserver_model.py",
            ("mlserver", "fastapi", "uvicorn", "grpcio", "onnxruntime", "numpy"),
        ),
    )
}

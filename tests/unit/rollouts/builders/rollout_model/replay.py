"""A trace with the real engine, real model servers and real requests: a scenario of a rehearsal.

Takes a trace and a folder, gives the scenario's file and, of a finished rehearsal, a `Step` for
each move and what broke the rules of rollouts on the way. Must not know what the model says.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from botocore.exceptions import ClientError
from onnx import TensorProto, helper, numpy_helper

from modelway.emulator.process import RunningEmulator
from modelway.rehearsal.emulator_client import client
from modelway.rehearsal.record import Event, Rehearsed, SentCall
from modelway.rehearsal.versions import BETWEEN
from rollout_model.trace import REST_SECONDS, VERSIONS, Move, Step, Trace, numbered

REQUESTS_PER_SECOND = 10
"""Of real time: ten a virtual minute."""

LOOK_SECONDS = 0.25
GRACE_SECONDS = 120
"""Virtual seconds after a fault in which clients may still see it: two seconds of real time."""

CLOCK_SECONDS = 10
"""Virtual seconds by which the times of requests and of events may be apart."""

SHARES = 1e-5
"""Weights of fleets are float32."""


def scenario_file(trace: Trace, folder: Path) -> Path:
    """Write the scenario, and the models of its versions."""
    for number, version in enumerate(VERSIONS):
        (folder / f"{version}.onnx").write_bytes(_model(number))
    ups = [_up(trace, number, folder) for number in range(len(trace.moves))]
    changes = [
        {
            "at": {"event": "step-started", "data": {"step": number}},
            "requests_per_second": REQUESTS_PER_SECOND if move.traffic else 0,
        }
        for number, move in enumerate(trace.moves, 1)
    ]
    first = {"name": "fraud", **trace.FIRST.spec, "model": _version(trace.FIRST, folder)}
    scenario = {
        "name": f"trace-{trace.seed}",
        # The first version is guarded by nothing: there is nothing to go back to.
        "spec": {**first, "rollout": {"timeout_seconds": 3600, "history": 2}},
        "traffic": {"requests_per_second": REQUESTS_PER_SECOND, "changes": changes},
        "change": ups[0],
        "then": ups[1:],
        "expect": {"nothing_left": True},
    }
    path = folder / "trace.yaml"
    path.write_text(yaml.safe_dump(scenario))
    return path


def steps(done: Rehearsed) -> list[Step]:
    """Give what came of each move."""
    live = [record.config_after for record in done.ups]
    # A state that nobody looked at is that of an engine that was stopped: the one before.
    targets: list[tuple[str, ...]] = []
    for record in done.ups:
        targets.append(record.state.targets if record.state is not None else targets[-1])
    named = numbered(live, targets)
    return [
        Step(record.outcome, now, others)
        for record, (now, others) in zip(done.ups, named, strict=True)
    ][1:]


class Watch:
    """Looks at AWS's side all the time while a rehearsal runs."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.looks = 0
        self._has_target = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def event(self, event: Event) -> None:
        """Take note of what the emulator tells."""
        if event.kind == "promoted":
            self._has_target = True

    def begin(self, emulator: RunningEmulator) -> None:
        """Look from now on."""
        sagemaker = client(emulator, "sagemaker")
        self._thread = threading.Thread(target=self._watch, args=(sagemaker,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, sagemaker: Any) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            has_target = self._has_target
            try:
                found = list(_rules(sagemaker, has_target))
            except ClientError as error:
                # A fault of AWS's calls is for everyone.
                if "Rate exceeded" not in str(error):
                    self.broken.append(str(error))
                continue
            self.looks += 1
            self.broken += found


def broken_rules(trace: Trace, done: Rehearsed) -> list[str]:
    """Give what broke the rules, by the events and the answers of one rehearsal."""
    return [
        *_unexplained_errors(done),
        *_wrong_shares(done.events),
        *_promoted_without_data(trace, done),
        *_old_answers(trace, done),
    ]


def _rules(sagemaker: Any, has_target: bool) -> Iterator[str]:
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    if len(endpoints) != 1:
        if len(endpoints) > 1:
            yield f"there are {len(endpoints)} endpoints"
        return
    live = sagemaker.describe_endpoint(EndpointName=endpoints[0]["EndpointName"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=live["EndpointConfigName"])
    for variant in config["ProductionVariants"]:
        sagemaker.describe_model(ModelName=variant["ModelName"])
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    if has_target and len(configs) < 2:
        yield "no roll-back target is left"


def _unexplained_errors(done: Rehearsed) -> Iterator[str]:
    faults: list[list[float]] = []
    for event in done.events:
        if event.kind == "fault" and event.data["action"] == "begins":
            faults.append([event.at, done.ended])
        elif event.kind == "fault":
            # Faults of one rehearsal do not overlap.
            faults[-1][1] = event.at + GRACE_SECONDS
    for sent in done.calls:
        explained = any(
            begun - CLOCK_SECONDS <= sent.sent <= ended + CLOCK_SECONDS for begun, ended in faults
        )
        if sent.call.error and not explained:
            yield f"{sent.call.error} at {sent.sent - done.began:.0f} s, and no fault explains it"


def _wrong_shares(events: Sequence[Event]) -> Iterator[str]:
    live, wanted = "", ""
    for event in events:
        if event.kind == "update-started":
            wanted = event.data["config"]
        elif event.kind == "promoted":
            if event.data["config"] != wanted:
                yield f"promoted {event.data['config']}, {wanted} was wanted"
            live = wanted
        elif event.kind == "rolled-back" and live and event.data["config"] != live:
            yield f"went back to {event.data['config']}, {live} had served"
        elif event.kind == "traffic":
            shares = event.data["shares"]
            live = live or next(iter(shares))
            if abs(sum(shares.values()) - 1) > SHARES or not set(shares) <= {live, wanted}:
                yield f"traffic went to {shares}; {live} serves and {wanted} is wanted"


def _promotions(trace: Trace, done: Rehearsed) -> Iterator[tuple[str, float, float, float]]:
    """Give each promotion: its version, when its bake began, when it was, and until when alone."""
    versions: dict[str, str] = {}
    for record, move in zip(done.ups[1:], trace.moves, strict=True):
        begun = [event for event in record.events if event.kind == "update-started"]
        versions |= {event.data["config"]: move.version for event in begun}
    began = 0.0
    for number, event in enumerate(done.events):
        following = done.events[number + 1 :]
        if event.kind == "update-started":
            began = next((e.at for e in following if e.kind == "bake-started"), done.ended)
        if event.kind == "promoted":
            updates = (e.at for e in following if e.kind == "update-started")
            version = versions[event.data["config"]]
            yield version, began, event.at, next(updates, done.ended)


def _promoted_without_data(trace: Trace, done: Rehearsed) -> Iterator[str]:
    for version, began, promoted, _until in _promotions(trace, done):
        if not any(
            began - CLOCK_SECONDS <= sent.sent <= promoted and _answered(sent, version)
            for sent in done.calls
        ):
            yield f"{version} was promoted, and its new fleet had answered nothing"


def _old_answers(trace: Trace, done: Rehearsed) -> Iterator[str]:
    """Give answers of another version while one has all traffic."""
    for version, _began, promoted, until in _promotions(trace, done):
        for sent in done.calls:
            meanwhile = promoted + CLOCK_SECONDS < sent.sent < until - CLOCK_SECONDS
            if meanwhile and not sent.call.error and not _answered(sent, version):
                yield f"answered by {sent.call.version} after {version} had been promoted"


def _answered(sent: SentCall, version: str) -> bool:
    return not sent.call.error and version in sent.call.version.split(BETWEEN)


def _up(trace: Trace, number: int, folder: Path) -> dict[str, Any]:
    move = trace.moves[number]
    up: dict[str, Any] = {
        "title": move.title,
        "back": True,
        "set": {**move.spec, "model": _version(move, folder)},
        "begin": {"event": "step-started", "after_seconds": REST_SECONDS},
        "repair": trace.finishes(number),
    }
    if move.fault is not None:
        up["faults"] = [{**move.fault, "at": {"event": move.at}}]
    if move.stop is not None:
        up["interrupt"] = {"signal": move.stop, "at": {"event": move.at}}
    return up


def _version(move: Move, folder: Path) -> dict[str, str]:
    return {"path": str(folder / f"{move.version}.onnx"), "version": move.version}


def _model(number: int) -> bytes:
    """Build a model that answers a row of four numbers with its mean, and with its own number."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["score"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["score", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "number"], ["version"]),
    ]
    graph = helper.make_graph(
        nodes,
        "traced",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("version", TensorProto.FLOAT, ["batch"]),
        ],
        [
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array(number, np.float32), "number"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)

"""Ids, chosen outputs, forms of answers, metadata and health."""

from conformance.case import ALL, Case, Form, Level, Target, answered, sample
from conformance.outcome import Ask, Outcome, ProtocolError
from conformance.rest import LENGTH, binary_parts, error_of, must
from conformance.round_trip import EVERY, check_three, three
from conformance.tensors import DATATYPES

AREA = "protocol"
OVER_REST = (Form.NESTED,)
OVER_GRPC = (Form.RAW,)


def cases() -> list[Case]:
    """Give the cases of this area."""
    return [
        Case(AREA, "an id comes back", _id, applies=_echoes),
        Case(AREA, "an id of odd characters comes back", _odd_id, applies=_echoes),
        Case(AREA, "the answer names the model", _name, applies=_echoes),
        Case(AREA, "chosen outputs are given, in the order asked", _chosen, ALL, applies=_many),
        Case(AREA, "each output is bytes or JSON as it was asked", _each, (Form.BINARY,),
             applies=_many),
        Case(AREA, "bytes for all outputs may be unsaid for one", _all_but_one, (Form.BINARY,),
             applies=_many),
        Case(AREA, "outputs are JSON where nothing is said", _no_bytes, (Form.BINARY,),
             applies=_many),
        Case(AREA, "the server tells its name and extensions", _rest_server, OVER_REST),
        Case(AREA, "the server is live and ready", _rest_health, OVER_REST),
        Case(AREA, "the model is ready", _rest_model_ready, OVER_REST),
        Case(AREA, "the model tells its tensors", _rest_model, OVER_REST),
        Case(AREA, "the versions that are told can be asked for", _rest_versions, OVER_REST),
        Case(AREA, "unknown models are not found", _rest_unknown, OVER_REST, Level.SHOULD),
        Case(AREA, "another method is refused with 405", _method, OVER_REST, Level.SHOULD),
        Case(AREA, "the server tells its name and extensions", _grpc_server, OVER_GRPC),
        Case(AREA, "the server and the model are live and ready", _grpc_health, OVER_GRPC),
        Case(AREA, "the model tells its tensors", _grpc_model, OVER_GRPC),
        Case(AREA, "unknown models are not found", _grpc_unknown, OVER_GRPC, Level.SHOULD),
    ]  # fmt: skip


def _echoes(target: Target) -> bool:
    return target.echoes and target.datatype != "FP16"


def _many(target: Target) -> bool:
    return not target.echoes


def _id(target: Target, form: Form) -> None:
    for given in ("42", ""):
        outcome = answered(target.send(form, Ask((sample(target.datatype),), id=given)))
        if given and outcome.id != given:
            raise ProtocolError(f"the id was {given!r}, and {outcome.id!r} came back")


def _odd_id(target: Target, form: Form) -> None:
    given = 'a "b" \\ [c] {d} \n é € \U0001f40d'
    outcome = answered(target.send(form, Ask((sample(target.datatype),), id=given)))
    must(outcome.id == given, f"the id was {given!r}, and {outcome.id!r} came back")


def _name(target: Target, form: Form) -> None:
    outcome = answered(target.send(form, Ask((sample(target.datatype),))))
    must(outcome.model == target.model, f"the answer names {outcome.model!r}")


def _chosen(target: Target, form: Form) -> None:
    for names in ("sums",), ("c_out", "a_out"), EVERY[::-1]:
        check_three(target.send(form, Ask(three(), outputs=names)), names)


def _asked(target: Target, outputs: dict[str, bool | None], whole: bool | None) -> Outcome:
    """Ask for outputs as bytes or not; None: nothing is said."""
    import json

    assert target.rest is not None  # the forms are REST's
    head, data = binary_parts(Ask(three()), {})
    document = json.loads(head)
    document["outputs"] = [
        {"name": name} if binary is None else {"name": name, "parameters": {"binary_data": binary}}
        for name, binary in outputs.items()
    ]
    if whole is not None:
        document["parameters"] = {"binary_data_output": whole}
    head = json.dumps(document).encode()
    outcome = target.rest.post(head + data, str(len(head)))
    check_three(outcome, tuple(outputs))
    return outcome


def _is_binary(outcome: Outcome) -> dict[str, bool]:
    import json

    reply = outcome.detail
    length = reply.headers.get(LENGTH)
    answer = json.loads(reply.body if length is None else reply.body[: int(length)])
    return {item["name"]: "data" not in item for item in answer["outputs"]}


def _each(target: Target, form: Form) -> None:
    outcome = _asked(target, {"a_out": True, "b_out": False, "c_out": True, "sums": None}, None)
    must(
        _is_binary(outcome) == {"a_out": True, "b_out": False, "c_out": True, "sums": False},
        "outputs are not in the form that was asked for",
    )


def _all_but_one(target: Target, form: Form) -> None:
    outcome = _asked(target, {"a_out": None, "b_out": False, "sums": True}, True)
    must(
        _is_binary(outcome) == {"a_out": True, "b_out": False, "sums": True},
        "outputs are not in the form that was asked for",
    )


def _no_bytes(target: Target, form: Form) -> None:
    for whole in (None, False):
        outcome = _asked(target, {"a_out": None, "sums": None}, whole)
        must(not any(_is_binary(outcome).values()), "outputs are bytes that nobody asked for")
        must(LENGTH not in outcome.detail.headers, "an answer of JSON alone has a JSON part")


def _rest_server(target: Target, form: Form) -> None:
    assert target.rest is not None  # the form is REST's
    reply = target.rest.get("/v2")
    must(reply.status == 200, f"GET /v2 gives {reply.status}")
    answer = reply.json()
    for name in ("name", "version"):
        must(isinstance(answer.get(name), str), f"the server's metadata has no {name}")
    extensions = answer.get("extensions")
    must(
        isinstance(extensions, list) and all(isinstance(name, str) for name in extensions),
        "the server's metadata has no extensions",
    )


def _rest_health(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    for path in ("/v2/health/live", "/v2/health/ready"):
        must(target.rest.get(path).status == 200, f"GET {path} is not 200")


def _rest_model_ready(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    reply = target.rest.get(target.rest.path(tail="/ready"))
    must(reply.status == 200, f"the model's readiness gives {reply.status}")


def _rest_model(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    reply = target.rest.get(target.rest.path())
    must(reply.status == 200, f"the model's metadata gives {reply.status}")
    answer = reply.json()
    must(answer.get("name") == target.model, f"the model's metadata names {answer.get('name')!r}")
    must(isinstance(answer.get("platform"), str), "the model's metadata has no platform")
    told = {
        side: [(item["name"], item["datatype"], item["shape"]) for item in answer[side]]
        for side in ("inputs", "outputs")
    }
    must(told == _tensors(target), f"the model's metadata tells {told}")


def _tensors(target: Target) -> dict[str, list[tuple[str, str, list[int]]]]:
    if target.echoes:
        return {
            "inputs": [("x", target.datatype, [-1, -1])],
            "outputs": [("y", target.datatype, [-1, -1])],
        }
    own = [("a", "FP32", [-1, 2]), ("b", "INT64", [-1]), ("c", "BYTES", [-1, -1])]
    given = [(f"{name}_out", datatype, shape) for name, datatype, shape in own]
    return {"inputs": own, "outputs": [*given, ("sums", "FP32", [-1])]}


def _rest_versions(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    versions = target.rest.get(target.rest.path()).json().get("versions", [])
    for version in versions:
        ask = Ask((), version=version)
        must(target.rest.get(target.rest.path(ask)).status == 200, f"no metadata of {version}")
        ready = target.rest.get(target.rest.path(ask, "/ready"))
        must(ready.status == 200, f"version {version} is not ready")


def _rest_unknown(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    for path in ("/v2/models/nothing", "/v2/models/nothing/ready", "/v2/nothing"):
        reply = target.rest.get(path)
        must(reply.status == 404, f"GET {path} gives {reply.status}")
        error_of(reply)


def _method(target: Target, form: Form) -> None:
    assert target.rest is not None  # as above
    for method, path in ("GET", target.rest.path(tail="/infer")), ("POST", "/v2/health/live"):
        reply = target.rest.send(method, path, b"" if method == "POST" else None, {})
        must(reply.status == 405, f"{method} {path} gives {reply.status}")


def _grpc_server(target: Target, form: Form) -> None:
    assert target.grpc is not None  # the form is gRPC's
    answer = target.grpc.call("ServerMetadata", target.grpc.messages["ServerMetadataRequest"]())
    must(not isinstance(answer, Outcome) and answer.name, "the server's metadata has no name")
    must(answer.version, "the server's metadata has no version")


def _grpc_health(target: Target, form: Form) -> None:
    grpc = target.grpc
    assert grpc is not None  # as above
    live = grpc.call("ServerLive", grpc.messages["ServerLiveRequest"]())
    must(not isinstance(live, Outcome) and live.live, "the server is not live")
    ready = grpc.call("ServerReady", grpc.messages["ServerReadyRequest"]())
    must(not isinstance(ready, Outcome) and ready.ready, "the server is not ready")
    model = grpc.call("ModelReady", grpc.messages["ModelReadyRequest"](name=target.model))
    must(not isinstance(model, Outcome) and model.ready, "the model is not ready")


def _grpc_model(target: Target, form: Form) -> None:
    grpc = target.grpc
    assert grpc is not None  # as above
    answer = grpc.call("ModelMetadata", grpc.messages["ModelMetadataRequest"](name=target.model))
    must(not isinstance(answer, Outcome), f"the model's metadata gives {answer}")
    must(answer.name == target.model, f"the model's metadata names {answer.name!r}")
    told = {
        side: [
            (item.name, item.datatype, [int(length) for length in item.shape])
            for item in getattr(answer, side)
        ]
        for side in ("inputs", "outputs")
    }
    must(told == _tensors(target), f"the model's metadata tells {told}")
    must(all(kind in DATATYPES for _, kind, _ in told["inputs"]), "a datatype is none")


def _grpc_unknown(target: Target, form: Form) -> None:
    grpc = target.grpc
    assert grpc is not None  # as above
    for method in ("ModelMetadata", "ModelReady"):
        answer = grpc.call(method, grpc.messages[f"{method}Request"](name="nothing"))
        if method == "ModelReady" and not isinstance(answer, Outcome):
            must(not answer.ready, "a model that there is not is ready")
            continue
        must(
            isinstance(answer, Outcome) and answer.code == "NOT_FOUND",
            f"{method} of a model that there is not gives {answer}",
        )

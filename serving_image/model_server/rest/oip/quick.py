"""JSON requests for models of numbers, without a Python object for each number.

Takes a body, gives the `InferCall` that `document` would give, or None: then `document` reads it,
and tells what is wrong if anything is. A request comes here with tensors as lists of numbers,
flat or nested as the shape says. Anything else, and anything that two JSON parsers may see
differently (a member given twice, a byte order mark), is left to `document`.
"""

from typing import Any

import simdjson

from model_server.core.tensors import Array
from model_server.rest.json_numbers import FAULTS, holds_lists, lists_of, numbers, parse
from model_server.rest.oip.call import InferCall, Parameters
from model_server.rest.oip.plan import Plan, elements
from model_server.rest.oip.wanted import outputs_of, parameters_of, request_path

OPENING = ord("{")

MEMBERS = frozenset({"id", "inputs", "outputs", "parameters"})
"""What most requests have; `document` knows others."""


def read_quickly(body: bytes, plan: Plan) -> InferCall | None:
    """Read a request, or give None where `document` has to."""
    if not body or body[0] != OPENING:
        return None
    try:
        return _call(parse(body), body, plan)
    except FAULTS:
        return None


def _call(document: Any, body: bytes, plan: Plan) -> InferCall | None:
    # Asking simdjson for a member that is not there costs 4 microseconds, listing them 0.2.
    members = frozenset(document)
    if len(members) != len(document) or not members <= MEMBERS:
        return None
    identity = document["id"] if "id" in members else None
    if identity is not None and type(identity) is not str:
        return None
    problems: list[str] = []
    parameters: Parameters = {}
    if "parameters" in members:
        given = {"parameters": document["parameters"].as_dict()}
        parameters = parameters_of(given, request_path, 0, problems)
    wanted = document["outputs"].as_list() if "outputs" in members else None
    outputs, binary = outputs_of(wanted, parameters, plan, problems)
    lists = 1 if wanted is None else 2
    arrays: dict[str, Array] = {}
    for item in document["inputs"]:
        inside = _input(item, plan, arrays)
        if inside == 0:
            return None
        lists += inside
    if problems or not arrays or not holds_lists(body, lists):
        return None
    return InferCall(identity, arrays, outputs, binary, parameters)


def _input(item: Any, plan: Plan, arrays: dict[str, Array]) -> int:
    """Read one input; gives the number of lists in it, 0 where `document` has to read it."""
    name = item["name"]
    own = plan.inputs.get(name)
    if own is None or name in arrays or len(item) != 4 or item["datatype"] != own.datatype:
        return 0
    shape = item["shape"].as_list()
    if len(shape) != own.rank:
        return 0
    for length in shape:
        if type(length) is not int or length < 1:
            return 0
    values = item["data"]
    lists = 1
    if own.rank > 1 and type(values[0]) is simdjson.Array:
        lists = lists_of(values, shape)
        if lists == 0:
            return 0
    flat = numbers(values, own.dtype)
    # The number of elements is worked out in Python, whose integers do not overflow.
    if flat is None or flat.size != elements(shape):
        return 0
    arrays[name] = flat.reshape(shape)
    return lists + 1

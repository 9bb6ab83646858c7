"""What a request wants back: its outputs, and parameters, which everything in a request may have.

Takes parts of a parsed request, gives checked values, and adds to a list of problems what is wrong.
Must not look at tensors.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from model_server.rest.nested import ENOUGH_PROBLEMS, describe
from model_server.rest.oip.call import Parameters
from model_server.rest.oip.plan import Plan

OUTPUT_MEMBERS = frozenset({"name", "parameters"})

NO_BINARY: frozenset[str] = frozenset()

At = Callable[[int], str]
"""Gives the path of one of several, for a message; not worked out before there is one."""


def parameters_of(holder: dict[str, Any], at: At, number: int, problems: list[str]) -> Parameters:
    """Give the parameters of a request, an input or an output."""
    given = holder.get("parameters")
    if given is None:
        return {}
    if type(given) is not dict:
        problems.append(f"{at(number)}parameters is {describe(given)}; it must be an object")
        return {}
    for name, value in given.items():
        if len(problems) >= ENOUGH_PROBLEMS:
            break
        if type(value) is list or type(value) is dict:
            problems.append(
                f"{at(number)}parameters.{name} is {describe(value)}; "
                "a parameter is text, a number or a boolean"
            )
    return given


def outputs_of(
    wanted: Any, parameters: Parameters, plan: Plan, problems: list[str]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Give the names of the outputs wanted, and of those wanted as bytes."""
    all_binary = _flag(parameters, "binary_data_output", request_path, 0, problems)
    if wanted is None or wanted == []:
        if not plan.names:
            problems.append("none of this model's outputs is a tensor")
        return plan.names, frozenset(plan.names) if all_binary else NO_BINARY
    if type(wanted) is not list:
        problems.append(f"outputs is {describe(wanted)}; it must be a list of objects")
        return (), NO_BINARY
    names: dict[str, bool] = {}
    for number, item in enumerate(wanted):
        if len(problems) >= ENOUGH_PROBLEMS:
            break
        if type(item) is dict:
            _wanted(item, number, all_binary, plan, names, problems)
        else:
            problems.append(
                f"outputs[{number}] is {describe(item)}; it must be an object with 'name'"
            )
    return tuple(names), frozenset([name for name, binary in names.items() if binary])


def _wanted(
    item: dict[str, Any],
    number: int,
    all_binary: bool,
    plan: Plan,
    names: dict[str, bool],
    problems: list[str],
) -> None:
    """Note one output that a request wants, and whether as bytes."""
    if not item.keys() <= OUTPUT_MEMBERS:
        other = (name for name in item if name not in OUTPUT_MEMBERS)
        problems += [
            f"outputs[{number}].{name} is no member of a requested output"
            for name in islice(other, ENOUGH_PROBLEMS)
        ]
    own = parameters_of(item, _output_path, number, problems)
    if "classification" in own:
        problems.append(f"outputs[{number}].parameters.classification is not supported")
    name = item.get("name")
    if type(name) is not str:
        problems.append(f"outputs[{number}].name is {describe(name)}; it must be text")
    elif name not in plan.outputs:
        problems.append(f"outputs[{number}].name is {name!r}; {_tensors(plan)}")
    elif name in names:
        problems.append(f"outputs[{number}] asks for {name!r} again")
    elif own.get("binary_data") is None:
        names[name] = all_binary
    else:
        names[name] = _flag(own, "binary_data", _output_path, number, problems)


def _tensors(plan: Plan) -> str:
    names = ", ".join(map(repr, plan.names))
    if len(plan.names) == len(plan.contract.outputs):
        return f"this model has {names}"
    return f"this model has {names or 'none'}, leaving out what is no tensor"


def _flag(parameters: Parameters, name: str, at: At, number: int, problems: list[str]) -> bool:
    value = parameters.get(name)
    if value is None or type(value) is bool:
        return bool(value)
    problems.append(f"{at(number)}parameters.{name} is {describe(value)}; it must be true or false")
    return False


def request_path(_number: int) -> str:
    """Give what stands before a member of the request itself."""
    return ""


def _output_path(number: int) -> str:
    return f"outputs[{number}]."

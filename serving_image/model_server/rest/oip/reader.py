"""The body of an inference request into an `InferCall`.

Takes a body and, with the binary tensor extension, the length of its JSON part; gives the call, or
one error with every problem. Memory is used for what a body holds, never for what it claims.
"""

from typing import TYPE_CHECKING

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract
from model_server.rest.json_text import MAX_DEPTH, deeper_than, too_deep
from model_server.rest.json_text import parse as parse_text
from model_server.rest.oip.call import InferCall
from model_server.rest.oip.document import read_document
from model_server.rest.oip.layout import recall, remember
from model_server.rest.oip.plan import Plan, plan_of
from model_server.rest.oip.quick import read_quickly

if TYPE_CHECKING:
    from model_server.core.rules import InputRules

MAX_DIGITS = 19
"""Digits of the largest signed 64-bit integer: more are out of range for every server."""


def json_length(given: str | None, source: str) -> int | None:
    """Give the length of the JSON part that a caller announced, or None where it did not.

    Args:
        given: the value as it came.
        source: where it came from, for the message.

    Raises:
        InvalidInput: it is no length.
    """
    if given is None:
        return None
    # int() would take signs, spaces and underscores as well.
    if not given.isascii() or not given.isdigit() or len(given) > MAX_DIGITS:
        raise InvalidInput(
            f"{source} is {given[:40]!r}; it must be the length of the JSON part in bytes"
        )
    return int(given)


def read_infer(
    body: bytes,
    header_length: int | None,
    contract: Contract,
    rules: "InputRules | None" = None,
) -> InferCall:
    """Read a request.

    Args:
        body: the whole body.
        header_length: length of its JSON part in bytes; None: all of it.
        contract: of the model that is asked.
        rules: of the model, which say what a null is; without them there is none.

    Raises:
        InvalidInput: with everything that is wrong with it.
    """
    plan = plan_of(contract)
    if header_length is None:
        call = read_quickly(body, plan) if plan.quick else None
        return _read(body, body, plan, rules) if call is None else call
    if header_length > len(body):
        raise InvalidInput(
            f"the JSON part is said to have {header_length} bytes, and the body has {len(body)}"
        )
    header = body[:header_length]
    call = recall(header, body, plan)
    if call is None:
        call = _read(header, body, plan, rules)
        remember(header, body, call, plan)
    return call


def _read(header: bytes, body: bytes, plan: Plan, rules: "InputRules | None") -> InferCall:
    document = parse_text(header)
    try:
        return read_document(document, body, len(header), plan, rules)
    except InvalidInput:
        # Nothing in the protocol nests deeply; the depth is only the better explanation.
        if deeper_than(header, MAX_DEPTH):
            raise too_deep() from None
        raise

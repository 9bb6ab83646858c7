"""The protocol over REST: requests in each form, answers checked against its schema."""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from conformance.outcome import OK, Ask, Outcome, ProtocolError
from conformance.tensors import DATATYPES, Tensor, from_json, from_raw

LENGTH = "inference-header-content-length"

CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "RESOURCE_EXHAUSTED",
    422: "INVALID_ARGUMENT",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Give its JSON, strictly: NaN and Infinity are none."""
        return strict(self.body)


Send = Callable[[str, str, bytes | None, Mapping[str, str]], Reply]
"""Sends a method, a path, a body and headers."""


def strict(text: bytes) -> Any:
    """Parse JSON as RFC 8259 has it.

    Raises:
        ProtocolError: it is none.
    """

    def refuse(name: str) -> None:
        raise ProtocolError(f"{name} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise ProtocolError(f"the body is not JSON: {error}") from None


def sender(url: str, headers: Mapping[str, str]) -> Send:
    """Give a way to send to a server, each request over a connection of its own."""
    target = urlsplit(url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection

    def send(method: str, path: str, body: bytes | None, own: Mapping[str, str]) -> Reply:
        connection = kind(target.hostname or "", target.port, timeout=30)
        try:
            connection.request(method, path, body, {**headers, **own})
            answer = connection.getresponse()
            named = {key.lower(): value for key, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read())
        finally:
            connection.close()

    return send


class Rest:
    """A server's REST side, and the model that is tested."""

    def __init__(self, send: Send, model: str) -> None:
        self.send = send
        self.model = model

    def path(self, ask: Ask | None = None, tail: str = "") -> str:
        """Give a path of the model, or of the one that is asked."""
        name = self.model if ask is None or not ask.model else ask.model
        path = f"/v2/models/{quote(name, safe='')}"
        if ask is not None and ask.version:
            path += f"/versions/{quote(ask.version, safe='')}"
        return path + tail

    def get(self, path: str) -> Reply:
        """Ask for something."""
        return self.send("GET", path, None, {})

    def post(
        self,
        body: bytes,
        length: str | None = None,
        ask: Ask | None = None,
        content_type: str = "application/json",
    ) -> Outcome:
        """Send an inference as it is."""
        headers = {"content-type": content_type}
        if length is not None:
            headers["Inference-Header-Content-Length"] = length
        return read(self.send("POST", self.path(ask, "/infer"), body, headers), ask)

    def nested(self, ask: Ask) -> Outcome:
        """Send an inference with nested lists."""
        return self.post(dump(ask, lambda tensor: {"data": tensor.nested()}), ask=ask)

    def flat(self, ask: Ask) -> Outcome:
        """Send an inference with flat lists."""
        return self.post(dump(ask, lambda tensor: {"data": tensor.flat()}), ask=ask)

    def binary(self, ask: Ask) -> Outcome:
        """Send an inference with bytes, and have bytes sent back."""
        head, data = binary_parts(ask, {"binary_data_output": True})
        return self.post(head + data, str(len(head)), ask, "application/octet-stream")


def document(ask: Ask, values: Callable[[Tensor], dict[str, Any]]) -> dict[str, Any]:
    """Give an inference's JSON."""
    inputs = [
        {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
        | values(tensor)
        for tensor in ask.inputs
    ]
    made: dict[str, Any] = {"inputs": inputs}
    if ask.id:
        made["id"] = ask.id
    if ask.outputs:
        made["outputs"] = [{"name": name} for name in ask.outputs]
    return made


def dump(ask: Ask, values: Callable[[Tensor], dict[str, Any]]) -> bytes:
    """Give an inference's JSON as text."""
    return json.dumps(document(ask, values), allow_nan=False).encode()


def binary_parts(ask: Ask, parameters: dict[str, Any]) -> tuple[bytes, bytes]:
    """Give an inference's JSON part, and the bytes of its tensors."""
    made = document(ask, lambda tensor: {"parameters": {"binary_data_size": len(tensor.raw())}})
    if parameters:
        made["parameters"] = parameters
    return json.dumps(made).encode(), b"".join(tensor.raw() for tensor in ask.inputs)


def read(reply: Reply, ask: Ask | None) -> Outcome:
    """Read the answer to an inference.

    Raises:
        ProtocolError: it breaks the protocol's schema.
    """
    if reply.status != 200:
        return Outcome(
            CODES.get(reply.status, f"HTTP {reply.status}"), error=error_of(reply), detail=reply
        )
    length = reply.headers.get(LENGTH)
    end = len(reply.body) if length is None else int(length)
    answer = strict(reply.body[:end])
    must(isinstance(answer, dict), "the answer is no object")
    must(isinstance(answer.get("model_name"), str), "the answer has no model_name")
    for name in ("model_version", "id"):
        must(isinstance(answer.get(name, ""), str), f"the answer's {name} is no text")
    must(isinstance(answer.get("parameters", {}), dict), "the answer's parameters is no object")
    must(isinstance(answer.get("outputs"), list), "the answer has no outputs")
    if ask is not None and not ask.id:
        must(not answer.get("id") or isinstance(answer["id"], str), "the answer's id is no text")
    outputs = []
    position = end
    for item in answer["outputs"]:
        tensor, position = _output(item, reply.body, position)
        outputs.append(tensor)
    must(position == len(reply.body), "bytes are left over behind the last output")
    return Outcome(OK, tuple(outputs), answer.get("id", ""), answer["model_name"], detail=reply)


def _output(item: Any, body: bytes, position: int) -> tuple[Tensor, int]:
    must(isinstance(item, dict), "an output is no object")
    must(isinstance(item.get("name"), str), "an output has no name")
    name = item["name"]
    must(item.get("datatype") in DATATYPES, f"output {name!r} has no datatype of the protocol")
    shape = item.get("shape")
    must(
        isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape),
        f"output {name!r} has no shape",
    )
    size = item.get("parameters", {}).get("binary_data_size")
    if size is None:
        must(isinstance(item.get("data"), list), f"output {name!r} has no data")
        return from_json(name, item["datatype"], shape, item["data"]), position
    must("data" not in item, f"output {name!r} has both data and bytes")
    data = body[position : position + size]
    must(len(data) == size, f"output {name!r} is cut off")
    return from_raw(name, item["datatype"], shape, data), position + size


def error_of(reply: Reply) -> str:
    """Give the text of an error.

    Raises:
        ProtocolError: it has none.
    """
    answer = strict(reply.body)
    must(
        isinstance(answer, dict) and isinstance(answer.get("error"), str) and answer["error"],
        "an error has no text under 'error'",
    )
    return answer["error"]


def must(holds: Any, otherwise: str) -> None:
    """Insist on a rule of the protocol.

    Raises:
        ProtocolError: it does not hold.
    """
    if not holds:
        raise ProtocolError(otherwise)

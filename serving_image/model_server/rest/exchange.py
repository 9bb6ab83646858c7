"""The formats of one request: what its body is in, and what its answer will be in.

Takes Content-Type, Content-Encoding and Accept beside the model's contract, gives an `Exchange`
or the error that says which formats there are. All of this is settled before a model runs, so
that no answer is computed that cannot be sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec, Value
from model_server.rest.codecs import (
    CODECS,
    BinaryTensorsCodec,
    Decoded,
    DescribingCodec,
    Format,
)
from model_server.rest.errors import NotAcceptable, UnsupportedMediaType
from model_server.rest.media import MediaType, parse_accept, parse_content_type

if TYPE_CHECKING:
    from model_server.core.model import Model

NAMES = ", ".join(codec.media_type for codec in CODECS)

ANSWERS = tuple(codec for codec in CODECS if not isinstance(codec, BinaryTensorsCodec))
"""Formats that Accept may choose; the other one answers only requests in itself."""

MAX_EXCHANGES = 256
"""Combinations of headers and model that are remembered; then it begins anew."""

BINARY_MARKS = ("json-header-size", "sagemaker-triton")
"""What shows that a Content-Type was meant to be the binary tensor extension's."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """How to read one request and write its answer."""

    contract: Contract

    reader: Format
    writer: Any  # a `Codec` or a `DescribingCodec`

    describing: DescribingCodec | None
    """The writer, where it says of each answer what its Content-Type is."""

    media: MediaType
    """The request's Content-Type, for a reader that has parameters."""

    answer_type: bytes
    """The writer's Content-Type otherwise."""

    outputs: tuple[str, ...]
    """Names of the outputs that the answer holds, in the model's order, unless the body says."""

    def decode(self, body: bytes, model: "Model") -> Decoded:
        """Turn a body into tensors; whether they fit the model is for `Model.problems` to say.

        Raises:
            InvalidInput: with everything that is wrong with it.
        """
        return self.reader.decode(body, self.contract, self.media, model.rules)

    def wanted(self, decoded: Decoded) -> tuple[str, ...]:
        """Give the names of the outputs to run for."""
        return self.outputs if decoded.outputs is None else decoded.outputs

    def encode(
        self, outputs: Mapping[str, Value], decoded: Decoded, model: "Model"
    ) -> tuple[bytes, bytes]:
        """Turn a model's values into a body, and give its Content-Type with it.

        Raises:
            InferenceFailed: the values cannot be written in this format.
        """
        if self.describing is not None:
            return self.describing.write(outputs, decoded, model)
        return self.writer.encode(outputs, decoded.rows), self.answer_type


_exchanges: dict[tuple[int, str | None, str | None, str | None], Exchange] = {}


def negotiate(
    contract: Contract, content_type: str | None, encoding: str | None, accept: str | None
) -> Exchange:
    """Settle the formats of a request.

    ``Accept`` entries are taken by falling ``q``. An entry may choose one output:
    ``application/x-npy; output=probabilities``. ``*/*``, or no Accept at all, means the format of
    the request where it can carry the answer, else JSON. A request in the binary tensor extension
    says itself what its answer is in.

    Raises:
        UnsupportedMediaType: the body's format is unknown, or cannot carry this model's inputs.
        NotAcceptable: no format in Accept can carry this model's outputs.
        InvalidInput: a header is malformed.
    """
    # By identity: hashing a contract walks through all of its tensors.
    key = (id(contract), content_type, encoding, accept)
    exchange = _exchanges.get(key)
    if exchange is not None and exchange.contract is contract:
        return exchange
    exchange = _negotiate(contract, content_type, encoding, accept)
    if len(_exchanges) >= MAX_EXCHANGES:
        _exchanges.clear()
    _exchanges[key] = exchange
    return exchange


def _negotiate(
    contract: Contract, content_type: str | None, encoding: str | None, accept: str | None
) -> Exchange:
    reader, media = _reader(contract, content_type, encoding)
    entries = parse_accept("*/*" if accept is None else accept)
    if isinstance(reader, BinaryTensorsCodec):
        return _exchange(contract, reader, reader, media, contract.outputs)
    refused = {entry.name for entry in entries if entry.quality == 0.0}
    reasons: list[str] = []
    for entry in entries:
        if entry.quality == 0.0:
            continue
        outputs = _outputs(contract, entry)
        for codec in _candidates(entry, reader):
            if codec.media_type in refused:
                continue
            reason = codec.refuses_outputs(outputs)
            if reason is None:
                return _exchange(contract, reader, codec, media, outputs)
            reasons.append(f"{codec.media_type}: {reason}")
    if reasons:
        raise NotAcceptable("no accepted format can carry the model's outputs", reasons)
    names = ", ".join(codec.media_type for codec in ANSWERS)
    raise NotAcceptable(f"the Accept header is {accept!r}; this server answers in {names}")


def _exchange(
    contract: Contract,
    reader: Format,
    writer: Format,
    media: MediaType,
    outputs: Sequence[TensorSpec],
) -> Exchange:
    return Exchange(
        contract=contract,
        reader=reader,
        writer=writer,
        describing=writer if isinstance(writer, DescribingCodec) else None,
        media=media,
        answer_type=writer.media_type.encode(),
        outputs=tuple(spec.name for spec in outputs),
    )


def _reader(
    contract: Contract, content_type: str | None, encoding: str | None
) -> tuple[Format, MediaType]:
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(
            f"the Content-Encoding is {encoding!r}; send the body as it is, not compressed"
        )
    if content_type is None:
        raise UnsupportedMediaType(f"there is no Content-Type header; this server reads {NAMES}")
    media = parse_content_type(content_type)
    codec = next((codec for codec in CODECS if codec.media_type == media.name), None)
    if codec is None:
        if any(mark in content_type.lower() for mark in BINARY_MARKS):
            # 400, as Triton has it: it is this format, only misspelt.
            raise InvalidInput(
                f"the Content-Type is {media.name!r}; tensors as bytes come as "
                f"{BinaryTensorsCodec.media_type};json-header-size=N"
            )
        raise UnsupportedMediaType(f"the Content-Type is {media.name!r}; this server reads {NAMES}")
    charset = media.parameter("charset")
    if charset is not None and codec.charsets and charset.lower() not in codec.charsets:
        raise UnsupportedMediaType(f"the charset is {charset!r}; {media.name} is read as UTF-8")
    reason = codec.refuses_inputs(contract)
    if reason is not None:
        raise UnsupportedMediaType(f"{media.name} does not fit this model: {reason}")
    return codec, media


def _candidates(entry: MediaType, reader: Format) -> list[Format]:
    """Give the formats that an Accept entry matches, the request's own first."""
    found: list[Format] = []
    for codec in (reader, *ANSWERS):
        kind = codec.media_type.partition("/")[0]
        if entry.name in ("*/*", f"{kind}/*", codec.media_type) and codec not in found:
            found.append(codec)
    return found


def _outputs(contract: Contract, entry: MediaType) -> Sequence[TensorSpec]:
    name = entry.parameter("output")
    if name is None:
        return contract.outputs
    spec = contract.output(name)
    if spec is None:
        raise NotAcceptable(
            f"the Accept header chooses output {name!r}; this model has "
            f"{contract.names_of_outputs()}"
        )
    return (spec,)

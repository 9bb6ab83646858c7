"""The binary tensor extension of the Open Inference Protocol, told by the Content-Type alone.

SageMaker hands on no header that it does not know, so what is ``Inference-Header-Content-Length``
elsewhere rides in the type, as Triton's own SageMaker server and its clients have it::

    application/vnd.sagemaker-triton.binary+json;json-header-size=162

Takes and gives the same bodies as ``/v2/models/{name}/infer``. The body itself says which outputs
it wants and in what form, so the answer is in this format whatever Accept says; it is plain JSON
where none is wanted as bytes.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec, Value
from model_server.rest.codecs.codec import Decoded
from model_server.rest.media import MediaType
from model_server.rest.oip.reader import json_length, read_infer
from model_server.rest.oip.writer import write_infer

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.core.rules import InputRules

SIZE = "json-header-size"


class BinaryTensorsCodec:
    """Reads and writes JSON with tensors as bytes behind it."""

    media_type = "application/vnd.sagemaker-triton.binary+json"
    charsets: frozenset[str] = frozenset()

    def refuses_inputs(self, contract: Contract) -> str | None:
        """It carries every input."""
        return None

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """It carries every output that is a tensor; the body says which."""
        return None

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read a request.

        Raises:
            InvalidInput: with everything that is wrong with it.
        """
        length = json_length(media.parameter(SIZE), f"the Content-Type's {SIZE}")
        if length is None:
            raise InvalidInput(f"the Content-Type lacks {SIZE}, the length of the JSON part")
        call = read_infer(body, length, contract, rules)
        return Decoded(call.inputs, call.outputs, call)

    def write(
        self, outputs: Mapping[str, Value], decoded: Decoded, model: "Model"
    ) -> tuple[bytes, bytes]:
        """Write an answer, and its Content-Type."""
        assert decoded.call is not None  # only requests in this format are answered in it
        body, length = write_infer(decoded.call, outputs, model)
        if length is None:
            return body, b"application/json"
        # As Triton's clients take it apart: no space, and the size at the end.
        return body, b"%s;%s=%d" % (self.media_type.encode(), SIZE.encode(), length)

"""Whether a server's answers are onnxruntime's own.

Takes rows and a running server, sends some of them one by one while the load runs, and compares
every number. A cell whose samples differ does not count.
"""

import random
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection

import numpy as np
import ours
from models import SEED, Model
from wires import WIRES, Wire

SAMPLES = 24
AT_ONCE = 4
RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""A row's numbers may differ by rounding with the batch that it was run in."""


class WrongAnswerError(Exception):
    """A sampled answer is not what the model says."""


@dataclass(frozen=True)
class Sampler:
    """Asks one server about one cell's rows."""

    model: Model
    rows: np.ndarray
    """(requests, rows, width), the very rows that the load sends."""

    wire: str
    port: int
    headers: Mapping[str, str]

    def check(self) -> int:
        """Compare some answers, and give how many were asked for.

        Raises:
            WrongAnswerError: one differs, or has another status than 200.
        """
        chosen = random.Random(SEED).sample(range(len(self.rows)), SAMPLES)
        session = self.model.session()
        ask = self._grpc() if self.wire == "grpc" else self._http
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number, answer in zip(chosen, pool.map(ask, chosen), strict=True):
                inputs = {self.model.input: self.rows[number].astype(self.model.dtype)}
                (outputs,) = session.run([self.model.output], inputs)
                got, expected = answer.reshape(-1), outputs.reshape(-1)
                if got.shape != expected.shape or not np.allclose(
                    got, expected, RELATIVE, ABSOLUTE
                ):
                    raise WrongAnswerError(
                        f"request {number} got {got[:4]}, onnxruntime says {expected[:4]}"
                    )
        return len(chosen)

    def _http(self, number: int) -> np.ndarray:
        wire: Wire = WIRES[self.wire]
        headers, body = wire.encode(self.model, self.rows[number])
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", wire.path, body, {**headers, **self.headers})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise WrongAnswerError(f"status {answer.status}: {content[:500]!r}")
        return wire.decode({name.lower(): value for name, value in answer.getheaders()}, content)

    def _grpc(self) -> "_GrpcCaller":
        return _GrpcCaller(self)


class _GrpcCaller:
    def __init__(self, sampler: Sampler) -> None:
        # The generated classes of our server's copy of the public protocol.
        sys.path.append(str(ours.source()))
        import grpc

        from model_server.grpc_v2 import open_inference_pb2 as messages
        from model_server.grpc_v2 import open_inference_pb2_grpc as services

        self._sampler = sampler
        self._messages = messages
        self._failed = grpc.RpcError
        channel = grpc.insecure_channel(f"127.0.0.1:{sampler.port}")
        self._stub = services.GRPCInferenceServiceStub(channel)

    def __call__(self, number: int) -> np.ndarray:
        from wires import DATATYPES

        sampler, messages = self._sampler, self._messages
        rows = sampler.rows[number].astype(sampler.model.dtype)
        request = messages.ModelInferRequest(model_name="model")
        tensor = request.inputs.add(
            name=sampler.model.input, datatype=DATATYPES[sampler.model.dtype]
        )
        tensor.shape.extend(rows.shape)
        request.raw_input_contents.append(rows.tobytes())
        metadata = [(name.lower(), value) for name, value in sampler.headers.items()]
        try:
            answer = self._stub.ModelInfer(request, timeout=30, metadata=metadata)
        except self._failed as error:
            raise WrongAnswerError(f"{error.code()}: {error.details()}") from error
        if answer.raw_output_contents:
            return np.frombuffer(answer.raw_output_contents[0], np.float32)
        return np.array(answer.outputs[0].contents.fp32_contents, np.float32)

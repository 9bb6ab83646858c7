"""KServe's Python server with a custom model around onnxruntime, as its documentation shows.

Its two log lines a request (access, latency) are off, as every peer's are.

    python kserve_model.py --model_file MODEL --http_port PORT --grpc_port PORT
"""

import argparse
import logging

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.logging import configure_logging


class OnnxModel(Model):
    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self.path = path

    def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.path, options, providers=["CPUExecutionProvider"]
        )
        self.output = self.session.get_outputs()[0].name
        self.ready = True
        return self.ready

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        (array,) = self.session.run(None, feeds)
        # KServe answers with binary tensors only where the model hands this on, and with an id.
        binary = bool(payload.use_binary_outputs)
        output = InferOutput(name=self.output, shape=list(array.shape), datatype="FP32")
        output.set_data_from_numpy(array, binary_data=binary)
        return InferResponse(
            response_id=payload.id or "",
            model_name=self.name,
            infer_outputs=[output],
            use_binary_outputs=binary,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_file", required=True)
    arguments, _ = parser.parse_known_args()
    configure_logging()
    logging.getLogger("uvicorn.access").handlers.clear()
    model = OnnxModel("model", arguments.model_file)
    model.load()
    ModelServer(enable_latency_logging=False).start([model])

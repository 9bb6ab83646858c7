"""Triton Inference Server through PyTriton: its Python backend around onnxruntime.

Triton's own ONNX backend, in C++, is on no package registry.

    python triton_model.py MODEL PORT GRPC_PORT METRICS_PORT
"""

import sys

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
declared = session.get_inputs()[0]
answered = session.get_outputs()[0]


@batch
def infer(**inputs: np.ndarray) -> list[np.ndarray]:
    return session.run(None, inputs)


def main() -> None:
    dtype = np.int64 if declared.type == "tensor(int64)" else np.float32
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(sys.argv[2]),
        grpc_address="127.0.0.1",
        grpc_port=int(sys.argv[3]),
        metrics_address="127.0.0.1",
        metrics_port=int(sys.argv[4]),
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="model",
            infer_func=infer,
            inputs=[Tensor(name=declared.name, dtype=dtype, shape=(declared.shape[1],))],
            outputs=[Tensor(name=answered.name, dtype=np.float32, shape=(-1,))],
            # PyTriton's default is 4 rows, which 32 rows of one request would not fit in.
            config=ModelConfig(max_batch_size=64),
        )
        triton.serve()


if __name__ == "__main__":
    main()

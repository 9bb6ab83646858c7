"""Serves ONNX models over HTTP and gRPC.

Takes a folder with a ``*.onnx`` file, or one for each version, and environment variables (see
`settings`). Gives SageMaker's container contract, the Open Inference Protocol v2, and a description
of both.

- ``core`` knows models, tensors, batching and errors. It has never heard of HTTP or gRPC.
- ``rest`` and ``grpc_v2`` translate between a protocol and ``core``, and decide nothing about
  tensors.
- ``access`` knows who may call, ``observe`` what is told of it; neither knows protocols or models.
- ``process`` is the process in front and its line to the ones that serve.
- ``assembly`` puts the parts of one process together, ``worker`` is its life.

It must not import modelway: the image holds this package only.
"""

__version__ = "0.1.0"

"""A conformance suite for the Open Inference Protocol v2, over REST and gRPC.

It needs Python 3.11, numpy, and grpcio with protobuf where gRPC is tested. It knows no server: it
asks the one that it is pointed at, ``python -m conformance --help``. The cases are one table
(`cases`), which is run in every form a tensor can take (`forms`). `reference` makes the models that
the cases expect.
"""

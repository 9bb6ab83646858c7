"""Open Inference Protocol v2 over gRPC, with gRPC's health and reflection services.

`server.GrpcServer` is the way in. Nothing here imports grpc or protobuf before it is started.

``open_inference.proto`` is the protocol. After a change of it, in the repository's root::

    .venv/bin/python -m grpc_tools.protoc --proto_path=serving_image --python_out=serving_image \
        --grpc_python_out=serving_image model_server/grpc_v2/open_inference.proto

The generated messages must load with protobuf 6 as well as 7, so grpcio-tools must be one that is
made for protobuf 6 (up to 1.81). ``open_inference_pb2_grpc`` is for clients; the server does not
load it.
"""

"""The suite against a server process, over sockets: all forms, all thirteen datatypes."""

import json
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conformance import __main__ as program
from conformance import reference
from conformance.case import Target
from conformance.grpc_side import Grpc
from conformance.rest import Rest, sender


@pytest.fixture(scope="session")
def every_model(run_server, model_folder):
    """One process with all reference models; gives the server and the address of its gRPC side."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = run_server(
        model_folder,
        SAGEMAKER_MULTI_MODEL="true",
        MODEL_SERVER_MODELS_DIR=model_folder,
        MODEL_SERVER_GRPC_PORT=port,
    )
    server.wait()
    for name in reference.names():
        body = json.dumps({"model_name": name, "url": str(model_folder / name)}).encode()
        reply = server.request("POST", "/models", body, content_type="application/json")
        assert reply.status == 200, reply.body
    return server, f"127.0.0.1:{port}"


@pytest.mark.parametrize("name", reference.names())
def test_it_conforms(every_model, name):
    server, address = every_model
    grpc = Grpc(address, name, ())

    results = program.run(Target(name, Rest(sender(server.url, {}), name), grpc))
    grpc.close()

    failed = [
        f"{case.name} ({form}): {reason}"
        for case, forms in results.items()
        for form, reason in forms.items()
        if reason
    ]
    assert failed == []
    assert sum(map(len, results.values())) > 50


def test_the_program_prints_a_table_and_ends_with_status_0(every_model, capsys):
    server, address = every_model
    arguments = ["--rest", server.url, "--grpc", address, "--model", "several", "--strict"]

    status = program.main(arguments)

    printed = capsys.readouterr().out
    assert status == 0
    assert "chosen outputs are given, in the order asked" in printed
    assert " passed, 0 failed" in printed

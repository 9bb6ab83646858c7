import pytest

from model_server.grpc_v2.grpcio_core import address_of
from model_server.settings.grpc import GrpcSettings
from model_server.settings.reader import Reader


def test_without_a_port_there_is_no_grpc():
    reader = Reader({})

    settings = GrpcSettings.read(reader)

    assert settings == GrpcSettings(
        port=None,
        max_concurrency=None,
        keepalive_seconds=60.0,
        min_ping_seconds=10.0,
        max_connection_seconds=None,
    )
    assert reader.problems == []


def test_every_variable_is_read():
    reader = Reader(
        {
            "MODEL_SERVER_GRPC_PORT": "8081",
            "MODEL_SERVER_GRPC_MAX_CONCURRENCY": "32",
            "MODEL_SERVER_GRPC_KEEPALIVE_SECONDS": "30",
            "MODEL_SERVER_GRPC_MIN_PING_SECONDS": "5",
            "MODEL_SERVER_GRPC_MAX_CONNECTION_SECONDS": "300",
        }
    )

    settings = GrpcSettings.read(reader)

    assert settings == GrpcSettings(8081, 32, 30.0, 5.0, 300.0)
    assert reader.problems == []


def test_every_wrong_variable_is_named():
    reader = Reader(
        {
            "MODEL_SERVER_GRPC_PORT": "0",
            "MODEL_SERVER_GRPC_MAX_CONCURRENCY": "0",
            "MODEL_SERVER_GRPC_KEEPALIVE_SECONDS": "9",
            "MODEL_SERVER_GRPC_MIN_PING_SECONDS": "nan",
            "MODEL_SERVER_GRPC_MAX_CONNECTION_SECONDS": "soon",
        }
    )

    GrpcSettings.read(reader)

    assert reader.problems == [
        "MODEL_SERVER_GRPC_PORT is '0'; it takes a number from 1 to 65535",
        "MODEL_SERVER_GRPC_MAX_CONCURRENCY is '0'; it takes a number from 1 to 65536",
        "MODEL_SERVER_GRPC_KEEPALIVE_SECONDS is '9'; it takes a number from 10.0 to 7200.0",
        "MODEL_SERVER_GRPC_MIN_PING_SECONDS is 'nan'; it takes a number from 1.0 to 3600.0",
        "MODEL_SERVER_GRPC_MAX_CONNECTION_SECONDS is 'soon'; it takes a number from 1.0 to 86400.0",
    ]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:5000", "127.0.0.1"),
        (b"ipv4:10.1.2.3:1", "10.1.2.3"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[2001:db8::7]:5000", "2001:db8::7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "fe80::1%eth0"),
        ("unix:/run/socket", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_address_of_a_peer_is_found(peer, address):
    assert address_of(peer) == address

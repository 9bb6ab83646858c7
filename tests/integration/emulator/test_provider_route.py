"""A provider lives as long as somebody reads the response that opened it."""

import socket
import time

import pytest

pytestmark = pytest.mark.integration


def open_provider(emulator, package):
    connection = socket.create_connection(("127.0.0.1", emulator.port), timeout=20)
    connection.sendall(f"GET /_modelway/providers/{package} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    received = b""
    while received.count(b"\r\n\r\n") == 0 or not received.endswith(b"\n\r\n"):
        received += connection.recv(4096)
    return connection, received


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_says_its_port_first_and_goes_with_its_reader(emulator):
    connection, received = open_provider(emulator, "aws")
    port = int(received.split(b"\r\n\r\n")[1].split(b"\r\n")[1])

    with connection:
        assert listens(port)
        assert connection.recv(100) == b"1\r\n\n\r\n"

    wait_until(lambda: not listens(port))


def test_every_reader_has_a_provider_of_its_own(emulator):
    first, one = open_provider(emulator, "aws")
    second, two = open_provider(emulator, "aws")

    with first, second:
        assert one.split(b"\r\n\r\n")[1] != two.split(b"\r\n\r\n")[1]


def test_a_package_without_provider_is_refused_by_name(emulator):
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=20) as connection:
        connection.sendall(b"GET /_modelway/providers/azure HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 404")
    assert b"azure" in answer

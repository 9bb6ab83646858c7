"""The HTTP server, with plain sockets and real connections."""

import http.client
import socket
import threading

import pytest

from modelway.emulator.listener import Listener, loopback_socket


@pytest.fixture
def serve():
    listeners = []

    def start(application):
        listener = Listener(loopback_socket(0), application)
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        listeners.append(listener)
        return listener.port

    yield start
    for listener in listeners:
        listener.shutdown()
        listener.server_close()


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Method", environ["REQUEST_METHOD"])])
    return [environ["RAW_URI"].encode(), b" ", body]


def sized(_environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def test_a_connection_is_kept_for_the_next_request(serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve(echo))

    answers = []
    for number in range(3):
        connection.request("POST", f"/path?n={number}", body=b"x" * number)
        answers.append((connection.getresponse().read(), connection.sock.getsockname()))

    assert [body for body, _ in answers] == [b"/path?n=0 ", b"/path?n=1 x", b"/path?n=2 xx"]
    assert len({address for _, address in answers}) == 1
    connection.close()


def test_a_chunked_body_arrives_whole(serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve(echo))

    connection.request("PUT", "/k", body=iter([b"one ", b"two"]), encode_chunked=True)

    assert connection.getresponse().read() == b"/k one two"
    connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_read_as_it_arrives_and_what_nobody_reads_is_dropped(serve, chunked):
    def first_bytes(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(3)]

    connection = http.client.HTTPConnection("127.0.0.1", serve(first_bytes))

    answers = []
    for word in (b"one", b"two"):
        body = iter([word, b"x" * 100_000]) if chunked else word + b"x" * 100_000
        connection.request("PUT", "/k", body=body, encode_chunked=chunked)
        answers.append((connection.getresponse().read(), connection.sock.getsockname()))

    assert [body for body, _ in answers] == [b"one", b"two"]
    assert len({address for _, address in answers}) == 1
    connection.close()


def test_a_connection_with_too_much_that_nobody_reads_is_closed(serve, monkeypatch):
    monkeypatch.setattr("modelway.emulator.listener.MOST_DROPPED_BYTES", 100_000)

    def refuse(_environ, start_response):
        start_response("413 Payload Too Large", [("Content-Length", "0")])
        return []

    connection = http.client.HTTPConnection("127.0.0.1", serve(refuse))
    connection.request("PUT", "/k", body=b"x" * 200_000)
    answer = connection.getresponse()

    assert (answer.status, answer.getheader("Connection")) == (413, "close")
    connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 9\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\nnine\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort",
    ],
    ids=["too short", "no chunk size", "negative chunk", "chunk too short"],
)
def test_a_body_that_does_not_follow_http_s_framing_is_refused(serve, body):
    with socket.create_connection(("127.0.0.1", serve(echo)), timeout=5) as client:
        client.sendall(b"PUT /k HTTP/1.1\r\nHost: x\r\n" + body)
        client.shutdown(socket.SHUT_WR)

        assert client.recv(1000).startswith(b"HTTP/1.1 400")


def test_the_answer_to_head_has_a_length_and_no_body(serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve(sized))

    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert (head.getheader("Content-Length"), head.read()) == ("5", b"")

    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"
    connection.close()


def test_a_client_that_expects_100_is_told_to_go_on(serve):
    with socket.create_connection(("127.0.0.1", serve(echo)), timeout=5) as client:
        client.sendall(
            b"PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"ab")
        assert b"\r\nab\r\n" in _read_until(client, b"0\r\n\r\n")


@pytest.mark.parametrize("length", [b"many", b"-1"])
def test_a_length_that_is_no_number_of_bytes_is_refused(serve, length):
    with socket.create_connection(("127.0.0.1", serve(echo)), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")

        assert client.recv(1000).startswith(b"HTTP/1.1 400")


def test_underscores_survive_in_s3_metadata_only(serve):
    def names(environ, start_response):
        start_response("200 OK", [])
        seen = {key for key in environ if key.startswith("HTTP_X")}
        return [",".join(sorted(seen)).encode()]

    connection = http.client.HTTPConnection("127.0.0.1", serve(names))
    connection.request("GET", "/", headers={"x-amz-meta-my_key": "1", "X_Forged": "2"})

    assert connection.getresponse().read() == b"HTTP_X_AMZ_META_MY_KEY"
    connection.close()


def test_a_stream_is_closed_when_its_reader_goes(serve):
    closed = threading.Event()

    def stream(_environ, start_response):
        start_response("200 OK", [])

        def lines():
            try:
                while True:
                    yield b"line\n"
            finally:
                closed.set()

        return lines()

    with socket.create_connection(("127.0.0.1", serve(stream)), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100)

    assert closed.wait(5)


def _read_until(client, end):
    received = b""
    while end not in received:
        received += client.recv(1000)
    return received

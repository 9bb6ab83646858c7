"""Requests as bytes, each sent whole on a connection that is kept."""

import contextlib
import json
import socket


def framed(body, path="/invocations", content_type="application/json", *headers):
    """Give the bytes of a whole request."""
    if isinstance(body, dict | list):
        body = json.dumps(body).encode()
    more = "".join(f"{line}\r\n" for line in headers)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: {content_type}\r\n{more}"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line:
    """One connection, and the answers that come on it."""

    def __init__(self, port, seconds=30.0):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.close()

    def close(self):
        self._file.close()
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)

    def read(self):
        """Give status, headers and body of the next answer, or raise ConnectionError."""
        first = self._file.readline()
        if not first:
            raise ConnectionResetError("the server closed the connection")
        status = int(first.split()[1])
        headers = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        if headers.get("transfer-encoding") != "chunked":
            return status, headers, self._file.read(int(headers.get("content-length", 0)))
        body = b""
        while (size := int(self._file.readline(), 16)) > 0:
            body += self._file.read(size)
            self._file.readline()
        self._file.readline()
        return status, headers, body

    def read_all(self):
        """Give everything that comes until the server closes."""
        with contextlib.suppress(ConnectionResetError):
            return self._file.read()
        return b""

    def ask(self, data):
        self.send(data)
        return self.read()

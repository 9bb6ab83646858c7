"""The stand-in image refuses all but the emulator; what it does there is an integration test."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pulumi.output import UNKNOWN, Unknown

from modelway.errors import ImageError
from modelway.image.stand_in import StandInProvider, require_emulator

URL = "123456789012.dkr.ecr.us-east-1.amazonaws.com/images"
HASH = "a" * 64


@contextmanager
def server(status: int, body: bytes, asked: list[str] | None = None) -> Iterator[str]:
    """Answer everything alike, and note the paths that were asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if asked is not None:
                asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_it_refuses_real_aws_with_the_commands_for_the_real_image(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    with pytest.raises(ImageError) as failure:
        require_emulator(URL)

    assert "AWS_ENDPOINT_URL is not set" in str(failure.value)
    assert f"docker build --tag {URL}:1 serving_image" in str(failure.value)
    assert f"docker push {URL}:1" in str(failure.value)


@pytest.mark.parametrize(("status", "body"), [(404, b""), (200, b"<html>"), (200, b"{}")])
def test_it_refuses_another_server(monkeypatch, status, body):
    with server(status, body) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)

        with pytest.raises(ImageError, match="only the modelway emulator takes one"):
            require_emulator(URL)


def test_it_refuses_an_address_where_nobody_is(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(ImageError, match=r"127\.0\.0\.1:9 is none"):
        require_emulator(URL)


def test_it_knows_the_emulator_by_its_status(monkeypatch):
    asked: list[str] = []
    with server(200, b'{"time_scale": 60.0}', asked) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)

        require_emulator(URL)

    assert asked == ["/_modelway/status"]


def test_the_image_is_known_before_the_update_when_the_repository_is():
    news = {"repository_url": URL, "content_hash": HASH}

    checked = StandInProvider().check({}, news).inputs

    assert checked["uri"] == f"{URL}@{checked['digest']}"


def test_the_image_is_unknown_while_the_repository_is():
    news = {"repository_url": UNKNOWN, "content_hash": HASH}

    assert isinstance(StandInProvider().check({}, news).inputs["uri"], Unknown)


def test_other_sources_are_one_more_image_and_another_repository_is_another_resource():
    provider = StandInProvider()
    old = provider.check({}, {"repository_url": URL, "content_hash": HASH}).inputs
    rebuilt = provider.check(old, {"repository_url": URL, "content_hash": "b" * 64}).inputs
    moved = provider.check(old, {"repository_url": URL + "2", "content_hash": HASH}).inputs

    assert provider.diff("id", old, old).changes is False
    assert provider.diff("id", old, rebuilt).changes is True
    assert provider.diff("id", old, rebuilt).replaces == []
    assert provider.diff("id", old, moved).replaces == ["repository_url"]

"""An issuer's key set behind a URL, fetched now and then.

Takes a URL that the settings have checked, gives the `KeySet` in force. Must not run on the event
loop, follow a redirect to another host, read without end, or let go of keys because the issuer
cannot be reached.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from model_server.access.entries import FileUnusable, OnEvent, no_events
from model_server.access.key_set import MAX_KEY_SET_BYTES, KeySet, parse_key_set

FETCH_SECONDS = 5.0
"""Longest time for one step of a fetch; the body takes twice that at most."""

RETRY_SECONDS = 60.0
"""Shortest time between two fetches once there are keys, whatever tokens ask for."""


class FetchFailed(Exception):
    """A key set could not be fetched; the message says why."""


class FetchedKeySet:
    """A key set behind a URL, fetched again from time to time.

    `poll` does the fetching and belongs on a thread of its own: never on the event loop.
    """

    def __init__(
        self,
        url: str,
        allowed: Sequence[str],
        refresh_seconds: float,
        on_event: OnEvent = no_events,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch nothing yet.

        Args:
            url: https, or http on this machine.
            allowed: algorithms that may be used.
            refresh_seconds: time between fetches.
            on_event: told when keys change and when a fetch fails.
            clock: seconds that never jump.
        """
        self._url = url
        self._allowed = allowed
        self._refresh_seconds = refresh_seconds
        self._on_event = on_event
        self._clock = clock
        self._data = b""
        self._due = clock()
        self._last = 0.0
        self._failures = 0
        self._wanted = False
        self.value: KeySet | None = None
        """The keys in force; None before the first fetch."""

    def want(self) -> None:
        """Ask for a fetch, because a token names a key that is not there."""
        self._wanted = True

    def poll(self) -> None:
        """Fetch if it is time to, or if it was asked for and the last fetch is a minute old."""
        now = self._clock()
        wanted = self._wanted and self._last + RETRY_SECONDS <= now
        if now < self._due and not wanted:
            return
        self._wanted = False
        self._last = now
        try:
            data = fetch(self._url)
            if data != self._data:
                self.value = parse_key_set(data, self._allowed)
                self._data = data
                self._on_event("token_keys_changed", key_ids=sorted(self.value.ids))
        except (FetchFailed, FileUnusable) as error:
            self._failures += 1
            # 1, 2, 4 ... 60 s while there are no keys at all; a minute while there are old ones.
            wait = RETRY_SECONDS
            if self.value is None:
                wait = min(RETRY_SECONDS, 2.0 ** min(self._failures - 1, 6))
            self._due = self._clock() + wait
            self._on_event(
                "token_keys_not_fetched",
                reason=str(error),
                hint="no token can be checked" if self.value is None else "old keys stay in force",
            )
            return
        self._failures = 0
        self._due = self._clock() + self._refresh_seconds


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one scheme, host and port."""

    max_redirections = 3

    def redirect_request(  # the base class's signature
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            raise FetchFailed("the address redirects to another host, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str) -> bytes:
    """Fetch a key set's bytes.

    Raises:
        FetchFailed: with the reason, which holds nothing that came in.
    """
    until = time.monotonic() + 2 * FETCH_SECONDS
    opener = _opener(url)
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  # the settings allow https, and http on this machine
    parts: list[bytes] = []
    size = 0
    try:
        with opener.open(request, timeout=FETCH_SECONDS) as answer:
            while part := answer.read1(16_384):
                size += len(part)
                parts.append(part)
                if size > MAX_KEY_SET_BYTES:
                    raise FetchFailed(f"the answer is over {MAX_KEY_SET_BYTES} bytes")
                if time.monotonic() > until:
                    raise FetchFailed("the answer comes in too slowly")
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchFailed(f"the address answers {error.code}") from None
    except urllib.error.URLError as error:
        raise FetchFailed(f"the address cannot be reached: {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(f"the address cannot be read: {type(error).__name__}") from None
    return b"".join(parts)


def _opener(url: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    # A proxy, where the environment names one, is for other machines.
    proxies = {} if urlsplit(url).scheme == "http" else None
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameOrigin(),
        # urllib's other handlers read files and FTP.
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener

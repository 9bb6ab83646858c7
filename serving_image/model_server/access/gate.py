"""The gate: who asks, whether they may, and whether they ask too often; in this order.

Takes `Credentials` from any transport, gives an `Admission` or one of the errors `Unauthenticated`,
`Forbidden`, `RateLimited` and `NotReady`. Everything on a request's way is synchronous, takes no
lock and waits for nothing; a thread reads files and key sets again when they change.

What a caller shows first decides: the API key, else the Authorization header, else the client
certificate. A wrong one is refused even where another would have been right.
"""

import socket
import time
from collections.abc import Callable

from model_server.access.background import Background
from model_server.access.certificates import Certificates
from model_server.access.entries import FileUnusable, OnEvent, default_burst, is_plain, no_events
from model_server.access.identity import Admission, Caller, Credentials, Identity
from model_server.access.key_set import StoredKeySet
from model_server.access.keys import INVALID, ApiKeys
from model_server.access.rates import Limits, Rate
from model_server.access.scopes import ANONYMOUS, permits
from model_server.access.tokens import KeySource, Tokens
from model_server.core.errors import Forbidden, Unauthenticated
from model_server.settings.access import AccessSettings
from model_server.settings.reader import SettingsError


class Gate:
    """Admits requests; all from one thread, which is the event loop's."""

    def __init__(
        self,
        keys: ApiKeys | None = None,
        tokens: Tokens | None = None,
        certificates: Certificates | None = None,
        limits: Limits | None = None,
        anonymous: frozenset[str] | None = None,
        background: tuple[Background, ...] = (),
    ) -> None:
        """Put the parts together; each may be absent. See `from_settings`.

        Args:
            keys: API keys.
            tokens: tokens.
            certificates: client certificates.
            limits: rates and numbers at once.
            anonymous: what callers may do who show nothing. Default: `ANONYMOUS` where nobody can
                prove who it is, nothing where somebody can.
            background: threads that `start` starts.
        """
        self._keys = keys
        self._tokens = tokens
        self._certificates = certificates
        self._limits = limits if limits is not None else Limits()
        self._limited = self._limits.active
        self._background = background
        parts = {"api-key": keys, "jwt": tokens, "mtls": certificates}
        self.methods = tuple(name for name, part in parts.items() if part is not None)
        """How callers can prove who they are; empty where they need not."""
        if anonymous is None:
            anonymous = frozenset() if self.methods else ANONYMOUS
        self._anonymous = Identity("anonymous", anonymous, "anonymous")
        self._nobody = Caller(self._anonymous, "address:")

    @classmethod
    def from_settings(
        cls,
        settings: AccessSettings,
        share: float = 1.0,
        on_event: OnEvent = no_events,
    ) -> "Gate":
        """Make the gate that the settings describe; reads files, starts no thread.

        Args:
            settings: the settings.
            share: this worker's part of every limit: 1 divided by the number of workers.
            on_event: told what somebody should know; from another thread, and without secrets.

        Raises:
            SettingsError: with everything that is wrong with the files.
        """
        return _Maker(settings, share, on_event).gate()

    @property
    def enabled(self) -> bool:
        """Whether there is anything to check.

        Where there is not, `admit` lets everyone do everything but ``manage``, which it refuses
        still; a transport that leaves `admit` out must do so as well.
        """
        return bool(self.methods) or self._limited or self._anonymous.scopes != ANONYMOUS

    def start(self) -> None:
        """Start to look after files and key sets; once, in the process that serves."""
        for each in self._background:
            each.start()

    def close(self) -> None:
        """Stop to look after them."""
        for each in self._background:
            each.stop()

    def admit(self, credentials: Credentials, scope: str, model: str | None = None) -> Admission:
        """Let a request in, and count it as under way until `release`.

        Args:
            credentials: what the caller showed.
            scope: what it wants: ``infer``, ``metadata``, ``metrics`` or ``manage``.
            model: with which model; None: with none in particular.

        Raises:
            Unauthenticated: it did not prove who it is.
            Forbidden: it may not do this.
            RateLimited: it asks too often, or too much at once.
            NotReady: its token cannot be checked yet.
        """
        caller = self._identify(credentials)
        identity = caller.identity
        if scope not in identity.scopes and not permits(identity.scopes, scope, model):
            raise self._refusal(identity, scope, model)
        if not self._limited and caller.rate is None:
            return Admission(identity)
        account = caller.account
        if caller is self._nobody:
            account = f"address:{network_of(credentials.address)}"
        bucket, headers = self._limits.enter(account, caller.rate)
        return Admission(identity, headers, bucket)

    def release(self, admission: Admission) -> None:
        """Count a request's end; a second time for the same one does nothing."""
        bucket = admission.bucket
        if bucket is not None:
            admission.bucket = None
            self._limits.leave(bucket)

    def _identify(self, credentials: Credentials) -> Caller:
        keys, tokens = self._keys, self._tokens
        proved = credentials.proved
        if proved is not None and keys is not None and proved[0] is keys.table:
            caller = proved[1]
            if keys.still(caller):
                return caller
        if keys is not None and credentials.api_key is not None:
            return _identified(keys, credentials, credentials.api_key)
        shown = credentials.authorization
        if shown is not None and (keys is not None or tokens is not None):
            # The scheme's case is free (RFC 9110 11.1); nearly everybody writes it like this.
            if not shown.startswith("Bearer ") and shown[:7].lower() != "bearer ":
                raise Unauthenticated(
                    "the Authorization header is not 'Bearer' and a token or an API key", INVALID
                )
            bearer = shown[7:]
            if keys is None or (tokens is not None and bearer.count(".") == 2):
                assert tokens is not None  # one of both is there
                return tokens.identify(bearer)
            return _identified(keys, credentials, bearer)
        if self._certificates is not None and credentials.certificate_subject is not None:
            return self._certificates.identify(credentials.certificate_subject)
        return self._nobody

    def _refusal(self, identity: Identity, scope: str, model: str | None) -> Exception:
        if identity is self._anonymous and self.methods:
            ways = []
            if self._keys is not None:
                ways.append("an API key ('X-API-Key: ...' or 'Authorization: Bearer ...')")
            if self._tokens is not None:
                ways.append("a token ('Authorization: Bearer ...')")
            if self._certificates is not None:
                ways.append("a client certificate")
            return Unauthenticated(f"say who you are: with {', or '.join(ways)}")
        what = f"{scope!r}"
        if model is not None and is_plain(model):
            what += f" or '{scope}:{model}'"
        return Forbidden(f"you lack the scope for this: {what}")


class _Maker:
    """Makes a gate, and collects everything that keeps it from being made."""

    def __init__(self, settings: AccessSettings, share: float, on_event: OnEvent) -> None:
        self._settings = settings
        self._share = share
        self._on_event = on_event
        self._files: list[Callable[[], object]] = []
        self._threads: list[Background] = []
        self._problems: list[str] = []

    def gate(self) -> Gate:
        settings = self._settings
        keys, tokens, certificates = self._keys(), self._tokens(), self._certificates()
        if self._problems:
            raise SettingsError(self._problems)
        if self._files:
            self._threads.append(Background("access-files", self._files, self._on_event))
        rate = settings.rate_per_second
        default = None
        if rate is not None:
            burst = settings.rate_burst
            default = Rate(rate, default_burst(rate) if burst is None else burst)
        return Gate(
            keys,
            tokens,
            certificates,
            Limits(default, settings.max_concurrency_per_caller, self._share),
            frozenset(settings.anonymous_scopes) if settings.anonymous_scopes else None,
            tuple(self._threads),
        )

    def _keys(self) -> ApiKeys | None:
        path = self._settings.api_keys_file
        if path is None:
            return None
        try:
            keys = ApiKeys(path, self._on_event)
        except FileUnusable as error:
            self._wrong("MODEL_SERVER_API_KEYS_FILE", error)
            return None
        self._files.append(keys.poll)
        return keys

    def _tokens(self) -> Tokens | None:
        settings = self._settings
        if settings.jwt_issuer is None:
            return None
        source: KeySource
        if settings.jwks_url is not None:
            from model_server.access.key_fetch import FetchedKeySet

            source = FetchedKeySet(
                settings.jwks_url,
                settings.jwt_algorithms,
                settings.jwks_refresh_seconds,
                self._on_event,
            )
            # Apart from the files: a slow issuer must not keep a withdrawn API key alive.
            self._threads.append(Background("access-jwks", (source.poll,), self._on_event))
        else:
            assert settings.jwks_file is not None  # the settings have one of both
            try:
                source = StoredKeySet(settings.jwks_file, settings.jwt_algorithms, self._on_event)
            except FileUnusable as error:
                self._wrong("MODEL_SERVER_JWT_JWKS_FILE", error)
                return None
            self._files.append(source.poll)
        return Tokens(
            source,
            settings.jwt_issuer,
            settings.jwt_audiences,
            settings.jwt_algorithms,
            settings.jwt_scope_prefix,
            time.time,
        )

    def _certificates(self) -> Certificates | None:
        path = self._settings.tls_clients_file
        if path is None:
            return None
        try:
            certificates = Certificates(path, self._on_event)
        except FileUnusable as error:
            self._wrong("MODEL_SERVER_TLS_CLIENTS_FILE", error)
            return None
        self._files.append(certificates.poll)
        return certificates

    def _wrong(self, variable: str, error: FileUnusable) -> None:
        self._problems += [f"{variable}: {problem}" for problem in error.problems]


def _identified(keys: ApiKeys, credentials: Credentials, key: str) -> Caller:
    """Give whose key it is, and keep with the credentials what need not be worked out again."""
    table = keys.table  # before the search: the file may change meanwhile
    caller = keys.identify(key)
    credentials.proved = table, caller
    return caller


def network_of(address: str) -> str:
    """Give what an address is counted under: itself, or the /64 network of an IPv6 address.

    One host has a whole /64 of IPv6 addresses, and could otherwise be a new caller with each
    request. An IPv4 address that is written as IPv6 is itself.
    """
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):
        return address
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        return socket.inet_ntoa(packed[12:])
    return packed[:8].hex()

"""Who may call, what, and how often.

Takes a `Reader`, gives a frozen `AccessSettings`. Must not read the files that it names: the gate
does.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from model_server.access.rates import MAX_BURST, MAX_RATE_PER_SECOND, MIN_RATE_PER_SECOND
from model_server.access.scopes import TAKES, is_scope
from model_server.access.tokens import ALGORITHMS
from model_server.settings.reader import Reader

CLIENT_CERTIFICATES = ("required", "optional")


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """API keys, tokens, client certificates and limits of callers.

    Without any, every caller may do everything but ``manage``, as often as it likes.
    """

    api_keys_file: Path | None = None
    """``MODEL_SERVER_API_KEYS_FILE``: the JSON file of API keys' digests. Default none.

    Read again within a second when it changes.
    """

    jwt_issuer: str | None = None
    """``MODEL_SERVER_JWT_ISSUER``: what a token's ``iss`` must be, to the letter. Default none:
    tokens are not taken. Needs an audience and a key set."""

    jwt_audiences: tuple[str, ...] = ()
    """``MODEL_SERVER_JWT_AUDIENCE``: of which a token's ``aud`` must name one; a list separated by
    commas."""

    jwks_file: Path | None = None
    """``MODEL_SERVER_JWT_JWKS_FILE``: the issuer's key set in a file, read again within a second
    when it changes; this or the URL."""

    jwks_url: str | None = None
    """``MODEL_SERVER_JWT_JWKS_URL``: where the issuer publishes its key set; ``https://``, or
    ``http://`` on this machine."""

    jwks_refresh_seconds: float = 300.0
    """``MODEL_SERVER_JWT_REFRESH_SECONDS``: time between fetches of the key set, 60-86400.
    Default 300. It is how long a withdrawn key may still be taken; a new key is fetched when a
    token names it, at most once a minute."""

    jwt_algorithms: tuple[str, ...] = ("RS256", "ES256")
    """``MODEL_SERVER_JWT_ALGORITHMS``: how tokens may be signed; some of RS256, RS384, RS512,
    PS256, PS384, PS512, ES256, ES384, EdDSA. Default RS256, ES256."""

    jwt_scope_prefix: str = ""
    """``MODEL_SERVER_JWT_SCOPE_PREFIX``: what stands before this server's scopes in a token, such
    as ``models/`` with Amazon Cognito. Default nothing."""

    anonymous_scopes: tuple[str, ...] = ()
    """``MODEL_SERVER_ANONYMOUS_SCOPES``: what a caller may do who shows nothing, such as
    ``metrics``. Default: nothing where callers can prove who they are, else infer, metadata and
    metrics."""

    rate_per_second: float | None = None
    """``MODEL_SERVER_RATE_PER_SECOND``: requests a second of one caller in the long run,
    0.001-1000000. Default: no limit. A key's own rate goes before it."""

    rate_burst: int | None = None
    """``MODEL_SERVER_RATE_BURST``: requests of one caller at once after a pause, 1-1000000.
    Default: those of one second, at least 1."""

    max_concurrency_per_caller: int | None = None
    """``MODEL_SERVER_MAX_CONCURRENCY_PER_CALLER``: requests of one caller under way at once,
    1-65536. Default: no limit but the server's own."""

    tls_cert_file: Path | None = None
    """``MODEL_SERVER_TLS_CERT_FILE``: the server's certificate and those up to its root, in PEM.
    Default none: no TLS."""

    tls_key_file: Path | None = None
    """``MODEL_SERVER_TLS_KEY_FILE``: the certificate's private key in PEM, without a password."""

    tls_client_ca_file: Path | None = None
    """``MODEL_SERVER_TLS_CLIENT_CA_FILE``: the authorities that sign clients' certificates, in
    PEM. Default none: clients need no certificate."""

    tls_client_certificates: str = "required"
    """``MODEL_SERVER_TLS_CLIENT_CERTIFICATES``: required, or optional where callers may prove who
    they are by other means as well. Default required. A health check over TLS then needs a
    certificate too."""

    tls_clients_file: Path | None = None
    """``MODEL_SERVER_TLS_CLIENTS_FILE``: the JSON file that says what certificates' subjects may
    do. Needed with client authorities."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the settings; what is wrong with them is in the reader's problems."""
        rate = reader.optional_number(
            "MODEL_SERVER_RATE_PER_SECOND", float, MIN_RATE_PER_SECOND, MAX_RATE_PER_SECOND
        )
        burst = reader.optional_number("MODEL_SERVER_RATE_BURST", int, 1, MAX_BURST)
        if burst is not None and reader.text("MODEL_SERVER_RATE_PER_SECOND") is None:
            reader.problems.append(
                "MODEL_SERVER_RATE_BURST is set without MODEL_SERVER_RATE_PER_SECOND"
            )
        settings = cls(
            api_keys_file=reader.file("MODEL_SERVER_API_KEYS_FILE"),
            jwt_issuer=reader.text("MODEL_SERVER_JWT_ISSUER"),
            jwt_audiences=reader.words("MODEL_SERVER_JWT_AUDIENCE"),
            jwks_file=reader.file("MODEL_SERVER_JWT_JWKS_FILE"),
            jwks_url=_url(reader, "MODEL_SERVER_JWT_JWKS_URL"),
            jwks_refresh_seconds=reader.number(
                "MODEL_SERVER_JWT_REFRESH_SECONDS", float, 300.0, 60.0, 86400.0
            ),
            jwt_algorithms=_some(
                reader, "MODEL_SERVER_JWT_ALGORITHMS", ALGORITHMS, ("RS256", "ES256")
            ),
            jwt_scope_prefix=reader.text("MODEL_SERVER_JWT_SCOPE_PREFIX") or "",
            anonymous_scopes=_scopes(reader, "MODEL_SERVER_ANONYMOUS_SCOPES"),
            rate_per_second=rate,
            rate_burst=burst,
            max_concurrency_per_caller=reader.optional_number(
                "MODEL_SERVER_MAX_CONCURRENCY_PER_CALLER", int, 1, 65536
            ),
            tls_cert_file=reader.file("MODEL_SERVER_TLS_CERT_FILE"),
            tls_key_file=reader.file("MODEL_SERVER_TLS_KEY_FILE"),
            tls_client_ca_file=reader.file("MODEL_SERVER_TLS_CLIENT_CA_FILE"),
            tls_client_certificates=reader.choice(
                "MODEL_SERVER_TLS_CLIENT_CERTIFICATES", CLIENT_CERTIFICATES, "required"
            ),
            tls_clients_file=reader.file("MODEL_SERVER_TLS_CLIENTS_FILE"),
        )
        _check_tokens(reader)
        _check_tls(reader)
        return settings


def _check_tokens(reader: Reader) -> None:
    """Tokens need all of issuer, audience and one key set, or none of them."""

    def is_set(name: str) -> bool:
        return reader.text(f"MODEL_SERVER_JWT_{name}") is not None

    sources = [name for name in ("JWKS_FILE", "JWKS_URL") if is_set(name)]
    if is_set("ISSUER"):
        if not reader.words("MODEL_SERVER_JWT_AUDIENCE"):
            reader.problems.append(
                "MODEL_SERVER_JWT_ISSUER needs MODEL_SERVER_JWT_AUDIENCE: without it a token that "
                "was given out for any other service would be taken here"
            )
        if len(sources) != 1:
            reader.problems.append(
                "MODEL_SERVER_JWT_ISSUER needs one of MODEL_SERVER_JWT_JWKS_FILE and "
                f"MODEL_SERVER_JWT_JWKS_URL, and {'both are' if sources else 'none is'} set"
            )
        return
    for name in ("AUDIENCE", *sources):
        if is_set(name):
            reader.problems.append(
                f"MODEL_SERVER_JWT_{name} is set without MODEL_SERVER_JWT_ISSUER"
            )


def _check_tls(reader: Reader) -> None:
    """Each TLS file needs others."""
    needs = {
        "CERT_FILE": ("KEY_FILE",),
        "KEY_FILE": ("CERT_FILE",),
        "CLIENT_CA_FILE": ("CERT_FILE", "CLIENTS_FILE"),
        "CLIENTS_FILE": ("CLIENT_CA_FILE",),
        "CLIENT_CERTIFICATES": ("CLIENT_CA_FILE",),
    }
    for name, others in needs.items():
        if reader.text(f"MODEL_SERVER_TLS_{name}") is None:
            continue
        for other in others:
            if reader.text(f"MODEL_SERVER_TLS_{other}") is None:
                reader.problems.append(
                    f"MODEL_SERVER_TLS_{name} is set without MODEL_SERVER_TLS_{other}"
                )


def _some(
    reader: Reader, name: str, allowed: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    given = reader.words(name, default)
    wrong = [word for word in given if word not in allowed]
    if wrong or not given:
        shown = ", ".join(map(repr, wrong)) or "nothing"
        reader.problems.append(f"{name} names {shown}; it takes some of {', '.join(allowed)}")
        return default
    return given


def _scopes(reader: Reader, name: str) -> tuple[str, ...]:
    given = reader.words(name)
    wrong = [word for word in given if not is_scope(word)]
    if wrong:
        reader.problems.append(f"{name} names {', '.join(map(repr, wrong))}; it takes {TAKES}")
    return given


def _url(reader: Reader, name: str) -> str | None:
    """Give a URL that can be trusted to bring what its owner sent."""
    text = reader.text(name)
    if text is None:
        return None
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        url = host = None
    if url is None or not host or url.fragment or any(char.isspace() for char in text):
        reader.problems.append(f"{name} is no https:// URL")
    elif url.username is not None or url.password is not None:
        # Not shown, as it holds a password.
        reader.problems.append(f"{name} holds a user or a password; key sets are public")
    elif url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(host)):
        reader.problems.append(
            f"{name} is {text!r}; it takes https://, and http:// on this machine only: whoever "
            "can change the key set on its way can make tokens"
        )
    else:
        return text
    return None


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

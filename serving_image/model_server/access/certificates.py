"""Client certificates (mTLS): what TLS has to demand, and who a verified certificate stands for.

Takes files, gives an ``ssl.SSLContext``; takes the subject of a certificate that TLS has verified,
gives the caller. The file of clients is a JSON list, in which ``*`` is every certificate that no
other entry names::

    [{"subject": "CN=scoring-job,O=Example", "name": "scoring-job", "scopes": ["infer"],
      "rate": {"per_second": 50}}]

Must not verify certificates by itself, and must never see a subject that TLS did not verify.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from model_server.access.entries import (
    Entry,
    FileUnusable,
    OnEvent,
    WatchedFile,
    is_plain,
    no_events,
    read_list,
)
from model_server.access.identity import Caller, Identity
from model_server.core.errors import Forbidden

ANY = "*"

MAX_SUBJECT_LENGTH = 1024

_FIELDS = frozenset({"subject", "name", "scopes", "rate"})

_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}
"""OpenSSL's long names of the attributes for which RFC 4514 has short ones."""

_BY_NUMBER = {
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "2.5.4.3": "CN",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "givenName",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
}
"""What OpenSSL, or RFC 4514, calls the attributes that subjects are made of."""

_ESCAPES = str.maketrans({char: f"\\{char}" for char in '"+,;<>\\'} | {"\0": "\\00"})


class Certificates:
    """The clients that may come with a certificate."""

    def __init__(self, path: Path, on_event: OnEvent = no_events) -> None:
        """Read them.

        Raises:
            FileUnusable: the file cannot be used.
        """
        # Subjects and scopes are no secrets.
        self._file = WatchedFile(path, parse_clients, on_event, secret=False)

    def poll(self) -> None:
        """Read the file again if it has changed."""
        self._file.poll()

    def identify(self, subject: str) -> Caller:
        """Give the caller that a verified subject stands for.

        Raises:
            Forbidden: it is nobody's; who it is was proved, so this is not about credentials.
        """
        clients = self._file.value
        caller = clients.get(subject)
        if caller is not None:
            return caller
        anyone = clients.get(ANY)
        if anyone is None:
            raise Forbidden("this client certificate's subject may do nothing here")
        identity = anyone.identity
        return Caller(
            Identity(_name(subject), identity.scopes, identity.method),
            f"mtls:{subject}",
            anyone.rate,
        )


def _name(subject: str) -> str:
    """Give a subject as logs and metrics can hold it."""
    return subject if is_plain(subject, MAX_SUBJECT_LENGTH) else ascii(subject)[:MAX_SUBJECT_LENGTH]


def parse_clients(data: bytes) -> dict[str, Caller]:
    """Read the file of clients.

    Raises:
        FileUnusable: with everything that is wrong with it.
    """
    problems: list[str] = []
    clients: dict[str, Caller] = {}
    for number, given in enumerate(read_list(data)):
        entry = Entry(number, given, _FIELDS)
        subject = entry.text("subject", MAX_SUBJECT_LENGTH)
        name = entry.optional_text("name") or subject
        if subject and subject in clients:
            entry.problems.append(f"[{number}] has the same subject as an entry before it")
        identity = Identity(name, entry.scopes(), "mtls")
        clients[subject] = Caller(identity, f"mtls:{subject}", entry.rate())
        problems += entry.problems
    if problems:
        raise FileUnusable(problems)
    return clients


def subject_of(certificate: Mapping[str, Any]) -> str:
    """Give the text that a verified certificate is known by.

    It is the subject in the form of RFC 4514, the most particular part first, such as
    ``CN=scoring-job,O=Example,C=DE``. A certificate with one SPIFFE id is known by that instead,
    such as ``spiffe://example.org/scoring-job``, because its subject names the issuer's software.

    Args:
        certificate: what ``getpeercert()`` of a TLS connection gives.

    Returns:
        The text; empty where the certificate has neither.
    """
    ids = [
        text
        for kind, text in certificate.get("subjectAltName", ())
        if kind == "URI" and text.startswith("spiffe://")
    ]
    if len(ids) == 1:
        return ids[0]
    parts = [
        "+".join(f"{_SHORT.get(name, name)}={_escaped(value)}" for name, value in part)
        for part in certificate.get("subject", ())
    ]
    return ",".join(reversed(parts))


def subject_of_pem(certificate: bytes) -> str:
    """Give the same text as `subject_of`, for a transport that has a certificate in PEM only.

    An attribute that is not among the twenty usual ones is named by its number, where `subject_of`
    may have a name for it.

    Args:
        certificate: a certificate that TLS verified, as gRPC's ``x509_pem_cert`` is.

    Returns:
        The text; empty where the certificate cannot be read.
    """
    from cryptography import x509

    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        subject = tuple(
            tuple(
                (_BY_NUMBER.get(each.oid.dotted_string, each.oid.dotted_string), str(each.value))
                for each in part
            )
            for part in parsed.subject.rdns
        )
        try:
            names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        except x509.ExtensionNotFound:
            uris = []
    except Exception:  # noqa: BLE001  # malformed in one of many ways: it is nobody's
        return ""
    return subject_of({"subject": subject, "subjectAltName": [("URI", uri) for uri in uris]})


def _escaped(value: str) -> str:
    """Write an attribute's value as RFC 4514 2.4 does."""
    text = value.translate(_ESCAPES)
    if text.startswith((" ", "#")):
        text = f"\\{text}"
    if text.endswith(" ") and value != " ":
        text = f"{text[:-1]}\\ "
    return text


def server_context(
    certificate: Path, key: Path, client_ca: Path | None = None, *, required: bool = True
) -> ssl.SSLContext:
    """Make what a listening socket needs for TLS 1.2 and newer.

    Args:
        certificate: the server's certificate and those between it and its root, in PEM.
        key: its private key in PEM, without a password.
        client_ca: the authorities that sign clients' certificates, in PEM; None: clients need none.
            The system's own authorities are never trusted for this.
        required: whether a client without a certificate is turned away in the handshake.

    Raises:
        FileUnusable: a file is not what it should be; the messages hold nothing of a file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # TLS 1.2 with forward secrecy and authenticated encryption only (RFC 9325 4.2).
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    problems: list[str] = []
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        problems.append(
            "the server's certificate and private key cannot be used, or do not belong together: "
            f"{_tls_reason(error)}"
        )
    if client_ca is not None:
        try:
            context.load_verify_locations(cafile=client_ca)
        except (OSError, ValueError) as error:
            problems.append(
                f"the client authorities' certificates cannot be used: {_tls_reason(error)}"
            )
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if problems:
        raise FileUnusable(problems)
    return context


def _no_password() -> NoReturn:
    # Without this OpenSSL asks on the terminal and waits.
    raise ValueError("the private key has a password; take it away and guard the file instead")


def _tls_reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is not in PEM"
    return (error.strerror or "it cannot be read") if isinstance(error, OSError) else str(error)

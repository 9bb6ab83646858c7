"""Client certificates: what TLS demands, and who a certificate stands for."""

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model_server.access.certificates import (
    server_context,
    subject_of,
    subject_of_pem,
)
from model_server.access.entries import FileUnusable

NOW = dt.datetime.now(dt.UTC)


class Authority:
    """Signs certificates."""

    def __init__(self, folder, name="authority"):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        certificate = self._sign(self._name, self._key.public_key(), is_authority=True)
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def _sign(self, subject, public, *, is_authority=False, days=1, usage=None, names=()):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=2))
            .not_valid_after(NOW + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def certify(self, file, *attributes, password=None, **more):
        """Make a certificate and its key, and give their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])
        certificate = self._sign(subject, key.public_key(), **more)
        paths = self._folder / f"{file}.pem", self._folder / f"{file}.key"
        paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
        paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        return paths


CN, O, C = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.COUNTRY_NAME  # noqa: E741


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def server_files(authority):
    return authority.certify(
        "server", (CN, "localhost"), names=[x509.DNSName("localhost")],
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
    )  # fmt: skip


def client_context(authority, *files, newest=None):
    context = ssl.create_default_context(cafile=authority.file)
    if files:
        context.load_cert_chain(*files)
    if newest is not None:
        context.maximum_version = newest
    return context


def shake_hands(server, client):
    """Let two contexts talk in memory; gives the server's side, or raises what it raised."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    for _ in range(10):
        for side in reversed(sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    sides[0].do_handshake()
    return sides[0]


def test_a_client_that_the_authority_certified_is_known_by_its_subject(authority, server_files):
    server = server_context(*server_files, authority.file)
    client = client_context(
        authority,
        *authority.certify("client", (C, "DE"), (O, "Example, Inc."), (CN, "scoring-job")),
    )

    connection = shake_hands(server, client)

    assert subject_of(connection.getpeercert()) == r"CN=scoring-job,O=Example\, Inc.,C=DE"
    assert connection.version() == "TLSv1.3"


def test_a_client_without_a_certificate_is_turned_away_where_one_is_required(
    authority, server_files
):
    server = server_context(*server_files, authority.file)

    with pytest.raises(ssl.SSLError, match="peer did not return a certificate"):
        shake_hands(server, client_context(authority))


def test_a_client_without_a_certificate_may_come_in_where_one_is_optional(authority, server_files):
    server = server_context(*server_files, authority.file, required=False)

    connection = shake_hands(server, client_context(authority))

    assert connection.getpeercert() is None


def test_a_certificate_of_another_authority_is_turned_away_even_where_it_is_optional(
    authority, server_files, tmp_path
):
    server = server_context(*server_files, authority.file, required=False)
    stranger = Authority(tmp_path, "stranger").certify("stranger-client", (CN, "scoring-job"))

    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        shake_hands(server, client_context(authority, *stranger))


@pytest.mark.parametrize(
    "more",
    [{"days": -1}, {"usage": ExtendedKeyUsageOID.SERVER_AUTH}],
    ids=["expired", "for servers"],
)
def test_a_certificate_that_is_expired_or_for_something_else_is_turned_away(
    authority, server_files, more
):
    server = server_context(*server_files, authority.file)
    client = client_context(authority, *authority.certify("client", (CN, "job"), **more))

    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        shake_hands(server, client)


def test_tls_1_2_is_the_oldest_and_only_with_forward_secrecy(authority, server_files):
    server = server_context(*server_files)

    connection = shake_hands(server, client_context(authority, newest=ssl.TLSVersion.TLSv1_2))

    assert server.minimum_version == ssl.TLSVersion.TLSv1_2
    assert connection.version() == "TLSv1.2"
    assert {
        cipher["name"][:6] for cipher in server.get_ciphers() if cipher["protocol"] == "TLSv1.2"
    } == {"ECDHE-"}


def test_the_systems_own_authorities_are_not_trusted_for_clients(authority, server_files):
    server = server_context(*server_files, authority.file)

    assert [each["subject"] for each in server.get_ca_certs()] == [
        ((("commonName", "authority"),),)
    ]


def test_files_that_are_no_certificates_are_all_told_without_their_content(
    authority, server_files, tmp_path
):
    canary = tmp_path / "canary.pem"
    canary.write_text("-----BEGIN PRIVATE KEY-----\ncanary4f1d9c2b\n-----END PRIVATE KEY-----\n")

    with pytest.raises(FileUnusable) as refused:
        server_context(server_files[0], canary, canary)

    told = refused.value.problems
    assert told[0].startswith("the server's certificate and private key cannot be used, or do not")
    assert told[1].startswith("the client authorities' certificates cannot be used")
    assert "canary" not in str(told)


def test_a_key_of_another_certificate_is_refused(authority, server_files):
    _, other_key = authority.certify("other", (CN, "other"))

    with pytest.raises(FileUnusable, match="do not belong together"):
        server_context(server_files[0], other_key)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(authority):
    files = authority.certify("locked", (CN, "localhost"), password=b"secret")

    with pytest.raises(FileUnusable, match="the private key has a password"):
        server_context(*files)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ((), ""),
        (((("commonName", "job"),),), "CN=job"),
        (((("domainComponent", "org"),), (("domainComponent", "example"),)), "DC=example,DC=org"),
        (((("commonName", "job"), ("userId", "7")),), "CN=job+UID=7"),
        (((("commonName", 'a,b+c"d\\e<f>g;h=i'),),), r"CN=a\,b\+c\"d\\e\<f\>g\;h=i"),
        (((("commonName", " job "),),), "CN=\\ job\\ "),
        (((("commonName", "#job"),),), "CN=\\#job"),
        (((("commonName", " "),),), "CN=\\ "),
        (((("commonName", "good\0.evil"),),), "CN=good\\00.evil"),
        (((("commonName", "job,O=Example"),),), r"CN=job\,O=Example"),
        (((("serialNumber", "5"),), (("2.5.4.97", "x"),)), "2.5.4.97=x,serialNumber=5"),
    ],
)
def test_a_subject_is_written_so_that_no_two_are_alike(subject, text):
    assert subject_of({"subject": subject}) == text


def test_a_spiffe_id_goes_before_the_subject():
    certificate = {
        "subject": ((("organizationName", "SPIRE"),),),
        "subjectAltName": (("DNS", "x"), ("URI", "spiffe://example.org/job")),
    }
    two = {
        **certificate,
        "subjectAltName": (("URI", "spiffe://example.org/a"), ("URI", "spiffe://example.org/b")),
    }

    assert subject_of(certificate) == "spiffe://example.org/job"
    assert subject_of(two) == "O=SPIRE"
    assert subject_of({**certificate, "subjectAltName": (("URI", "https://x"),)}) == "O=SPIRE"


@pytest.mark.parametrize("names", [(), ("spiffe://example.org/job",), ("https://x",)])
def test_every_transport_knows_a_certificate_by_the_same_text(authority, server_files, names):
    files = authority.certify(
        "client",
        (NameOID.DOMAIN_COMPONENT, "org"),
        (C, "DE"),
        (NameOID.STATE_OR_PROVINCE_NAME, "Hessen"),
        (NameOID.LOCALITY_NAME, "Kassel"),
        (NameOID.STREET_ADDRESS, "Am Weg 1"),
        (O, " Example, Inc. "),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "a+b"),
        (NameOID.SERIAL_NUMBER, "5"),
        (NameOID.TITLE, "Dr"),
        (NameOID.GIVEN_NAME, "A"),
        (NameOID.SURNAME, "B"),
        (NameOID.PSEUDONYM, "c"),
        (NameOID.POSTAL_CODE, "34117"),
        (NameOID.BUSINESS_CATEGORY, "d"),
        (NameOID.ORGANIZATION_IDENTIFIER, "e"),
        (NameOID.EMAIL_ADDRESS, "job@example.org"),
        (NameOID.USER_ID, "7"),
        (CN, "J\u00f6b"),
        names=[x509.UniformResourceIdentifier(name) for name in names],
    )
    server = server_context(*server_files, authority.file)

    seen = shake_hands(server, client_context(authority, *files)).getpeercert()

    text = subject_of_pem(files[0].read_bytes())
    assert text == subject_of(seen)
    assert text == (
        names[0]
        if names == ("spiffe://example.org/job",)
        else "CN=J\u00f6b,UID=7,emailAddress=job@example.org,organizationIdentifier=e,"
        "businessCategory=d,postalCode=34117,pseudonym=c,surname=B,givenName=A,title=Dr,"
        "serialNumber=5,OU=a\\+b,O=\\ Example\\, Inc.\\ ,STREET=Am Weg 1,L=Kassel,ST=Hessen,"
        "C=DE,DC=org"
    )


def test_a_certificate_that_cannot_be_read_is_nobodys():
    assert subject_of_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") == ""
    assert subject_of_pem(b"") == ""

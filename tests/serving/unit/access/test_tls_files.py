"""TLS files that are replaced: read again when they have settled, kept where they are no good."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model_server.access.entries import FileUnusable
from model_server.access.tls_files import Tls, TlsFiles


@pytest.fixture
def certified(tmp_path):
    """Make a certificate that signs itself; gives the files of it and of its key."""

    def make(stem):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        pem, paths = (
            serialization.Encoding.PEM,
            (tmp_path / f"{stem}.pem", tmp_path / f"{stem}.key"),
        )
        plain = serialization.NoEncryption()
        paths[0].write_bytes(certificate.public_bytes(pem))
        paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        return paths

    return make


@pytest.fixture
def files(tmp_path, certified):
    """Files in a folder; `write(stem)` replaces the certificate and its key."""
    given = TlsFiles(tmp_path / "certificate", tmp_path / "key")

    def write(stem):
        certificate, key = certified(stem)
        given.certificate.write_bytes(certificate.read_bytes())
        given.key.write_bytes(key.read_bytes())
        return given

    return write


@pytest.fixture
def heard():
    return []


@pytest.fixture
def tls(files, heard):
    return Tls(files("first"), lambda event, **fields: heard.append((event, fields)))


def test_files_that_stay_are_read_once(tls, heard):
    before = tls.current()

    assert [tls.refresh() for _ in range(3)] == [False] * 3
    assert tls.current() is before
    assert heard == []


def test_replaced_files_are_read_when_they_have_stayed_for_a_look(tls, files, heard):
    before = tls.current()
    given = files("second")

    assert [tls.refresh() for _ in range(4)] == [False, True, False, False]
    assert tls.current() is not before
    assert heard == [("access_file_changed", {"file": str(given.certificate)})]


def test_a_certificate_without_its_key_is_told_of_once_and_changes_nothing(tls, certified, heard):
    before = tls.current()
    tls.files.certificate.write_bytes(certified("second")[0].read_bytes())

    assert [tls.refresh() for _ in range(4)] == [False] * 4
    assert tls.current() is before
    ((event, fields),) = heard
    assert event == "access_file_unusable"
    assert fields["hint"] == "what was read before stays in force"
    (problem,) = fields["problems"]
    assert problem == (
        "the server's certificate and private key cannot be used, or do not belong together: "
        "KEY_VALUES_MISMATCH"
    )


def test_the_key_may_come_later(tls, certified):
    certificate, key = certified("second")
    tls.files.certificate.write_bytes(certificate.read_bytes())
    tls.refresh()
    tls.refresh()
    tls.files.key.write_bytes(key.read_bytes())

    assert [tls.refresh() for _ in range(2)] == [False, True]


def test_a_file_that_is_gone_changes_nothing(tls):
    before = tls.current()
    tls.files.key.unlink()

    assert [tls.refresh() for _ in range(3)] == [False] * 3
    assert tls.current() is before


def test_files_that_cannot_be_used_at_first_are_refused(files, tmp_path):
    given = files("first")
    given.key.write_text("nothing")

    with pytest.raises(FileUnusable):
        Tls(given)

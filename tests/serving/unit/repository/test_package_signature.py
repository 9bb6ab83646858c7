"""Signatures and keys of packages: what the server takes for one, and what it refuses."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from model_server.core.artifact import inspect
from model_server.core.model import load_model
from package_refusals import refused_by_server as refused
from packages import (
    ODD_STATEMENTS,
    accepted_by_model_signing,
    sign,
    sign_statement,
    statement_of,
    write_keys,
    write_package_with_weights,
    write_signed_package,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    return write_signed_package(tmp_path / "model", keys[0])


def load(folder, trusted):
    return load_model(inspect(folder, str(trusted)), 1)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_what_model_signing_signs_is_loaded(tmp_path, curve):
    private, public = write_keys(tmp_path / "keys", curve=curve)
    folder = write_package_with_weights(tmp_path / "model")
    sign(folder, private)

    model = load(folder, public)

    assert model.contract.inputs[0].name == "x"
    assert accepted_by_model_signing(folder, public)


def test_keys_may_be_given_as_text_file_or_folder(package, keys, tmp_path):
    others = write_keys(tmp_path / "keys", name="others")

    assert load(package, keys[1].read_text())
    assert load(package, keys[1])
    assert load(package, tmp_path / "keys")
    assert "not by a trusted key" in refused(package, others[1].read_text())


def test_another_key_is_refused(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")

    message = refused(package, others[1])

    assert "model.sig is signed by the key " in message
    assert not accepted_by_model_signing(package, others[1])


def test_an_unsigned_package_is_refused(package, keys):
    (package / "model.sig").unlink()

    assert "the model folder has no model.sig, so it is not signed" in refused(package, keys[1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"nonsense",
        b"[" * 100_000,
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
        b'{"dsseEnvelope": {"payload": 1, "payloadType": "application/vnd.in-toto+json"}}',
    ],
)
def test_what_is_no_signature_is_refused(package, keys, content):
    (package / "model.sig").write_bytes(content)

    assert "model.sig is no model signature made with a key" in refused(package, keys[1])


def test_a_signature_of_another_payload_type_is_refused(package, keys):
    bundle = json.loads((package / "model.sig").read_text())
    bundle["dsseEnvelope"]["payloadType"] = "text/plain"
    (package / "model.sig").write_text(json.dumps(bundle))

    assert "is no model signature" in refused(package, keys[1])
    assert not accepted_by_model_signing(package, keys[1])


def test_a_signature_with_a_second_one_is_refused(package, keys):
    bundle = json.loads((package / "model.sig").read_text())
    bundle["dsseEnvelope"]["signatures"] *= 2
    (package / "model.sig").write_text(json.dumps(bundle))

    assert "is no model signature" in refused(package, keys[1])


def test_a_statement_signed_by_hand_is_taken_when_it_says_the_same(package, keys):
    sign_statement(package, keys[0], statement_of(package))

    assert load(package, keys[1])


@pytest.mark.parametrize("name", ODD_STATEMENTS)
def test_a_signed_statement_that_is_no_models_signature_is_refused(package, keys, name):
    statement = statement_of(package)
    ODD_STATEMENTS[name](statement)
    sign_statement(package, keys[0], statement)

    assert "does not say what a model signature says" in refused(package, keys[1])


def test_the_faulty_encoding_of_early_versions_is_not_taken(package, keys):
    sign_statement(
        package, keys[0], statement_of(package), b"DSSEV1 28 application/vnd.in-toto+json"
    )

    assert "not by a trusted key, or it was changed" in refused(package, keys[1])


def test_keys_that_cannot_be_used_let_nothing_be_loaded(package, keys, tmp_path):
    (tmp_path / "empty").mkdir()
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert "a folder without a file *.pem" in refused(package, tmp_path / "empty")
    assert "signing.key holds no public key in PEM" in refused(package, keys[0])
    assert "of another kind (RSAPublicKey)" in refused(package, pem)
    assert "its text holds no public key in PEM" in refused(package, keys[0].read_text())
    assert "could not be read: No such file" in refused(package, tmp_path / "missing.pem")
    assert "is damaged" in refused(package, keys[1].read_text().replace("M", "A", 1))

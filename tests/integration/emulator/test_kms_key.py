"""Signing with a key that never leaves KMS, against the emulated one, which signs for real."""

import pytest
import typer
import typer.testing
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from modelway.cli.sign import sign
from modelway.errors import PackageError
from modelway.kms_key import KmsKey
from modelway.package.signing import sign_package
from modelway.package.verify import verify_package
from packages import accepted_by_model_signing, write_package

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def kms(emulator, client, monkeypatch):
    """A client of the emulator's KMS, where what is tested finds it too."""
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return client("kms")


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path / "fraud-1")


def make_key(kms, spec="ECC_NIST_P256", usage="SIGN_VERIFY"):
    return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]


def public_pem(kms, key, folder):
    public = load_der_public_key(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    file = folder / "kms.pem"
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_what_kms_signs_is_verified_by_us_and_by_model_signing(kms, package, tmp_path, spec):
    key = make_key(kms, spec)
    public = public_pem(kms, key, tmp_path)

    key_id = sign_package(package, KmsKey(key["KeyId"]))

    assert verify_package(package, [public]).key.key_id == key_id
    assert accepted_by_model_signing(package, public)


def test_a_key_is_named_by_arn_or_alias_too(kms, package, tmp_path, run_cli):
    key = make_key(kms)
    kms.create_alias(AliasName="alias/models", TargetKeyId=key["KeyId"])

    for name in (key["Arn"], "alias/models"):
        assert run_cli(str(package), "--kms", name).exit_code == 0
        assert verify_package(package, [public_pem(kms, key, tmp_path)])


def test_the_region_is_that_of_the_arn(monkeypatch, kms):
    key = make_key(kms)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert KmsKey(key["Arn"]).public_key().curve.name == "secp256r1"


def test_only_the_digest_is_sent(kms, package, monkeypatch):
    asked = {}
    key = KmsKey(make_key(kms)["KeyId"])
    original = key._client.sign

    def remembered(**given):
        asked.update(given)
        return original(**given)

    monkeypatch.setattr(key._client, "sign", remembered)

    sign_package(package, key)

    assert len(asked["Message"]) == 32
    assert asked["MessageType"] == "DIGEST"
    assert asked["SigningAlgorithm"] == "ECDSA_SHA_256"


@pytest.mark.parametrize(
    ("spec", "usage", "shown"),
    [
        ("RSA_2048", "SIGN_VERIFY", "is of the kind RSAPublicKey for SIGN_VERIFY"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "is of the kind secp256k1 for SIGN_VERIFY"),
    ],
)
def test_a_key_that_cannot_sign_as_needed_is_refused(kms, spec, usage, shown):
    key = make_key(kms, spec, usage)

    with pytest.raises(PackageError, match=shown):
        KmsKey(key["KeyId"])


def test_a_key_that_does_not_exist_is_told_of():
    with pytest.raises(PackageError, match=r"NotFoundException.*kms:GetPublicKey and kms:Sign"):
        KmsKey("alias/nothing")


def test_a_signature_that_is_not_the_keys_is_refused(kms, package, monkeypatch):
    key, other = KmsKey(make_key(kms)["KeyId"]), make_key(kms)
    original = key._client.sign
    monkeypatch.setattr(
        key._client, "sign", lambda **given: original(**given | {"KeyId": other["KeyId"]})
    )

    with pytest.raises(PackageError, match="a signature that is not its own"):
        sign_package(package, key)

    assert not (package / "model.sig").exists()


@pytest.fixture
def run_cli():
    def run(*arguments):
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(sign)
        return typer.testing.CliRunner().invoke(app, list(arguments))

    return run

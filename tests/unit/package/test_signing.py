"""Signing writes an OpenSSF model signature, over what the manifest lists and nothing else."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modelway.errors import PackageError
from modelway.package.keys import is_encrypted, read_private_key
from modelway.package.signing import sign_package
from modelway.package.verify import verify_package
from packages import (
    accepted_by_model_signing,
    change_byte,
    write_keys,
    write_package,
    write_package_with_weights,
)


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path):
    return write_package_with_weights(tmp_path / "fraud-1")


def statement(package):
    bundle = json.loads((package / "model.sig").read_bytes())
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_what_is_signed_is_verified_by_us_and_by_model_signing(package, tmp_path, curve):
    private, public = write_keys(tmp_path / "keys", curve=curve)

    key_id = sign_package(package, read_private_key(private, None))

    assert verify_package(package, [public]).key.key_id == key_id
    assert accepted_by_model_signing(package, public)


def test_the_signature_is_over_the_manifest_and_the_files_it_lists(package, keys):
    (package / "evidence").mkdir()
    (package / "evidence/parity.json").write_text("{}")

    sign_package(package, read_private_key(keys[0], None))

    said = statement(package)
    assert said["predicateType"] == "https://model_signing/signature/v1.0"
    assert [each["name"] for each in said["predicate"]["resources"]] == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "package.json",
        "weights/w.bin",
    ]
    assert {each["algorithm"] for each in said["predicate"]["resources"]} == {"sha256"}
    assert sorted(said["predicate"]["serialization"]["ignore_paths"]) == ["evidence", "model.sig"]


def test_a_signature_does_not_change_the_packages_digest(package, keys):
    before = (package / "package.json").read_bytes()

    sign_package(package, read_private_key(keys[0], None))

    assert (package / "package.json").read_bytes() == before
    assert (package / "model.sig").stat().st_mode & 0o777 == 0o644


def test_signing_again_replaces_the_signature(package, keys, tmp_path):
    others = write_keys(tmp_path / "others")
    sign_package(package, read_private_key(others[0], None))

    sign_package(package, read_private_key(keys[0], None))

    assert verify_package(package, [keys[1]]).key.file == keys[1]


def test_a_package_that_is_not_what_its_manifest_says_is_not_signed(package, keys):
    change_byte(package / "model.onnx")
    (package / "extra").write_text("x")

    with pytest.raises(PackageError) as caught:
        sign_package(package, read_private_key(keys[0], None))

    assert "`model.onnx` was changed" in str(caught.value)
    assert "`extra` is not in the manifest" in str(caught.value)
    assert not (package / "model.sig").exists()


def test_a_package_that_changes_while_it_is_signed_is_not_signed(package, keys, monkeypatch):
    from modelway.package import signing

    checked = signing.check_package

    def checked_then_changed(folder):
        found = checked(folder)
        change_byte(folder / "model.onnx")
        return found

    monkeypatch.setattr(signing, "check_package", checked_then_changed)

    with pytest.raises(PackageError, match="it changed meanwhile; sign it again"):
        sign_package(package, read_private_key(keys[0], None))

    assert not (package / "model.sig").exists()


def test_a_key_that_fails_leaves_nothing_behind(package):
    class Broken:
        def public_key(self):
            return ec.generate_private_key(ec.SECP256R1()).public_key()

        def sign(self, data, signature_algorithm):
            raise PackageError("the key is gone")

    before = sorted(path.name for path in package.iterdir())

    with pytest.raises(PackageError, match="the key is gone"):
        sign_package(package, Broken())

    assert sorted(path.name for path in package.iterdir()) == before


def test_a_key_with_a_passphrase_is_read_with_it(package, tmp_path):
    private, public = write_keys(tmp_path / "keys", passphrase=b"open sesame")
    assert is_encrypted(private)

    sign_package(package, read_private_key(private, b"open sesame"))

    assert verify_package(package, [public])


def test_a_wrong_passphrase_is_told_and_not_shown(tmp_path):
    private, _ = write_keys(tmp_path / "keys", passphrase=b"open sesame")

    with pytest.raises(PackageError, match="the passphrase is wrong") as caught:
        read_private_key(private, b"guessed")

    assert "guessed" not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path):
    private = tmp_path / "ed25519.key"
    private.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )

    with pytest.raises(PackageError, match=r"of another kind \(Ed25519PrivateKey\)"):
        read_private_key(private, None)


def test_a_public_key_does_not_sign(keys):
    with pytest.raises(PackageError, match="it is no private key in PEM"):
        read_private_key(keys[1], None)


def test_a_package_in_a_folder_named_oddly_is_signed(tmp_path, keys):
    folder = write_package(tmp_path / "a b ü")

    sign_package(folder, read_private_key(keys[0], None))

    assert verify_package(folder, [keys[1]])

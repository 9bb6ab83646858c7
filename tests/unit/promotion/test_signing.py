"""Envelopes are DSSE's, and only keys that the repository trusts count."""

import base64
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from modelway.errors import PromotionError
from modelway.package.dsse import pre_authentication_encoding
from modelway.promotion import signing

PAYLOAD = b'{\n  "number": 1\n}\n'


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def edited(envelope, **members):
    return json.dumps(json.loads(envelope) | members).encode()


def test_the_signed_bytes_are_those_of_the_dsse_protocol():
    # The protocol's own example.
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_signature_is_known_by_the_name_of_the_trusted_key(keys):
    trusted = {name: key.public_key() for name, key in keys.items()}

    assert signing.signers(signing.sign(PAYLOAD, keys["ci"]), PAYLOAD, trusted) == {"ci"}


def test_any_dsse_tool_verifies_the_envelope_by_itself(keys):
    envelope = json.loads(signing.sign(PAYLOAD, keys["ci"]))
    payload = base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    signed = b"DSSEv1 37 application/vnd.modelway.release+json 18 " + payload

    assert payload == PAYLOAD
    keys["ci"].public_key().verify(signature, signed, ec.ECDSA(hashes.SHA256()))


def test_another_key_is_refused_with_those_that_are_trusted(keys):
    envelope = signing.sign(PAYLOAD, keys["mallory"])

    with pytest.raises(PromotionError, match=r"no trusted key signed it \(trusted: ci; it names"):
        signing.signers(envelope, PAYLOAD, {"ci": keys["ci"].public_key()})


def test_without_trusted_keys_nothing_is_trusted(keys):
    with pytest.raises(PromotionError, match="trusted: none"):
        signing.signers(signing.sign(PAYLOAD, keys["ci"]), PAYLOAD, {})


def test_naming_a_trusted_key_makes_no_signature_of_it(keys):
    forged = json.loads(signing.sign(PAYLOAD, keys["mallory"]))
    forged["signatures"][0]["keyid"] = signing.key_id(keys["ci"].public_key())

    with pytest.raises(PromotionError, match="no trusted key signed it"):
        signing.signers(json.dumps(forged).encode(), PAYLOAD, {"ci": keys["ci"].public_key()})


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"payload": base64.b64encode(b"other").decode()}, "holds another record"),
        ({"payload": "!"}, "is no DSSE envelope"),
        ({"payloadType": "text/plain"}, "is for 'text/plain'"),
        ({"signatures": []}, "is no DSSE envelope"),
        ({"signatures": [{"keyid": "", "sig": "AAAA"}]}, "no trusted key signed it"),
        ({"signatures": [{"keyid": "", "sig": "?"}]}, "is no DSSE envelope"),
        ({"signatures": [{"keyid": "", "sig": "AAAA"}] * 17}, "is no DSSE envelope"),
        ({"note": 1}, "is no DSSE envelope"),
    ],
)
def test_an_envelope_that_was_edited_is_refused(keys, members, message):
    envelope = edited(signing.sign(PAYLOAD, keys["ci"]), **members)

    with pytest.raises(PromotionError, match=message):
        signing.signers(envelope, PAYLOAD, {"ci": keys["ci"].public_key()})


def test_trusted_keys_are_the_pem_files_of_a_folder_by_name(tmp_path, keys):
    (tmp_path / "ci.pem").write_bytes(public_pem(keys["ci"]))
    (tmp_path / "README.md").write_text("not a key")

    found = signing.trusted_keys(tmp_path)

    assert {name: signing.key_id(key) for name, key in found.items()} == {
        "ci": signing.key_id(keys["ci"].public_key())
    }
    assert signing.trusted_keys(tmp_path / "nowhere") == {}


def test_files_that_are_no_public_keys_on_p_256_are_all_told(tmp_path, keys):
    (tmp_path / "curve.pem").write_bytes(public_pem(ec.generate_private_key(ec.SECP384R1())))
    (tmp_path / "private.pem").write_bytes(private_pem(keys["ci"]))
    (tmp_path / "text.pem").write_text("hello")

    with pytest.raises(PromotionError) as failure:
        signing.trusted_keys(tmp_path)

    for name in ("curve.pem", "private.pem", "text.pem"):
        assert name in str(failure.value)


def test_a_private_key_is_read_with_its_passphrase(tmp_path, keys):
    path = tmp_path / "key.pem"
    secret = BestAvailableEncryption(b"secret")
    path.write_bytes(keys["ci"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))

    assert signing.private_key(path, "secret").private_numbers() == keys["ci"].private_numbers()
    with pytest.raises(PromotionError, match="read from MODELWAY_RELEASE_KEY_PASSPHRASE"):
        signing.private_key(path)
    with pytest.raises(PromotionError, match="the passphrase is wrong"):
        signing.private_key(path, "other")


def test_what_is_no_private_key_on_p_256_is_refused_with_the_command_that_makes_one(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(private_pem(rsa.generate_private_key(65537, 2048)))

    with pytest.raises(PromotionError, match=r"is no key on P-256; make one with `openssl genpkey"):
        signing.private_key(path)
    with pytest.raises(PromotionError, match="No such file or directory; make one with"):
        signing.private_key(tmp_path / "none.pem")


def test_without_the_library_the_extra_is_named(tmp_path, keys):
    (tmp_path / "ci.pem").write_bytes(public_pem(keys["ci"]))
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from pathlib import Path\n"
        "from modelway.promotion.signing import trusted_keys\n"
        f"trusted_keys(Path({str(tmp_path)!r}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert 'run `pip install "modelway[signing]"`' in done.stderr

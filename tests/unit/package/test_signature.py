"""A signature is a bundle of one kind around a statement of one kind; nothing else counts."""

import json

import pytest

from modelway.errors import PackageError
from modelway.package.keys import read_trusted_keys
from modelway.package.signature import SIGNATURE_LIMIT_BYTES, verify_signature
from packages import ODD_STATEMENTS, sign, sign_statement, statement_of, write_keys, write_package


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, keys):
    folder = write_package(tmp_path / "fraud-1")
    sign(folder, keys[0])
    return folder


def verified(package, keys):
    return verify_signature((package / "model.sig").read_bytes(), read_trusted_keys([keys[1]]))


def refused(package, keys):
    with pytest.raises(PackageError) as caught:
        verified(package, keys)
    return str(caught.value)


def test_the_digests_of_the_signed_files_are_given(package, keys):
    assert sorted(verified(package, keys).sha256) == [
        "MODEL_CARD.md",
        "environment.txt",
        "model.onnx",
        "package.json",
    ]


def test_a_statement_signed_by_hand_is_taken_when_it_says_the_same(package, keys):
    before = verified(package, keys)

    sign_statement(package, keys[0], statement_of(package))

    assert verified(package, keys).sha256 == before.sha256


@pytest.mark.parametrize("name", ODD_STATEMENTS)
def test_a_signed_statement_that_is_no_models_signature_is_refused(package, keys, name):
    statement = statement_of(package)
    ODD_STATEMENTS[name](statement)
    sign_statement(package, keys[0], statement)

    assert "does not say what a model signature says" in refused(package, keys)


def test_the_faulty_encoding_of_early_versions_is_not_taken(package, keys):
    sign_statement(
        package, keys[0], statement_of(package), b"DSSEV1 28 application/vnd.in-toto+json"
    )

    assert "not by a trusted key, or it was changed" in refused(package, keys)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"nonsense", b"[" * 100_000, b"x" * (SIGNATURE_LIMIT_BYTES + 1)],
)
def test_what_is_no_bundle_is_refused(package, keys, content):
    (package / "model.sig").write_bytes(content)

    assert "`model.sig` is no model signature made with a key" in refused(package, keys)


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: bundle.update(mediaType="application/json"),
        lambda bundle: bundle["dsseEnvelope"].update(payloadType="text/plain"),
        lambda bundle: bundle["dsseEnvelope"].update(signatures=[]),
        lambda bundle: bundle["dsseEnvelope"].update(
            signatures=bundle["dsseEnvelope"]["signatures"] * 2
        ),
        lambda bundle: bundle["dsseEnvelope"].update(payload="no base64!"),
        lambda bundle: bundle.pop("dsseEnvelope"),
    ],
)
def test_a_bundle_of_another_form_is_refused(package, keys, change):
    bundle = json.loads((package / "model.sig").read_text())
    change(bundle)
    (package / "model.sig").write_text(json.dumps(bundle))

    assert "`model.sig` is no model signature made with a key" in refused(package, keys)


def test_a_name_of_a_key_that_is_no_name_is_not_shown(package, tmp_path):
    bundle = json.loads((package / "model.sig").read_text())
    bundle["verificationMaterial"]["publicKey"]["hint"] = "\x1b[2J"
    (package / "model.sig").write_text(json.dumps(bundle))

    assert "\x1b" not in refused(package, write_keys(tmp_path / "others"))

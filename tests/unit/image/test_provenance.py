"""The provenance of an image: what it says, and that nothing else can be made of it."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from modelway.errors import ImageError
from modelway.image.provenance import (
    PAYLOAD_TYPE,
    Build,
    sign_provenance,
    statement,
    verify_provenance,
)
from modelway.package.dsse import seal

IMAGE = f"sha256:{'1' * 64}"
BUILD = Build(
    digest=IMAGE,
    content_hash="2" * 64,
    base_image=f"python:3.11@sha256:{'3' * 64}",
    builder="https://ci.example.com",
    source="https://git.example.com/models",
    revision="4" * 40,
)


@pytest.fixture(scope="module", params=[ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def key(request):
    return ec.generate_private_key(request.param)


def refusal(envelope, trusted, digest=IMAGE):
    with pytest.raises(ImageError) as refused:
        verify_provenance(envelope, digest, trusted)
    return str(refused.value).removeprefix(f"verifying the provenance of the image {digest}: ")


def test_it_says_what_was_built_of_what_and_by_whom():
    said = json.loads(statement(BUILD))

    assert said == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image", "digest": {"sha256": "1" * 64}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:modelway:serving-image:1",
                "externalParameters": {
                    "contentHash": "2" * 64,
                    "baseImage": f"python:3.11@sha256:{'3' * 64}",
                },
                "resolvedDependencies": [
                    {"name": "serving_image", "digest": {"sha256": "2" * 64}},
                    {"uri": "docker://python:3.11", "digest": {"sha256": "3" * 64}},
                    {
                        "uri": "https://git.example.com/models",
                        "digest": {"gitCommit": "4" * 40},
                    },
                ],
            },
            "runDetails": {"builder": {"id": "https://ci.example.com"}},
        },
    }
    assert statement(BUILD) == statement(Build(**vars(BUILD)))


def test_a_trusted_key_s_signature_is_found_by_the_key_s_name(key):
    other = ec.generate_private_key(ec.SECP256R1()).public_key()

    found = verify_provenance(
        sign_provenance(BUILD, key), IMAGE, {"other": other, "ci": key.public_key()}
    )

    assert found.signers == {"ci"}
    assert (found.builder, found.revision) == ("https://ci.example.com", "4" * 40)
    assert (found.digest, found.content_hash) == (IMAGE, "2" * 64)


def test_a_changed_byte_is_refused(key):
    envelope = json.loads(sign_provenance(BUILD, key))
    payload = base64.b64decode(envelope["payload"]).replace(b"ci.example", b"me.example")
    envelope["payload"] = base64.b64encode(payload).decode()

    said = refusal(json.dumps(envelope).encode(), {"ci": key.public_key()})

    assert said.startswith("no trusted key signed it, or it was changed afterwards (trusted: ci;")


def test_a_key_that_is_not_trusted_is_refused(key):
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()

    said = refusal(sign_provenance(BUILD, key), {"ci": stranger})

    assert said.startswith("no trusted key signed it")
    assert refusal(sign_provenance(BUILD, key), {}).startswith("no trusted key signed it")


def test_the_provenance_of_another_image_is_refused(key):
    said = refusal(sign_provenance(BUILD, key), {"ci": key.public_key()}, f"sha256:{'9' * 64}")

    assert said == f"it speaks of {IMAGE}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "it is no DSSE envelope"),
        (b"\xff", "it is no DSSE envelope"),
        (b" " * (1024 * 1024 + 1), "it has more than 1048576 bytes"),
    ],
)
def test_what_is_no_envelope_is_refused(content, said):
    assert refusal(content, {}) == said


def test_other_statements_of_a_trusted_key_do_not_count(key):
    trusted, kind = {"ci": key.public_key()}, "https://spdx.dev/Document"
    other = statement(BUILD).replace(b"https://slsa.dev/provenance/v1", kind.encode())

    assert refusal(seal(statement(BUILD), "text/plain", key, "1"), trusted) == (
        f"it is for 'text/plain', not for '{PAYLOAD_TYPE}'"
    )
    assert refusal(seal(other, PAYLOAD_TYPE, key, "1"), trusted) == (
        f"it is a {kind}, not a https://slsa.dev/provenance/v1"
    )
    assert refusal(seal(b"[]", PAYLOAD_TYPE, key, "1"), trusted) == (
        "it is no in-toto statement with SLSA provenance"
    )

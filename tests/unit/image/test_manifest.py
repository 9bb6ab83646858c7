"""The manifest that stands in for an image, and references taken apart. Pure."""

import hashlib
import json

from modelway.image.manifest import StandInManifest
from modelway.image.reference import digest_of, repository_arn

HASH = "a" * 64


def test_the_same_sources_have_the_same_digest_on_every_machine():
    assert (
        StandInManifest(HASH).digest
        == "sha256:883f33eea4d1b918b1d4c1dcaceae9dc9deb5bb93c52e418ee80041fd0f8151d"
    )


def test_other_sources_have_another_digest_and_another_tag():
    assert StandInManifest("b" * 64).digest != StandInManifest(HASH).digest
    assert StandInManifest("b" * 64).tag != StandInManifest(HASH).tag


def test_the_manifest_refers_to_blobs_that_are_uploaded():
    image = StandInManifest(HASH)
    manifest = json.loads(image.manifest)

    named = {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
    uploaded = {f"sha256:{hashlib.sha256(blob).hexdigest()}" for blob in image.blobs}
    assert named == uploaded
    assert manifest["config"]["size"] == len(image.config)


def test_the_content_can_be_read_back_from_the_manifest():
    manifest = json.loads(StandInManifest(HASH).manifest)

    assert manifest["annotations"] == {"org.modelway.serving-image.content": HASH}


def test_an_ecr_reference_names_its_repository():
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/fraud@sha256:" + HASH

    assert repository_arn(image, "aws") == (
        "arn:aws:ecr:eu-west-1:123456789012:repository/team/fraud"
    )
    assert digest_of(image) == "sha256:" + HASH


def test_another_registry_has_no_arn():
    assert repository_arn("example.com/fraud@sha256:" + HASH, "aws") is None


def test_a_reference_without_a_digest_has_none():
    assert digest_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraud:1") == ""

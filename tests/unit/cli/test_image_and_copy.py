"""`modelway image` and `modelway copy`: what they print and refuse without any registry."""

import json

import pytest

from modelway.cli.copy import copy
from modelway.cli.image import provenance, sbom
from modelway.errors import ImageError
from modelway.image.context import content_hash
from packages import write_keys

IMAGE = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/models@sha256:{'1' * 64}"
TARGET = "222222222222.dkr.ecr.us-east-1.amazonaws.com/models"


def test_the_sbom_is_printed_or_written_and_is_the_same(run_command, tmp_path):
    file = tmp_path / "sbom.json"

    printed = run_command(sbom, IMAGE)
    written = run_command(sbom, IMAGE, "--out", str(file))

    made = json.loads(printed.stdout)
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert (written.stdout, written.stderr) == ("", f"written to {file}\n")
    assert file.read_text() == printed.stdout
    assert made["metadata"]["component"]["version"] == f"sha256:{'1' * 64}"
    (told,) = made["metadata"]["component"]["properties"]
    assert told["value"] == content_hash()
    assert made["components"][0]["name"] == "python"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (IMAGE.partition("@")[0], "must be named by digest: REPOSITORY@sha256:<64 hexadecimal"),
        (IMAGE.replace("@sha256:", ":"), "for an image with @sha256:... behind it"),
    ],
    ids=["a repository", "a tag"],
)
def test_an_image_must_be_named_by_digest(run_command, name, message):
    failed = run_command(sbom, name)

    assert isinstance(failed.exception, ImageError)
    assert message in str(failed.exception)


def test_pushing_needs_an_image(run_command):
    assert run_command(sbom, "--push").exit_code == 2


def test_a_provenance_needs_one_key(run_command, tmp_path):
    private, _public = write_keys(tmp_path)
    options = [IMAGE, "--builder", "https://ci"]

    signed = run_command(provenance, *options, "--key", str(private))

    assert run_command(provenance, *options).exit_code == 2
    assert signed.exit_code == 0
    assert json.loads(signed.stdout)["payloadType"] == "application/vnd.in-toto+json"


@pytest.mark.parametrize(
    "arguments",
    [
        [IMAGE, "s3://prod"],
        ["s3://staging/key", TARGET],
        ["s3://staging", "s3://prod"],
        [IMAGE, TARGET, "--digest", f"sha256:{'1' * 64}"],
    ],
)
def test_both_sides_of_a_copy_are_of_one_kind(run_command, arguments):
    assert run_command(copy, *arguments).exit_code == 2


@pytest.mark.parametrize(
    ("source", "target", "sids"),
    [
        (IMAGE, TARGET, ["LogInToRegistry", "WriteImage"]),
        ("s3://staging/key", "s3://prod", ["WriteArtifact", "FindArtifact"]),
    ],
)
def test_what_iam_must_allow_is_printed_and_nothing_is_asked(run_command, source, target, sids):
    printed = json.loads(run_command(copy, source, target, "--policy").stdout)

    assert list(printed) == ["source", "target"]
    assert [each["Sid"] for each in printed["target"]["Statement"]] == sids

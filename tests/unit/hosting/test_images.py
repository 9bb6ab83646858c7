"""What tells the emulator which content an image has."""

import json

import pytest

from modelway.emulator.hosting import images

CONTENT = "a" * 64


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        (f"cpu-{CONTENT}", CONTENT),
        (f"cuda-{CONTENT}", CONTENT),
        (f"digest-{CONTENT}", ""),
        ("cpu-1", ""),
        ("1", ""),
    ],
)
def test_a_tag_of_modelways_own_names_the_content(tag, content):
    assert images.content_of_tag(tag) == content


def test_an_image_that_docker_pushed_is_known_by_its_tag():
    pushed = json.dumps({"schemaVersion": 2, "layers": []})

    assert images._content_of(pushed, ["1", f"cpu-{CONTENT}"]) == CONTENT
    assert images._content_of(pushed, ["1"]) == ""


def test_a_manifest_that_stands_in_says_it_itself():
    label = "org.modelway.serving-image.content"
    manifest = json.dumps({"annotations": {label: "b" * 64}})

    assert images._content_of(manifest, [f"cpu-{CONTENT}"]) == "b" * 64

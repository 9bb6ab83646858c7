"""The SBOM of an image: what the lock says, in CycloneDX's own schema, the same every time."""

import json
from importlib.resources import files

import jsonschema_rs
import pytest

from modelway.errors import ImageError
from modelway.image.context import default_base_image, serving_image_directory
from modelway.image.sbom import Contents, Locked, read_lock, sbom

DIGEST = f"sha256:{'1' * 64}"
BASE = f"registry.example.com/library/python:3.11.16-slim-bookworm@sha256:{'2' * 64}"
LOCK = f"""\
Typing_Extensions==4.15.0 \\
    --hash=sha256:{"b" * 64} \\
    --hash=sha256:{"a" * 64}
    # via model-server
numpy==2.4.6 ; python_full_version < '3.12' --hash=sha256:{"c" * 64}
numpy==2.5.5 ; python_full_version >= '3.12' --hash=sha256:{"d" * 64}
pywin32==311 ; sys_platform == 'win32' --hash=sha256:{"e" * 64}
"""


def schema_of(address):
    """Give one of the schemas that CycloneDX publishes; its library has copies."""
    name = address.rpartition("/")[2]
    return json.loads(files("cyclonedx.schema").joinpath("_res", name).read_text("utf-8"))


@pytest.fixture(scope="module")
def official():
    schema = schema_of("bom-1.6.SNAPSHOT.schema.json")
    return jsonschema_rs.validator_for(schema, validate_formats=True, retriever=schema_of)


def contents(**changes):
    given = {
        "digest": DIGEST,
        "content_hash": "3" * 64,
        "base_image": BASE,
        "packages": read_lock(LOCK, "3.11"),
    }
    return Contents(**(given | changes))


def test_the_packages_are_those_that_the_lock_installs_on_linux():
    assert read_lock(LOCK, "3.11") == [
        Locked("numpy", "2.4.6", ("c" * 64,)),
        Locked("typing-extensions", "4.15.0", ("a" * 64, "b" * 64)),
    ]
    assert [each.version for each in read_lock(LOCK, "3.12.1")] == ["2.5.5", "4.15.0"]


def test_every_line_that_is_not_pinned_or_has_no_hash_is_told():
    lock = "one==1\ntwo>=2 --hash=sha256:" + "a" * 64 + "\n./three\n# a remark\n"

    with pytest.raises(ImageError) as refused:
        read_lock(lock, "3.11")

    assert str(refused.value) == (
        "reading the locked requirements of an image: one must be pinned with == and have a "
        "--hash; two must be pinned with == and have a --hash; './three' is no requirement. Write "
        "the lock with `uv pip compile --generate-hashes`."
    )


def test_the_serving_image_s_own_sbom_fits_the_official_schema_and_is_its_lock(official):
    text = (serving_image_directory() / "requirements.txt").read_text()
    made = sbom(contents(packages=read_lock(text, "3.11"), base_image=default_base_image()))

    assert [str(each) for each in official.iter_errors(json.loads(made))] == []
    names = {each["name"] for each in json.loads(made)["components"]}
    pinned = {line.partition("==")[0] for line in text.splitlines() if "==" in line[:60]}
    assert names == {"python", *pinned}
    assert len(names) > 30


def test_the_schema_would_notice_a_wrong_field(official):
    made = json.loads(sbom(contents()))
    made["components"][0]["type"] = "wheel"

    assert not official.is_valid(made)


def test_the_same_image_has_the_same_sbom_and_another_one_another_serial_number():
    one, two = sbom(contents()), sbom(contents(packages=read_lock(LOCK, "3.11")))
    other = sbom(contents(digest=f"sha256:{'9' * 64}"))

    assert one == two
    assert b"timestamp" not in one
    serials = {json.loads(each)["serialNumber"] for each in (one, two, other)}
    assert len(serials) == 2
    assert json.loads(one)["serialNumber"] == "urn:uuid:ecd11042-ff39-5c7e-8c89-f90afeb10473"


def test_it_names_the_image_its_base_and_what_it_does_not_list():
    made = json.loads(sbom(contents()))

    image, base = made["metadata"]["component"], made["components"][0]
    assert image["purl"] == f"pkg:oci/modelway-serving@sha256%3A{'1' * 64}"
    assert image["version"] == DIGEST
    assert base["purl"] == f"pkg:oci/python@sha256%3A{'2' * 64}"
    assert base["version"] == "3.11.16-slim-bookworm"
    assert made["compositions"] == [{"aggregate": "incomplete", "assemblies": ["image"]}]
    (told,) = made["metadata"]["properties"]
    assert told["value"].startswith("Python and the operating system's packages come with the base")


def test_an_image_that_is_not_built_yet_is_named_by_its_sources():
    image = json.loads(sbom(contents(digest=None)))["metadata"]["component"]

    assert image["version"] == "3" * 64
    assert "purl" not in image

"""One image's content: its hash, its tag and its build context."""

import io
import zipfile
from dataclasses import replace

from modelway.image.content import ImageContent, extras_in
from modelway.image.context import content_hash, default_base_image
from modelway.image.manifest import StandInManifest, extras_of
from modelway.plan.model import Extras

EXTRAS = Extras("tinydb==4.8.2 --hash=sha256:1\n", {"handler.py": "def preprocess(): ...\n"})
FULL = ImageContent(extras=EXTRAS)


def test_the_plain_servers_hash_is_that_of_its_sources():
    assert ImageContent().hash == content_hash()


def test_everything_that_makes_another_image_changes_the_hash():
    base = "repository@sha256:" + "a" * 64
    others = [
        ImageContent(),
        FULL,
        replace(FULL, variant="cuda"),
        replace(FULL, platform="linux/arm64"),
        replace(FULL, base=base),
        replace(FULL, extras=Extras(EXTRAS.requirements, {"handler.py": "def other(): ...\n"})),
        replace(FULL, extras=Extras(EXTRAS.requirements, {"other.py": "def preprocess(): ...\n"})),
        replace(FULL, extras=Extras("", EXTRAS.code)),
    ]

    assert len({content.hash for content in others}) == len(others)


def test_the_base_that_the_dockerfile_names_is_the_same_image_named_or_not():
    assert replace(FULL, base=default_base_image()).hash == FULL.hash


def test_the_tag_names_variant_and_content():
    assert FULL.tag == f"cpu-{FULL.hash}"
    assert len(FULL.tag) <= 128  # ECR's limit (botocore ecr: ImageTag)


def test_the_archive_is_the_same_bytes_each_time_with_modes_and_without_times():
    archive = FULL.archive()

    assert archive == FULL.archive()
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        entries = {entry.filename: entry for entry in found.infolist()}
        assert list(entries) == sorted(entries)
        assert found.read("extra/code/handler.py") == b"def preprocess(): ...\n"
        assert found.read("extra/requirements.txt") == b"tinydb==4.8.2 --hash=sha256:1\n"
    assert {entry.date_time for entry in entries.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert entries["Dockerfile"].external_attr >> 16 == 0o644


def test_what_was_added_is_read_back_from_a_build_context():
    assert extras_in({name: content for name, content, _ in FULL.files()}) == EXTRAS
    assert extras_in({name: content for name, content, _ in ImageContent().files()}) == Extras()


def test_a_build_context_is_written_once_and_whole(tmp_path):
    FULL.write(tmp_path / "contexts" / "one")
    (tmp_path / "contexts" / "one" / "mark").touch()
    FULL.write(tmp_path / "contexts" / "one")

    names = {path.name for path in (tmp_path / "contexts").iterdir()}
    assert names == {"one"}
    assert (tmp_path / "contexts" / "one" / "mark").exists()
    assert (tmp_path / "contexts" / "one" / "extra" / "code" / "handler.py").is_file()


def test_what_was_added_is_read_back_from_a_manifest():
    assert extras_of(StandInManifest(FULL.hash, EXTRAS).manifest) == EXTRAS
    assert extras_of(StandInManifest(FULL.hash).manifest) == Extras()


def test_a_manifest_that_is_not_ours_adds_nothing():
    for manifest in ("", "[]", '{"layers": [{"mediaType": "x"}]}', '{"layers": 5}'):
        assert extras_of(manifest) == Extras()


def test_a_folder_is_a_context_until_a_byte_a_mode_or_a_path_differs(tmp_path):
    FULL.write(tmp_path / "context")
    handler = tmp_path / "context" / "extra" / "code" / "handler.py"
    assert FULL.is_in(tmp_path / "context")

    handler.chmod(0o755)
    assert not FULL.is_in(tmp_path / "context")
    handler.chmod(0o644)
    handler.write_text("def other(): ...\n")
    assert not FULL.is_in(tmp_path / "context")
    handler.write_text(EXTRAS.code["handler.py"])
    assert FULL.is_in(tmp_path / "context")
    handler.with_name("new.py").write_text("")
    assert not FULL.is_in(tmp_path / "context")

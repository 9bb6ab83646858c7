"""The build context and its content hash."""

import os
from pathlib import Path

import pytest

from modelway.errors import ImageError
from modelway.image import context
from modelway.image.context import content_hash, serving_image_directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    (made / "server").mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM scratch\n")
    (made / "server" / "app.py").write_text("print('hello')\n")
    return made


def test_the_hash_of_a_known_context_is_known(folder):
    # sha256 over, for each file in the order of its path: "<name length> <content length>\n",
    # the name, the content.
    assert content_hash(folder) == (
        "614db6a85da83c0e489caedb71dde453f6fded057938aa9389aba0b0664f16cb"
    )


@pytest.mark.parametrize(
    "name",
    [
        "server/__pycache__/app.cpython-311.pyc",
        "server/app.pyc",
        ".venv/bin/python",
        ".DS_Store",
        "tests/test_app.py",
        "server.egg-info/PKG-INFO",
        "dist/server.whl",
        "README.md",
        "pyproject.toml",
        "server/app.py~",
    ],
)
def test_what_no_image_takes_does_not_change_the_hash(folder, name):
    before = content_hash(folder)

    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("noise")

    assert content_hash(folder) == before


def test_time_stamps_and_modes_do_not_change_the_hash(folder):
    before = content_hash(folder)

    os.utime(folder / "Dockerfile", (1, 1))
    (folder / "server" / "app.py").chmod(0o600)

    assert content_hash(folder) == before


def test_the_executable_bit_changes_the_hash(folder):
    before = content_hash(folder)

    (folder / "server" / "app.py").chmod(0o755)

    assert content_hash(folder) != before


def test_content_and_names_change_the_hash(folder):
    seen = {content_hash(folder)}

    (folder / "server" / "app.py").write_text("print('hullo')\n")
    seen.add(content_hash(folder))
    (folder / "server" / "app.py").rename(folder / "server" / "main.py")
    seen.add(content_hash(folder))
    (folder / "server" / "empty.py").touch()
    seen.add(content_hash(folder))

    assert len(seen) == 4


def test_a_byte_cannot_wander_from_a_name_into_content(tmp_path):
    for folder, name, content in (("one", "ab", "c"), ("two", "a", "bc")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)

    assert content_hash(tmp_path / "one") != content_hash(tmp_path / "two")


def test_everything_that_the_dockerfile_copies_is_hashed():
    directory = serving_image_directory()
    hashed = set(context._files(directory))
    copies = [
        line.replace("${REQUIREMENTS}", "requirements.txt").split()[1:-1]
        for line in (directory / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]

    sources = [word for words in copies for word in words if not word.startswith("--")]

    assert directory / "Dockerfile" in hashed
    assert directory / "requirements.txt" in hashed
    for source in sources:
        path = directory / source
        wanted = {path} if path.is_file() else {*path.rglob("*.py"), *path.rglob("*.txt")}
        assert wanted
        assert wanted <= hashed


def test_a_missing_context_says_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(context, "__file__", str(tmp_path / "a" / "b" / "c" / "context.py"))

    with pytest.raises(ImageError, match="neither in the installed package"):
        serving_image_directory()

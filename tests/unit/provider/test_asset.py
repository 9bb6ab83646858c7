"""The content of assets."""

import os
import zipfile

import pytest

from modelway.emulator.provider.asset import open_asset
from modelway.emulator.provider.wire import Asset, read_struct, write_struct
from modelway.errors import EmulatorError


def content(asset, directory=""):
    with open_asset(asset, str(directory)) as opened:
        return opened.read()


def test_text_is_its_own_content():
    assert content(Asset({"text": "grüezi"})) == "grüezi".encode()


def test_a_relative_path_begins_at_the_program(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07")

    assert content(Asset({"path": "model.onnx"}), tmp_path) == b"\x08\x07"


def test_a_file_s_address_is_read(tmp_path):
    (tmp_path / "a b").write_bytes(b"x")

    assert content(Asset({"uri": (tmp_path / "a b").as_uri()})) == b"x"


def test_a_missing_file_is_named():
    with pytest.raises(EmulatorError, match=r"reading the asset gone\.bin: .*No such file"):
        content(Asset({"path": "gone.bin"}), "/nowhere")


def test_an_address_that_is_no_file_or_page_is_refused():
    with pytest.raises(EmulatorError, match="must be file, http or https, not 'ftp'"):
        content(Asset({"uri": "ftp://127.0.0.1/x"}))


def test_a_value_that_is_no_asset_is_refused():
    with pytest.raises(EmulatorError, match=r"it must be a pulumi\.FileAsset"):
        content("model.onnx")


def test_an_archive_of_a_folder_is_the_same_whenever_it_is_made(tmp_path):
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/inner/b").write_text("2")
    (tmp_path / "folder/a").write_text("1")
    archive = Asset({"path": "folder"}, archive=True)

    first = content(archive, tmp_path)
    os.utime(tmp_path / "folder/a", (0, 0))
    second = content(archive, tmp_path)

    assert first == second
    (tmp_path / "made.zip").write_bytes(first)
    with zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert made.namelist() == ["a", "inner/b"]


def test_an_archive_of_assets_holds_them_by_name(tmp_path):
    inner = Asset({"assets": {"b": Asset({"text": "2"})}}, archive=True)
    archive = Asset({"assets": {"a": Asset({"text": "1"}), "d": inner}}, archive=True)

    (tmp_path / "made.zip").write_bytes(content(archive))

    with zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert {name: made.read(name) for name in made.namelist()} == {"a": b"1", "d/b": b"2"}


def test_an_asset_survives_the_way_through_the_engine():
    asset = Asset({"hash": "abc", "path": "a"})

    assert read_struct(write_struct({"source": asset})).values == {"source": asset}

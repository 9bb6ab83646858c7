import re
from pathlib import Path

import pytest

from modelway.engine.build import MODULE_FILES, build_engine, build_environment
from modelway.engine.toolchain import find_go, pinned_go
from modelway.errors import EngineError


def test_go_mod_pins_the_engine_and_the_clipboard_that_it_needs():
    text = MODULE_FILES[0].read_text()

    assert re.search(
        r"^\s*(require )?github.com/pulumi/pulumi/pkg/v3 v3\.225\.0", text, re.MULTILINE
    )
    assert (
        "replace github.com/atotto/clipboard => "
        "github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e"
    ) in text


def test_the_pinned_files_hold_no_download_addresses():
    requirements = Path(MODULE_FILES[0].with_name("go-requirements.txt"))

    for file in (*MODULE_FILES, requirements):
        assert re.search("https?:", file.read_text()) is None, file.name


def test_the_users_go_settings_cannot_loosen_the_verification():
    environment = build_environment(
        {
            "GOFLAGS": "-mod=mod",
            "GOOS": "plan9",
            "GOROOT": "/elsewhere",
            "GOTOOLCHAIN": "auto",
            "GOWORK": "/w/go.work",
            "GOMODCACHE": "/cache",
            "HTTPS_PROXY": "proxy:1",
        }
    )

    assert environment == {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOMODCACHE": "/cache",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "HTTPS_PROXY": "proxy:1",
    }


def test_a_failed_build_shows_what_go_said_and_leaves_nothing(cache, fake_go):
    fake_go(
        "echo 'go: downloading a.example/b v1.0.0' >&2\n"
        "echo 'verifying a.example/b@v1.0.0: checksum mismatch' >&2\nexit 1"
    )

    with pytest.raises(EngineError) as failed:
        build_engine(cache / "3.225.0" / "built")

    assert "checksum mismatch" in str(failed.value)
    assert "go: downloading" not in str(failed.value)
    assert list((cache / "3.225.0").iterdir()) == []


def test_a_build_that_answers_another_version_is_refused(cache, fake_go):
    fake_go('printf \'#!/bin/sh\\necho v3.1.0\\n\' > "$out"; chmod 755 "$out"')

    with pytest.raises(EngineError, match=r"does not answer 3\.225\.0"):
        build_engine(cache / "3.225.0" / "built")

    assert list((cache / "3.225.0").iterdir()) == []


def test_a_go_that_is_too_old_is_not_used(tmp_path, fake_go):
    script = fake_go("exit 1", version="go1.25.5")

    assert find_go(path=str(script.parent)) is None


def test_a_go_that_is_new_enough_is_used(tmp_path, fake_go):
    script = fake_go("exit 1", version="go1.25.6")

    assert find_go(path=str(script.parent)) == script


def test_the_go_to_install_is_pinned_with_hashes():
    text = MODULE_FILES[0].with_name("go-requirements.txt").read_text()

    assert pinned_go() == "1.26.6"
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) == 10

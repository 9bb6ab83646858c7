"""`modelway check` of a spec whose server loads signed packages alone."""

import textwrap

import pytest

from modelway.cli.check import check
from modelway.cli.sign import sign
from packages import change_byte, write_keys, write_package

IMAGE = "repository.example/server@sha256:" + "a" * 64


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return write_package(tmp_path / "fraud-1")


@pytest.fixture
def checked(tmp_path, run_command):
    """Check a spec with these keys."""

    def run(keys, path="fraud-1", more=""):
        spec = tmp_path / "fraud.yaml"
        spec.write_text(
            f"name: fraud\nmodel:\n  path: {path}\nimage: {IMAGE}\nserving:\n  environment:\n"
            "    MODEL_SERVER_TRUSTED_KEYS: |\n"
            f"{textwrap.indent(keys, ' ' * 6)}\n{more}"
        )
        return run_command(check, "fraud.yaml")

    return run


def test_a_package_that_a_trusted_key_signed_is_ok(package, keys, checked, run_command):
    run_command(sign, str(package), "--key", str(keys[0]))

    result = checked(keys[1].read_text())

    assert (result.exit_code, result.stdout) == (0, "fraud.yaml: ok (local)\n")


def test_an_unsigned_package_is_a_problem_of_the_path(package, keys, checked):
    result = checked(keys[1].read_text())

    assert result.exit_code == 2
    assert result.stdout.startswith(
        "fraud.yaml:3: model.path: with MODEL_SERVER_TRUSTED_KEYS the server will not load it: "
    )
    assert "it is not signed: there is no `model.sig`" in result.stdout
    assert f"`modelway sign {package} --key FILE`" in result.stdout


def test_another_signer_is_told_without_the_name_of_a_passing_file(
    package, keys, checked, tmp_path, run_command
):
    other = write_keys(tmp_path / "other")
    run_command(sign, str(package), "--key", str(other[0]))

    result = checked(keys[1].read_text())

    assert result.exit_code == 2
    assert "fraud.yaml:3: model.path: " in result.stdout
    assert "not by a trusted key, or it was changed; trusted are " in result.stdout
    assert "(MODEL_SERVER_TRUSTED_KEYS)" in result.stdout
    assert "modelway-trust-" not in result.stdout


def test_a_package_that_was_changed_is_told_once(package, keys, checked, run_command):
    run_command(sign, str(package), "--key", str(keys[0]))
    change_byte(package / "MODEL_CARD.md")

    result = checked(keys[1].read_text())

    assert result.exit_code == 2
    assert result.stdout.count("fraud.yaml:3: model.path: ") == 1
    assert "MODEL_CARD.md" in result.stdout


def test_a_model_that_is_no_package_is_told_what_to_do(package, keys, checked):
    result = checked(keys[1].read_text(), path="fraud-1/model.onnx")

    assert result.exit_code == 2
    assert "model.onnx is no package, and with MODEL_SERVER_TRUSTED_KEYS" in result.stdout
    assert "`modelway package`" in result.stdout


def test_keys_that_cannot_be_used_are_a_problem_of_the_setting_told_once(package, checked):
    result = checked(
        "-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----",
        more="challengers:\n- name: b\n  model:\n    path: fraud-1\n  traffic_percent: 5\n",
    )

    assert result.exit_code == 2
    (line,) = result.stdout.splitlines()
    assert line.startswith("fraud.yaml:7: serving.environment.MODEL_SERVER_TRUSTED_KEYS: ")
    assert "MODEL_SERVER_TRUSTED_KEYS holds a public key that is damaged (in local)" in line


def test_keys_in_the_image_are_not_known_here(package, checked):
    result = checked("/opt/keys")

    assert (result.exit_code, result.stdout) == (0, "fraud.yaml: ok (local)\n")

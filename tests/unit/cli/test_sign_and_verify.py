"""`modelway sign` and `modelway verify`."""

import json

import pytest

from modelway.cli.sign import sign
from modelway.cli.verify import verify
from modelway.errors import PackageError
from modelway.package.packing import pack_package
from packages import change_byte, write_keys, write_package


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path / "fraud-1")


@pytest.fixture
def signed(package, keys, run_command):
    assert run_command(sign, str(package), "--key", str(keys[0])).exit_code == 0
    return package


def test_a_package_is_signed_and_verified(package, keys, run_command):
    made = run_command(sign, str(package), "--key", str(keys[0]))
    found = run_command(verify, str(package), "--key", str(keys[1]))

    assert made.exit_code == 0
    assert made.stdout.startswith(f"signed {package} with the key ")
    assert found.exit_code == 0
    assert found.stdout.startswith("verified fraud 1, sha256:")
    assert found.stdout.endswith(f"signed with the key in {keys[1]}\n")


def test_both_print_json(package, keys, run_command):
    made = run_command(sign, str(package), "--key", str(keys[0]), "--json")
    found = run_command(verify, str(package), "--key", str(keys[1]), "--json")

    said = json.loads(found.stdout)
    assert said.pop("digest").startswith("sha256:")
    assert said == {
        "verified": True,
        "name": "fraud",
        "version": "1",
        "key_id": json.loads(made.stdout)["key_id"],
        "key": str(keys[1]),
    }


def test_a_changed_package_ends_with_the_error_that_main_prints(signed, keys, run_command):
    change_byte(signed / "model.onnx")

    result = run_command(verify, str(signed), "--key", str(keys[1]))

    assert isinstance(result.exception, PackageError)
    assert result.exception.exit_status == 1
    assert "`model.onnx` was changed" in str(result.exception)
    assert result.stdout == ""


def test_an_archive_is_verified(signed, keys, tmp_path, run_command):
    pack_package(signed, tmp_path / "model.tar.gz")

    result = run_command(verify, str(tmp_path / "model.tar.gz"), "--key", str(keys[1]))

    assert result.exit_code == 0
    assert "verified fraud 1" in result.stdout


def test_an_archive_of_another_package_is_refused(package, keys, tmp_path, run_command):
    pack_package(package, tmp_path / "model.tar.gz")

    result = run_command(verify, str(tmp_path / "model.tar.gz"), "--key", str(keys[1]))

    assert str(result.exception).startswith(
        f"the package {tmp_path / 'model.tar.gz'} is refused: it is not signed"
    )


def test_a_key_of_several_suffices(signed, keys, tmp_path, run_command):
    others = write_keys(tmp_path / "others")

    result = run_command(verify, str(signed), "--key", str(others[1]), "--key", str(keys[1]))

    assert result.exit_code == 0


def test_the_passphrase_comes_from_the_environment(package, tmp_path, monkeypatch, run_command):
    private, public = write_keys(tmp_path / "keys", passphrase=b"open sesame")
    monkeypatch.setenv("MODELWAY_KEY_PASSPHRASE", "open sesame")

    assert run_command(sign, str(package), "--key", str(private)).exit_code == 0
    assert run_command(verify, str(package), "--key", str(public)).exit_code == 0


def test_without_a_terminal_nobody_is_asked_for_the_passphrase(package, tmp_path, run_command):
    private, _ = write_keys(tmp_path / "keys", passphrase=b"open sesame")

    result = run_command(sign, str(package), "--key", str(private))

    assert "put it into MODELWAY_KEY_PASSPHRASE" in str(result.exception)


@pytest.mark.parametrize("options", [[], ["--key", "a.pem", "--kms", "alias/models"]])
def test_one_key_must_be_named(package, run_command, options):
    result = run_command(sign, str(package), *options)

    assert result.exit_code == 2
    assert "give one of --key FILE and --kms KEY" in result.output


def test_a_verification_without_keys_is_a_wrong_command(package, run_command):
    assert run_command(verify, str(package)).exit_code == 2

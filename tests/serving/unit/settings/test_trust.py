"""Trusted keys come from the image or the environment, never from a model's folder."""

import pytest

from model_server.settings.reader import SettingsError
from model_server.settings.server import Settings

PEM = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"


def read(tmp_path, keys):
    """Read the settings of a server with its models below `tmp_path`."""
    return Settings.from_environment(
        {
            "MODEL_SERVER_MODEL_DIR": str(tmp_path / "model"),
            "MODEL_SERVER_MODELS_DIR": str(tmp_path / "models"),
            "MODEL_SERVER_TRUSTED_KEYS": keys,
        }
    ).trust.trusted_keys


def refused(tmp_path, keys):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, keys)
    (problem,) = caught.value.problems
    return problem


def test_without_the_setting_nobody_is_asked_for_a_signature():
    assert Settings.from_environment({}).trust.trusted_keys is None


def test_keys_are_a_file_a_folder_or_text(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.pem").write_text(PEM)

    assert read(tmp_path, str(tmp_path / "keys")) == str(tmp_path / "keys")
    assert read(tmp_path, str(tmp_path / "keys/a.pem")) == str(tmp_path / "keys/a.pem")
    assert read(tmp_path, PEM) == PEM


def test_an_empty_setting_does_not_switch_signatures_off(tmp_path):
    assert refused(tmp_path, "") == (
        "MODEL_SERVER_TRUSTED_KEYS is empty; name keys, or do not set it"
    )


def test_keys_that_are_not_there_are_refused(tmp_path):
    assert "which is no file and no folder" in refused(tmp_path, str(tmp_path / "keys"))


@pytest.mark.parametrize("place", ["model", "model/keys", "models", "models/fraud/keys"])
def test_keys_inside_a_model_folder_are_refused(tmp_path, place):
    (tmp_path / place).mkdir(parents=True)

    assert "inside a model folder; keys never come with a model artifact" in (
        refused(tmp_path, str(tmp_path / place))
    )


def test_a_link_to_keys_inside_a_model_folder_is_refused(tmp_path):
    (tmp_path / "model/keys").mkdir(parents=True)
    (tmp_path / "keys").symlink_to("model/keys")

    assert "inside a model folder" in refused(tmp_path, str(tmp_path / "keys"))

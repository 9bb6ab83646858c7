from pathlib import Path

from modelway.engine import Engine, engine_environment

ENGINE = Engine(Path("/e/pulumi"), "3.225.0", "built", (Path("/e"), Path("/hosts")))


def test_the_engine_comes_first_on_path_and_only_once():
    environment = engine_environment(ENGINE, {"PATH": "/usr/bin:/hosts:/bin"})

    assert environment["PATH"] == "/e:/hosts:/usr/bin:/bin"


def test_providers_come_before_the_engine():
    environment = engine_environment(ENGINE, {"PATH": "/bin"}, path_entries=[Path("/p")])

    assert environment["PATH"] == "/p:/e:/hosts:/bin"


def test_an_engine_that_the_given_path_does_not_reach_is_added(tmp_path):
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("")
    pulumi.chmod(0o755)
    engine = Engine(pulumi, "3.250.0", "path", ())

    assert engine_environment(engine, {"PATH": f"/bin:{tmp_path}"})["PATH"] == f"/bin:{tmp_path}"
    assert engine_environment(engine, {"PATH": "/bin"})["PATH"] == f"{tmp_path}:/bin"


def test_only_what_is_asked_for_is_set():
    environment = engine_environment(ENGINE, {"PATH": "/bin", "OTHER": "kept"})

    assert environment == {
        "OTHER": "kept",
        "PATH": "/e:/hosts:/bin",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def test_backend_home_passphrase_and_downloads_can_be_set():
    environment = engine_environment(
        ENGINE,
        {"PATH": "/bin", "PULUMI_CONFIG_PASSPHRASE_FILE": "/secret"},
        home=Path("/srv/p"),
        backend_url="file:///state",
        passphrase="",
        acquire_plugins=False,
    )

    assert environment == {
        "PATH": "/e:/hosts:/bin",
        "PULUMI_BACKEND_URL": "file:///state",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": "/srv/p",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

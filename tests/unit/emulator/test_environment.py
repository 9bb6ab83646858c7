"""What programs are given so that they find the emulator, and nothing else."""

import shlex
import subprocess
import sys
from pathlib import Path

from modelway.emulator.environment import (
    child_environment,
    client_environment,
    posix_exports,
    server_environment,
)

URL = "http://127.0.0.1:4510"


def test_every_way_to_aws_leads_to_the_emulator():
    base = {"PATH": "/usr/bin", "AWS_ENDPOINT_URL_S3": "https://s3.example.com"}

    environment = client_environment(URL, Path("/srv/state"), base)

    assert environment["AWS_ENDPOINT_URL"] == URL
    assert environment["AWS_ENDPOINT_URL_S3"] == URL
    assert environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "false"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["MODELWAY_EMULATOR_URL"] == URL
    assert environment["MODELWAY_POLL_SECONDS"] == "0.2"


def test_a_users_proxy_is_not_asked_for_this_machine():
    base = {"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "intranet"}

    environment = client_environment(URL, Path("/srv/state"), base)

    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,intranet,localhost"
    assert "HTTP_PROXY" not in environment


def test_a_child_keeps_its_parents_variables_except_those_of_a_real_account():
    base = {"EDITOR": "vi", "AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "t", "AWS_REGION": "x"}

    environment = child_environment(URL, Path("/srv/state"), base)

    assert environment["EDITOR"] == "vi"
    assert environment["AWS_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment


def test_a_childs_python_is_this_one():
    environment = child_environment(URL, Path("/srv/state"), {"PATH": "/usr/bin"})

    entries = environment["PATH"].split(":")
    assert entries[0].endswith("modelway/emulator/bin")
    assert entries[-2:] == [str(Path(sys.executable).parent), "/usr/bin"]


def test_pulumi_keeps_its_state_beside_the_emulators():
    environment = client_environment(URL, Path("/srv/state"), {"PATH": "/usr/bin"})

    assert environment["PULUMI_BACKEND_URL"] == "file:///srv/state/pulumi"
    assert environment["PULUMI_CONFIG_PASSPHRASE"] == "modelway-emulator"


def test_the_emulators_programs_come_first_on_path():
    environment = client_environment(URL, Path("/srv/state"), {"PATH": "/one:/two:/one"})

    entries = environment["PATH"].split(":")
    assert entries[0].endswith("modelway/emulator/bin")
    assert entries[-3:-1] == ["/one", "/two"]


def test_the_command_itself_is_found_last_on_path():
    environment = client_environment(URL, Path("/srv/state"), {"PATH": "/one"})

    assert environment["PATH"].split(":")[-1] == str(Path(sys.executable).parent)


def test_exports_survive_spaces_quotes_and_dollars():
    value = """a b'c "d" $HOME `id`"""

    script = posix_exports({"NAME": value}) + 'printf %s "$NAME"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout == value


def test_exports_clear_what_would_lead_to_a_real_account():
    script = posix_exports({}) + 'printf %s "${AWS_PROFILE-unset} ${AWS_SESSION_TOKEN-unset}"'
    real = {"AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "t"}
    shown = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env=real
    )

    assert shown.stdout == "unset unset"
    assert shlex.split(script)[0] == "unset"


def test_the_emulators_own_process_gets_no_credentials():
    base = {
        "PATH": "/usr/bin",
        "HOME": "/srv/a",
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "prod",
        "GITHUB_TOKEN": "real",
        "PIP_INDEX_URL": "https://mirror.example.com/python",
        "no_proxy": "intranet",
    }

    environment = server_environment(base)

    assert "real" not in " ".join(environment.values()).lower()
    assert "AWS_PROFILE" not in environment
    assert environment["PATH"] == "/usr/bin"
    assert environment["PIP_INDEX_URL"] == "https://mirror.example.com/python"
    assert environment["NO_PROXY"] == "127.0.0.1,intranet,localhost"
    assert environment["TZ"] == "UTC"

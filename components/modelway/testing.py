"""For users' own tests: an emulator, a stack that the real engine brings up, and recording mocks.

Installed as a pytest plugin with modelway, so the fixtures are simply there:

    def test_the_endpoint_answers(modelway_emulator, modelway_client, tmp_path):
        PulumiStack(Path("."), modelway_emulator, tmp_path).up()
        answer = modelway_client("sagemaker-runtime").invoke_endpoint(
            EndpointName="digits-local", ContentType="text/csv", Body="0," * 63 + "0"
        )

`modelway_aws` leads plain boto3 in the test's own process, and what it calls, to the emulator.
Gives nothing that touches the real AWS: every environment made here names the emulator, dummy
keys and a proxy that refuses whatever is not on this machine.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PROXY_THAT_REFUSES = "http://127.0.0.1:9"
"""Port 9 (discard): nobody listens there, so every call that is not for loopback is refused."""

_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "XDG_CACHE_HOME", "GOPATH", "GOMODCACHE")


def isolation() -> dict[str, str]:
    """Give the variables that keep a process away from any real account and from the network."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": PROXY_THAT_REFUSES,
        "HTTPS_PROXY": PROXY_THAT_REFUSES,
        "http_proxy": PROXY_THAT_REFUSES,
        "https_proxy": PROXY_THAT_REFUSES,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def refuse_the_outside(patch: pytest.MonkeyPatch) -> None:
    """Set `isolation()` in this process and drop every other variable that names an account."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PULUMI_", "MODELWAY_")):
            patch.delenv(name)
    for name, value in isolation().items():
        patch.setenv(name, value)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give a child's whole environment: a few kept variables, `isolation()`, then `extra`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | isolation() | dict(extra)


class PulumiStack:
    """One stack of a project, driven by the literal `pulumi` against an emulator.

    Args:
        project: folder with `Pulumi.yaml`; copied, so that nothing is written there.
        emulator: the running emulator.
        work_dir: an empty folder for the copy, such as pytest's `tmp_path`.
        stack: the stack's name. Default: `local`.
    """

    def __init__(self, project: Path, emulator: Any, work_dir: Path, stack: str = "local") -> None:
        self.emulator = emulator
        self.stack = stack
        self.directory = work_dir / "project"
        shutil.copytree(
            project,
            self.directory,
            ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "serving_image"),
        )
        path = emulator.child_environment()["PATH"]
        self.environment = child_environment(emulator.environment() | {"PATH": path})

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi` with these arguments; with `check`, a failure raises with all it printed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        if check and done.returncode != 0:
            message = f"pulumi {' '.join(arguments)} exited with {done.returncode}\n"
            raise AssertionError(message + done.stdout + done.stderr)
        return done

    def select(self) -> None:
        """Make the stack if need be, and select it."""
        self.run("stack", "select", "--create", self.stack)

    def up(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi up`."""
        self.select()
        return self.run("up", "--yes", "--skip-preview", check=check)

    def destroy(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi destroy`."""
        return self.run("destroy", "--yes", "--skip-preview", check=check)

    def changes(self) -> dict[str, int]:
        """Run `pulumi preview` and give the count of each operation, such as `{"same": 12}`."""
        self.select()
        preview = json.loads(self.run("preview", "--json").stdout)
        return {kind: int(count) for kind, count in preview["changeSummary"].items()}

    def outputs(self) -> dict[str, Any]:
        """Give the stack's outputs, secrets hidden."""
        return json.loads(self.run("stack", "output", "--json").stdout)

    def resources(self) -> list[dict[str, Any]]:
        """Give the resources in the stack's state."""
        exported = json.loads(self.run("stack", "export").stdout)
        return exported["deployment"].get("resources", [])


@pytest.fixture(scope="session")
def modelway_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An emulator of this test session on a free port; AWS's waits are 60 times shorter."""
    from modelway.emulator.process import start

    state = tmp_path_factory.mktemp("emulator")
    running = start(port=0, time_scale=60.0, state=state)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def modelway_client(modelway_emulator: Any) -> Callable[..., Any]:
    """A function that makes boto3 clients of the session's emulator: `client("sagemaker")`."""
    import boto3

    def client(service: str, **options: Any) -> Any:
        # A session of its own under the emulator's variables: botocore reads the user's profile
        # even for a client that is given keys.
        options = {"endpoint_url": modelway_emulator.url, "region_name": "us-east-1"} | options
        with pytest.MonkeyPatch.context() as patch:
            refuse_the_outside(patch)
            return boto3.session.Session().client(service, **options)

    return client


@pytest.fixture
def modelway_aws(modelway_emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lead plain `boto3.client("s3")` in this test to the session's emulator, which is given."""
    import boto3

    refuse_the_outside(monkeypatch)
    for name, value in modelway_emulator.environment().items():
        monkeypatch.setenv(name, value)
    # A default session made before would keep the old credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return modelway_emulator

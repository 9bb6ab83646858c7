"""Where servers trust a key, `pulumi up` of what it did not sign fails with the server's reason.

`tests/integration/hosting` shows what the server does; this is what the user of an engine reads.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from modelway.package.keys import read_private_key
from modelway.package.signing import sign_package
from packages import write_keys, write_package

pytestmark = pytest.mark.integration

COMMANDS = Path(sys.executable).parent


@pytest.fixture
def trusting(deploy, tmp_path):
    """Make a deployment of a package, on servers that trust a key which did not sign it."""
    _private, public = write_keys(tmp_path / "trusted")

    def make(name, package):
        environment = {"MODEL_SERVER_TRUSTED_KEYS": public.read_text()}
        return deploy(name, model={"path": str(package)}, serving={"environment": environment})

    return make


@pytest.fixture
def there(modelway_client):
    """Tell what SageMaker has of a deployment."""
    sagemaker = modelway_client("sagemaker")

    def found(name):
        return [
            *sagemaker.list_endpoints(NameContains=name)["Endpoints"],
            *sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"],
            *sagemaker.list_models(NameContains=name)["Models"],
        ]

    return found


def status(deployment):
    """Run the command that the failure names."""
    return subprocess.run(
        [COMMANDS / "modelway", "status", deployment.endpoint],
        env=deployment.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_up_of_what_no_trusted_key_signed_says_why_and_what_to_do_and_leaves_nothing(
    trusting, there, tmp_path
):
    package = write_package(tmp_path / "fraud-1")
    deployment = trusting("unsigned", package)

    failed = deployment.up(check=False)

    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "did not pass the ping health check" in text
    assert "The container's own: the model folder has no model.sig, so it is not signed" in text
    assert "Sign the package with a trusted key (`modelway sign PACKAGE --key FILE`)" in text
    assert there("unsigned") == []

    asked = status(deployment)
    assert asked.returncode == 1
    assert "there is none of this name" in asked.stderr
    assert "the model folder has no model.sig" in asked.stderr

    private, _public = write_keys(tmp_path / "mallory")
    sign_package(package, read_private_key(private, None))
    failed = deployment.up(check=False)

    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "The container's own: model.sig is signed by the key" in text
    assert "not by a trusted key" in text
    assert "add its signer's to MODEL_SERVER_TRUSTED_KEYS under `serving.environment`" in text
    assert there("unsigned") == []

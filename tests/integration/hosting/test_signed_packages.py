"""An endpoint with a trusted key serves signed packages, and fails with the reason otherwise."""

import numpy as np
import pytest

from modelway.package.keys import read_private_key
from modelway.package.packing import pack_package
from modelway.package.signing import sign_package
from packages import write_keys, write_package_with_weights

pytestmark = pytest.mark.integration


@pytest.fixture
def keys(tmp_path):
    return write_keys(tmp_path / "keys")


@pytest.fixture
def host(account, name, keys, tmp_path):
    """Host a package in an archive, with the public key in the container's environment."""

    def run(folder):
        pack_package(folder, tmp_path / "model.tar.gz")
        bucket, key = "hosting-models", f"{name}/model.tar.gz"
        account.client("s3").put_object(
            Bucket=bucket, Key=key, Body=(tmp_path / "model.tar.gz").read_bytes()
        )
        account.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=account.role,
            PrimaryContainer={
                "Image": account.image,
                "ModelDataUrl": f"s3://{bucket}/{key}",
                "Environment": {"MODEL_SERVER_TRUSTED_KEYS": keys[1].read_text()},
            },
        )
        account.config(name, ("primary", name, 1.0, 1))
        account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return account.settled(name)["EndpointStatus"]

    return run


def test_a_signed_package_is_served(host, account, name, keys, tmp_path):
    package = write_package_with_weights(tmp_path / "fraud-1")
    sign_package(package, read_private_key(keys[0], None))

    assert host(package) == "InService"
    assert account.predict(name, np.ones((1, 4), np.float32)).tolist() == [[18.0, 22.0, 26.0]]


def test_an_unsigned_package_fails_the_endpoint_with_the_reason_in_its_log(
    host, account, name, tmp_path
):
    package = write_package_with_weights(tmp_path / "fraud-1")

    assert host(package) == "Failed"
    log = "".join(account.status(name)["last_failure_log"])
    assert "the model folder has no model.sig, so it is not signed" in log

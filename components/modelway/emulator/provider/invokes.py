"""The functions of the `aws` package that the emulator answers."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from botocore.loaders import create_loader

from modelway.emulator.provider.policy_document import policy_document
from modelway.emulator.provider.target import Setup
from modelway.errors import EmulatorError

Result = dict[str, Any]


def invoke(token: str, args: Mapping[str, Any], setup: Setup) -> Result:
    """Answer a function, for example `aws:index/getRegion:getRegion`.

    Raises:
        EmulatorError: the function is not covered, or refuses its arguments.
    """
    function = INVOKES.get(token)
    if function is None:
        covered = ", ".join(sorted(INVOKES))
        raise EmulatorError(
            f"calling {token}: the emulator's aws provider does not have this function; "
            f"it has: {covered}"
        )
    return function(args, setup)


def _caller_identity(args: Mapping[str, Any], setup: Setup) -> Result:
    del args
    told = setup.clients.method("sts", "GetCallerIdentity", setup.region)()
    return {
        "accountId": told["Account"],
        "arn": told["Arn"],
        "userId": told["UserId"],
        "id": told["Account"],
    }


def _authorization_token(args: Mapping[str, Any], setup: Setup) -> Result:
    region = str(args.get("region") or setup.region)
    (told,) = setup.clients.method("ecr", "GetAuthorizationToken", region)()["authorizationData"]
    token = told["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return {
        "authorizationToken": token,
        "expiresAt": told["expiresAt"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "id": region,
        "password": password,
        "proxyEndpoint": told["proxyEndpoint"],
        "region": region,
        "userName": user,
    }


def _region(args: Mapping[str, Any], setup: Setup) -> Result:
    endpoint = args.get("endpoint")
    name = (
        args.get("region")
        or args.get("name")
        or (str(endpoint).split(".")[1] if endpoint else setup.region)
    )
    partition = _partition_of(str(name))
    known = partition["regions"].get(name, {})
    return {
        "region": name,
        "name": name,
        "description": known.get("description", name),
        "endpoint": f"ec2.{name}.{partition['dnsSuffix']}",
        "id": name,
    }


def _partition(args: Mapping[str, Any], setup: Setup) -> Result:
    del args
    partition = _partition_of(setup.region)
    suffix = partition["dnsSuffix"]
    return {
        "partition": partition["partition"],
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
        "id": partition["partition"],
    }


def _partition_of(region: str) -> dict[str, Any]:
    partitions: list[dict[str, Any]] = create_loader().load_data("endpoints")["partitions"]
    return next((each for each in partitions if region in each["regions"]), partitions[0])


def _policy_document(args: Mapping[str, Any], setup: Setup) -> Result:
    del setup
    return policy_document(args)


INVOKES: Mapping[str, Callable[[Mapping[str, Any], Setup], Result]] = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}

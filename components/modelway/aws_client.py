"""boto3 clients for dynamic resources, which the engine calls in many threads of one process.

Takes a service, a region and a profile; gives one client for each, made once. Importing this module
must not import boto3: that takes a tenth of a second, which a preview does not need.
"""

from functools import cache
from threading import Lock
from typing import Any

API_ATTEMPTS = 10
"""botocore's own tries of one call, for throttling and lost connections."""

CONNECTIONS = 32
"""As many as resources are deployed at a time (`modelway.engine.hosts.dynamic`)."""

# Not only the clients: two threads that import boto3 at once may see it half initialised.
_one_maker = Lock()


def aws_client(service: str, region: str, profile: str | None = None) -> Any:
    """Give a client; it is safe in threads and renews its credentials.

    Args:
        service: boto3's name of it, such as `sagemaker`.
        region: the region that it talks to.
        profile: of the user's AWS configuration. Default: boto3's own choice.
    """
    with _one_maker:
        return _made(service, region, profile)


@cache
def _made(service: str, region: str, profile: str | None) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    connections = Config(
        retries={"mode": "standard", "total_max_attempts": API_ATTEMPTS},
        max_pool_connections=CONNECTIONS,
    )
    return Session(region_name=region, profile_name=profile).client(service, config=connections)

"""Clients of AWS services, through botocore.

Takes a service's name, gives a client that fails soon: whoever calls it tries again itself.
Credentials, region and endpoint come from botocore's own standard chain and from nowhere else.
"""

from typing import Any

from model_server.observe.errors import SinkFailed


def client(service: str, **options: Any) -> Any:
    """Give a client of a service.

    Args:
        service: such as ``s3``.
        **options: of botocore's ``create_client``.

    Raises:
        SinkFailed: there is no region, for example.
    """
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=1,
        user_agent_extra="model-server",
    )
    try:
        return get_session().create_client(service, config=config, **options)
    except Exception as error:
        raise SinkFailed(f"a client for {service} could not be made: {error}") from error

"""boto3 clients for the emulator itself, and the shapes of AWS's operations.

Clients are made once per service and region and shared by all threads, which boto3 allows. They
have credentials and an address of their own: nothing of the environment reaches them, so that no
call can leave this machine.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.model import ServiceModel

_CONFIG = Config(
    # The emulator refuses with codes that a second try would not change.
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=300,
    max_pool_connections=64,
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    parameter_validation=True,
    proxies={},
)

_NO_ENVIRONMENT = {
    "profile": (None, None, None, None),
    "config_file": (None, None, "/dev/null", None),
    "credentials_file": (None, None, "/dev/null", None),
    "ignore_configured_endpoint_urls": (None, None, True, None),
}
"""botocore's session variables: (configuration file's name, environment's name, default, type)."""


@cache
def service_model(service: str) -> ServiceModel:
    """Give botocore's model of a service, by boto3's name of it."""
    return botocore.session.get_session().get_service_model(service)


@cache
def method_name(operation: str) -> str:
    """Give boto3's name of an operation."""
    return botocore.xform_name(operation)


class Clients:
    """Makes and keeps the clients for one emulator.

    Args:
        url: the emulator's address, for example `http://127.0.0.1:4510`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        self._session: botocore.session.Session | None = None

    def client(self, service: str, region: str) -> Any:
        """Give the client of a service in a region."""
        key = (service, region)
        made = self._made.get(key)
        if made is not None:
            return made
        with self._lock:  # botocore's session is not to be used by two threads at once
            if key not in self._made:
                self._made[key] = self._make(service, region)
            return self._made[key]

    def of_account(self, service: str, region: str, account: str) -> Any:
        """Give a client of its own that acts in an account, which credentials say on AWS."""
        with self._lock:
            made = self._make(service, region)

        def name_account(request: Any, **_: Any) -> None:
            request.headers["x-moto-account-id"] = account

        made.meta.events.register(f"before-sign.{service}", name_account)
        return made

    def method(self, service: str, operation: str, region: str) -> Callable[..., dict[str, Any]]:
        """Give the client's method of an operation, by AWS's own name of it."""
        method: Callable[..., dict[str, Any]] = getattr(
            self.client(service, region), method_name(operation)
        )
        return method

    def input_shape(self, service: str, operation: str) -> Any:
        """Give the shape of what an operation takes."""
        return service_model(service).operation_model(operation).input_shape

    def output_shape(self, service: str, operation: str) -> Any:
        """Give the shape of what an operation answers."""
        return service_model(service).operation_model(operation).output_shape

    def _make(self, service: str, region: str) -> Any:
        if self._session is None:
            self._session = botocore.session.Session(session_vars=_NO_ENVIRONMENT)
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="modelway",
            aws_secret_access_key="modelway",
            config=_CONFIG,
        )

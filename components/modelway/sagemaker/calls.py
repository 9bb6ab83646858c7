"""Calls to one AWS service: what passes by itself is waited out, within bounds.

Takes a boto3 client (or anything with the same methods), gives its answers. It must not know which
service it talks to, and must not decide what an error means for the caller.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import exceptions as botocore
from botocore.exceptions import ClientError

ATTEMPTS = 6
"""Tries of one call. With a poll of 15 s that is a minute and a half, longer than a new IAM role
needs to be known everywhere (IAM user guide, "Changes that I make are not always visible")."""

LONGEST_PAUSE_SECONDS = 20.0
"""Between two tries."""

THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes that botocore itself calls throttling, for when its own retries were not enough."""

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""Error codes of credentials that were good and are not any more (botocore, common errors)."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
"""Error codes of a permission that is missing."""


@dataclass
class Calls:
    """One service.

    Args:
        client: a boto3 client.
        poll_seconds: pause between two looks at what is changing, above 0.
        sleep: waits for some seconds.
        monotonic: gives the time in seconds; bounds every wait.
    """

    client: Any
    poll_seconds: float = 15.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def call(self, operation: str, **parameters: Any) -> Any:
        """Call an operation, waiting out throttling and lost connections."""
        return self.tried(operation, parameters, may_retry=is_throttled)

    def tried(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        may_retry: Callable[[Exception], bool],
    ) -> Any:
        """Call an operation, again as long as its error is one that passes."""
        for attempt in range(ATTEMPTS):
            try:
                return getattr(self.client, operation)(**parameters)
            except (ClientError, botocore.ConnectionError, botocore.HTTPClientError) as error:
                if attempt + 1 == ATTEMPTS or not may_retry(error):
                    raise
            self.sleep(min(self.poll_seconds * 2**attempt, LONGEST_PAUSE_SECONDS))
        raise AssertionError(operation)


Service = Callable[[str], Calls]
"""Gives the calls to a service by boto3's name of it, such as `cloudwatch`."""


def error_code(error: Exception) -> str:
    """Give AWS's error code, or empty for another kind of error."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: Exception) -> str:
    """Give what AWS said, with its error code."""
    if not isinstance(error, ClientError):
        return str(error)
    message = error.response.get("Error", {}).get("Message", "")
    return f"{error_code(error)}: {message}"


def is_throttled(error: Exception) -> bool:
    """Tell whether AWS had too much to do, or could not be reached."""
    if isinstance(error, ClientError):
        return error_code(error) in THROTTLED
    return True


def is_expired(error: Exception) -> bool:
    """Tell whether the credentials have run out."""
    return error_code(error) in EXPIRED


def is_denied(error: Exception) -> bool:
    """Tell whether a permission is missing."""
    return error_code(error) in DENIED

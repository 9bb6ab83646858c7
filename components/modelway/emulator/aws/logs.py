"""CloudWatch Logs: retention as AWS validates it, and reads that see every line written so far.

Takes the shared services; changes moto's Logs and starts the log writer.
"""

import json
from collections.abc import Callable
from typing import Any, cast

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogsBackend
from moto.logs.responses import LogsResponse

from modelway.emulator.logs import LogWriter
from modelway.emulator.services import Services

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""PutRetentionPolicy, retentionInDays: the possible values."""

_READS = (
    "delete_log_group",
    "delete_log_stream",
    "describe_log_groups",
    "describe_log_streams",
    "filter_log_events",
    "get_log_events",
    "put_log_events",
    "start_query",
)

_put_retention_policy = LogsBackend.put_retention_policy
_originals: dict[str, Callable[..., Any]] = {name: getattr(LogsBackend, name) for name in _READS}


def install(services: Services) -> None:
    """Extend moto's Logs; once, before serving."""
    writer = cast("LogWriter", services.logs)

    def put_retention_policy(
        backend: LogsBackend, log_group_name: str, retention_in_days: Any
    ) -> None:
        if int(retention_in_days) not in RETENTION_DAYS:
            raise InvalidParameterException(
                constraint="Member must satisfy enum value set: "
                f"[{', '.join(str(days) for days in RETENTION_DAYS)}]",
                parameter="retentionInDays",
                value=retention_in_days,
            )
        _put_retention_policy(backend, log_group_name, retention_in_days)

    LogsBackend.put_retention_policy = put_retention_policy  # type: ignore[method-assign]
    for name, original in _originals.items():
        setattr(LogsBackend, name, _flushed(writer, original))
    LogsResponse.associate_kms_key = _set_key  # type: ignore[attr-defined]
    LogsResponse.disassociate_kms_key = _set_key  # type: ignore[attr-defined]
    writer.start()


def _set_key(response: LogsResponse) -> str:
    """AssociateKmsKey and, without a key, DisassociateKmsKey; moto has neither."""
    given = json.loads(response.body)
    group = response.logs_backend.groups.get(given["logGroupName"])
    if group is None:
        raise ResourceNotFoundException
    group.kms_key_id = given.get("kmsKeyId")
    return ""


def _flushed(writer: LogWriter, original: Callable[..., Any]) -> Callable[..., Any]:
    def method(backend: LogsBackend, *args: Any, **kwargs: Any) -> Any:
        writer.flush()
        return original(backend, *args, **kwargs)

    return method

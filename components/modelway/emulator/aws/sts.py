"""STS, where moto names a caller that AWS could not have: a user of STS instead of one of IAM."""

from typing import Any

from modelway.emulator.services import Services

_USER_ID = "AIDAEMULATOREMULATOR0"
"""The form of an IAM user's unique id (IAM user guide, "IAM identifiers")."""


def install(services: Services) -> None:
    """Extend moto's STS."""
    del services
    from moto.sts.models import STSBackend

    original = STSBackend.get_caller_identity

    def get_caller_identity(self: Any, *args: Any, **kwargs: Any) -> Any:
        user_id, arn, account = original(self, *args, **kwargs)
        if arn.endswith(":user/moto"):
            return _USER_ID, f"arn:{self.partition}:iam::{account}:user/emulator", account
        return user_id, arn, account

    STSBackend.get_caller_identity = get_caller_identity

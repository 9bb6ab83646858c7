"""KMS, where moto loses what was asked for, or does what nobody asked for.

- The period of a key's rotation is kept:
  https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html, 90 to 2560 days,
  default 365.
- A symmetric key gets no RSA key pair, which it cannot use and which takes 60 ms to make.
"""

import json
from datetime import timedelta
from typing import Any

from modelway.emulator.services import Services

_ASYMMETRIC = ("RSA_", "ECC_")
"""How the specs of keys with two halves begin, of those that moto makes."""

_DEFAULT_PERIOD_DAYS = 365
_SHORTEST_PERIOD_DAYS = 90
_LONGEST_PERIOD_DAYS = 2560


def install(services: Services) -> None:
    """Extend moto's KMS."""
    _keep_rotation_periods(services)
    _make_pairs_for_asymmetric_keys_only()


def _keep_rotation_periods(services: Services) -> None:
    from moto.kms.exceptions import ValidationException
    from moto.kms.responses import KmsResponse

    original_enable = KmsResponse.enable_key_rotation

    def enable_key_rotation(self: Any) -> str:
        days = self._get_param("RotationPeriodInDays", _DEFAULT_PERIOD_DAYS)
        if not _SHORTEST_PERIOD_DAYS <= days <= _LONGEST_PERIOD_DAYS:
            raise ValidationException(
                f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to"
                f" satisfy constraint: Member must be between {_SHORTEST_PERIOD_DAYS} and"
                f" {_LONGEST_PERIOD_DAYS}"
            )
        answer: str = original_enable(self)
        key = _key(self)
        key.rotation_period_days = days
        key.rotation_enabled_at = services.clock.utcnow()
        return answer

    def get_key_rotation_status(self: Any) -> str:
        self._validate_cmk_id(self._get_param("KeyId"))
        key = _key(self)
        status: dict[str, Any] = {"KeyId": key.id, "KeyRotationEnabled": key.key_rotation_status}
        if key.key_rotation_status:
            days = getattr(key, "rotation_period_days", _DEFAULT_PERIOD_DAYS)
            status["RotationPeriodInDays"] = days
            since = getattr(key, "rotation_enabled_at", None)
            if since is not None:
                following = since + timedelta(days=days)
                status["NextRotationDate"] = _seconds(following)
        return json.dumps(status)

    KmsResponse.enable_key_rotation = enable_key_rotation
    KmsResponse.get_key_rotation_status = get_key_rotation_status


def _make_pairs_for_asymmetric_keys_only() -> None:
    from moto.core.exceptions import ServiceException
    from moto.kms import models

    class UnsupportedOperation(ServiceException):
        code = "UnsupportedOperationException"

    original_generate = models.generate_private_key
    original_get = models.KmsBackend.get_public_key

    def generate_private_key(key_spec: str) -> Any:
        return original_generate(key_spec) if key_spec.startswith(_ASYMMETRIC) else None

    def get_public_key(self: Any, key_id: str) -> Any:
        key = self.describe_key(key_id)
        if key.private_key is None:
            raise UnsupportedOperation(
                f"{key.arn} key spec is {key.key_spec}: it has no public key"
            )
        return original_get(self, key_id)

    models.generate_private_key = generate_private_key
    models.KmsBackend.get_public_key = get_public_key


def _key(response: Any) -> Any:
    backend = response.kms_backend
    return backend.keys[backend.get_key_id(response._get_param("KeyId"))]  # noqa: SLF001


def _seconds(moment: Any) -> float:
    from moto.core.utils import unix_time

    return unix_time(moment)

"""KMS, where moto loses what was asked for, or does what nobody asked for.

- The period of a key's rotation is kept:
  https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html, 90 to 2560 days,
  default 365.
- A symmetric key gets no RSA key pair, which it cannot use and which takes 60 ms to make.
- An elliptic-curve key signs a digest as it is, and does not hash it again:
  https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html, `MessageType`.
"""

import json
from contextvars import ContextVar
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
    sign_digests_as_they_are()


def sign_digests_as_they_are() -> None:
    """Let Sign and Verify heed `MessageType`, for elliptic-curve keys."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from moto.kms.exceptions import ValidationException
    from moto.kms.responses import KmsResponse
    from moto.kms.utils import ECDSAPrivateKey

    is_digest = ContextVar("is_digest", default=False)
    algorithms = {
        "ECDSA_SHA_256": hashes.SHA256(),
        "ECDSA_SHA_384": hashes.SHA384(),
        "ECDSA_SHA_512": hashes.SHA512(),
    }

    def heeding(original: Any) -> Any:
        def answer(self: Any) -> str:
            token = is_digest.set(self._get_param("MessageType") == "DIGEST")
            try:
                found: str = original(self)
            finally:
                is_digest.reset(token)
            return found

        return answer

    def prehashed(message: bytes, name: str) -> ec.ECDSA:
        algorithm = algorithms[name]
        if len(message) != algorithm.digest_size:
            raise ValidationException(f"Digest is invalid length for algorithm {name}.")
        return ec.ECDSA(Prehashed(algorithm))

    original_sign, original_verify = ECDSAPrivateKey.sign, ECDSAPrivateKey.verify

    def sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
        if not is_digest.get():
            return original_sign(self, message, signing_algorithm)
        signature: bytes = self.private_key.sign(message, prehashed(message, signing_algorithm))
        return signature

    def verify(self: Any, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
        if not is_digest.get():
            return original_verify(self, message, signature, signing_algorithm)
        algorithm = prehashed(message, signing_algorithm)
        try:
            self.private_key.public_key().verify(signature, message, algorithm)
        except InvalidSignature:
            return False
        return True

    ECDSAPrivateKey.sign, ECDSAPrivateKey.verify = sign, verify
    KmsResponse.sign, KmsResponse.verify = heeding(KmsResponse.sign), heeding(KmsResponse.verify)


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

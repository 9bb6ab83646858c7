"""A private key in AWS KMS, which signs there and never leaves it.

Takes a key's id, ARN or alias, gives an object that signs as a key of `cryptography` does. Only the
digest of what is signed is sent. Must not know what is signed.
"""

from typing import TYPE_CHECKING, Any

from modelway.errors import PackageError
from modelway.package.keys import curve_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHMS = {
    "secp256r1": "ECDSA_SHA_256",
    "secp384r1": "ECDSA_SHA_384",
    "secp521r1": "ECDSA_SHA_512",
}
"""KMS's signing algorithm for the curve of each key spec, ECC_NIST_P256, P384 and P521:
docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html."""


class KmsKey:
    """An asymmetric key with the usage SIGN_VERIFY."""

    def __init__(self, name: str, region: str | None = None) -> None:
        """Fetch its public half.

        Args:
            name: id, ARN, or alias such as `alias/models`.
            region: of the key. Default: that of the ARN, else boto3's own.

        Raises:
            PackageError: there is no such key, or it cannot sign as is needed.
        """
        from boto3.session import Session
        from botocore.exceptions import BotoCoreError, ClientError
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        self._name = name
        if region is None and name.startswith("arn:"):
            region = name.split(":")[3]
        try:
            self._client: Any = Session(region_name=region).client("kms")
            answer = self._client.get_public_key(KeyId=name)
        except (BotoCoreError, ClientError) as error:
            raise PackageError(
                f"the KMS key {name} cannot be used: {error}. Signing needs kms:GetPublicKey and "
                "kms:Sign"
            ) from None
        self._public: Any = load_der_public_key(answer["PublicKey"])
        algorithm = ALGORITHMS.get(curve_of(self._public))
        if answer["KeyUsage"] != "SIGN_VERIFY" or algorithm is None:
            raise PackageError(
                f"the KMS key {name} is of the kind {curve_of(self._public)} for "
                f"{answer['KeyUsage']}; allowed are the specs ECC_NIST_P256, ECC_NIST_P384 and "
                "ECC_NIST_P521 with the usage SIGN_VERIFY"
            )
        self._algorithm = algorithm

    def public_key(self) -> "ec.EllipticCurvePublicKey":
        """Give its public half."""
        return self._public

    def sign(self, data: bytes, signature_algorithm: "ec.ECDSA") -> bytes:
        """Let KMS sign the digest, and make sure that it did.

        Raises:
            PackageError: KMS refused, or the signature is not the key's.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.hashes import Hash

        digest = Hash(signature_algorithm.algorithm)  # type: ignore[arg-type]  # never prehashed
        digest.update(data)
        try:
            answer = self._client.sign(
                KeyId=self._name,
                Message=digest.finalize(),
                MessageType="DIGEST",
                SigningAlgorithm=self._algorithm,
            )
            signature: bytes = answer["Signature"]
            self._public.verify(signature, data, signature_algorithm)
        except InvalidSignature:
            raise PackageError(
                f"the KMS key {self._name} gave a signature that is not its own; was the alias "
                "moved to another key meanwhile? Sign again"
            ) from None
        except (BotoCoreError, ClientError) as error:
            raise PackageError(f"the KMS key {self._name} did not sign: {error}") from None
        return signature

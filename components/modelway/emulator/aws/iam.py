"""IAM, where moto accepts what IAM refuses.

- A trust policy is checked when the role is made, not only when it is changed, and must name a
  principal.
- A permissions boundary must exist.

Policies are kept and given back, and not enforced, as in moto.
"""

import json
from typing import Any

from modelway.emulator.services import Services


def install(services: Services) -> None:
    """Extend moto's IAM."""
    del services
    from moto.iam.exceptions import (
        MalformedPolicyDocument,
        NotFoundException,
    )
    from moto.iam.models import IAMBackend
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    original_validate = IAMTrustPolicyDocumentValidator.validate
    original_create_role = IAMBackend.create_role
    original_put_boundary = IAMBackend.put_role_permissions_boundary

    def validate(self: Any) -> None:
        original_validate(self)
        statements = json.loads(self._policy_document)["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if "Principal" not in statement and "NotPrincipal" not in statement:
                raise MalformedPolicyDocument("Missing required field Principal")

    def create_role(
        self: Any,
        role_name: str,
        assume_role_policy_document: str,
        path: str,
        permissions_boundary: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        IAMTrustPolicyDocumentValidator(assume_role_policy_document).validate()
        require_policy(self, permissions_boundary)
        return original_create_role(
            self,
            role_name,
            assume_role_policy_document,
            path,
            permissions_boundary,
            *args,
            **kwargs,
        )

    def put_role_permissions_boundary(self: Any, role_name: str, permissions_boundary: str) -> None:
        require_policy(self, permissions_boundary)
        original_put_boundary(self, role_name, permissions_boundary)

    def require_policy(backend: Any, arn: str | None) -> None:
        # Policies of AWS's own (no account in the ARN) are not all known to moto.
        if arn and f"::{backend.account_id}:" in arn and arn not in backend.managed_policies:
            raise NotFoundException(f"Scope ARN: {arn} does not exist or is not attachable.")

    IAMTrustPolicyDocumentValidator.validate = validate
    IAMBackend.create_role = create_role
    IAMBackend.put_role_permissions_boundary = put_role_permissions_boundary

"""What a scalable target scales: the names in its resource id.

Pure. Formats: RegisterScalableTarget, ResourceId and ScalableDimension.
"""

import re
from dataclasses import dataclass

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
COPY_COUNT = "sagemaker:inference-component:DesiredCopyCount"

_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")


@dataclass(frozen=True)
class VariantResource:
    """`endpoint/NAME/variant/NAME`."""

    endpoint: str
    variant: str

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of the variant's metrics."""
        return {"EndpointName": self.endpoint, "VariantName": self.variant}


def variant_of(resource_id: str) -> VariantResource | None:
    """Give endpoint and variant; None for a resource that is not a variant."""
    match = _VARIANT.fullmatch(resource_id)
    return None if match is None else VariantResource(match["endpoint"], match["variant"])

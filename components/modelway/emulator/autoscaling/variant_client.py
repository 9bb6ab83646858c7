"""The capacity of endpoint variants, read and set through the emulator's own API.

Takes resource names; calls SageMaker and Application Auto Scaling over HTTP, as AWS's service does
with its service-linked role, so that what the scaler changes is written to the journal. Must not be
called with `services.lock` held.
"""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from modelway.emulator.autoscaling.resource import VariantResource

CallFailed = (BotoCoreError, ClientError)
"""What a call raises when it does not succeed."""


@dataclass(frozen=True)
class VariantState:
    """What DescribeEndpoint says of a variant."""

    status: str
    """The endpoint's: InService, Updating, ..."""
    desired: int
    current: int

    @property
    def settled(self) -> bool:
        """False while the endpoint changes: scaling pauses during an update (SageMaker guide)."""
        return self.status == "InService"


class VariantClient:
    """Calls of one region.

    Args:
        url: the emulator's address.
        region: where the endpoints are.
    """

    def __init__(self, url: str, region: str) -> None:
        session = boto3.Session(
            aws_access_key_id="emulator", aws_secret_access_key="emulator", region_name=region
        )
        # No proxies: the emulator calls itself on loopback, whatever the user's environment says.
        config = Config(proxies={}, retries={"total_max_attempts": 2}, read_timeout=30)
        self._sagemaker: Any = session.client("sagemaker", endpoint_url=url, config=config)
        self._scaling: Any = session.client(
            "application-autoscaling", endpoint_url=url, config=config
        )

    def state(self, resource: VariantResource) -> VariantState | None:
        """Give the variant's state; None when the endpoint or the variant is gone."""
        try:
            endpoint = self._sagemaker.describe_endpoint(EndpointName=resource.endpoint)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationException":
                return None
            raise
        for variant in endpoint.get("ProductionVariants", ()):
            if variant["VariantName"] == resource.variant:
                desired = int(variant.get("DesiredInstanceCount", 0))
                current = int(variant.get("CurrentInstanceCount", 0))
                return VariantState(endpoint["EndpointStatus"], desired, current)
        # An endpoint that is being made has no variants yet.
        creating = endpoint["EndpointStatus"] == "Creating"
        return VariantState("Creating", 0, 0) if creating else None

    def set_capacity(self, resource: VariantResource, count: int) -> None:
        """Ask for `count` instances."""
        self._sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=resource.endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": resource.variant, "DesiredInstanceCount": count}
            ],
        )

    def set_limits(self, target: Any, minimum: int | None, maximum: int | None) -> None:
        """Give a scalable target other limits, as a scheduled action does."""
        limits = {"MinCapacity": minimum, "MaxCapacity": maximum}
        self._scaling.register_scalable_target(
            ServiceNamespace=target.service_namespace,
            ResourceId=target.resource_id,
            ScalableDimension=target.scalable_dimension,
            **{name: value for name, value in limits.items() if value is not None},
        )

    def deregister(self, target: Any) -> None:
        """Forget a target whose endpoint is gone, as AWS does when an endpoint is deleted."""
        self._scaling.deregister_scalable_target(
            ServiceNamespace=target.service_namespace,
            ResourceId=target.resource_id,
            ScalableDimension=target.scalable_dimension,
        )

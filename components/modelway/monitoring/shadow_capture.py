"""Where an endpoint's captured data is, and which of its variants is the shadow.

Takes an endpoint's name, asks SageMaker, gives plain values. Must not change anything.
"""

from dataclasses import dataclass

from modelway.errors import DeploymentError


@dataclass(frozen=True)
class CapturedBy:
    """What a comparison needs to know of an endpoint."""

    destination: str
    """The `s3://` URI under which SageMaker writes `<endpoint>/<variant>/...`."""
    production: str
    """The first production variant."""
    shadow: str | None
    """The shadow variant; None when there is none now."""


def captured_by(endpoint: str, region: str | None) -> CapturedBy:
    """Describe an endpoint's data capture.

    Args:
        endpoint: its name.
        region: default: boto3's own.

    Raises:
        DeploymentError: there is no such endpoint, it captures nothing, or AWS refused.
    """
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    from modelway.sagemaker.api import is_missing
    from modelway.sagemaker.calls import error_message

    doing = f"reading the data capture of endpoint {endpoint}"
    try:
        found = (
            Session(region_name=region).client("sagemaker").describe_endpoint(EndpointName=endpoint)
        )
    except ClientError as error:
        if is_missing(error):
            raise DeploymentError(
                f"{doing}: there is none of this name in this account and region. Give the "
                "endpoint's full name, or the spec's name and --env."
            ) from None
        raise DeploymentError(f"{doing}: {error_message(error)}") from error
    except BotoCoreError as error:
        raise DeploymentError(
            f"{doing}: {error}. For AWS set AWS_REGION and your credentials, for the emulator run "
            '`eval "$(modelway emulator env)"`'
        ) from error
    capture = found.get("DataCaptureConfig")
    if not capture:
        raise DeploymentError(
            f"{doing}: it captures nothing. Set `shadow` or `data_capture` in the spec, run "
            "`pulumi up`, and send requests."
        )
    shadows = found.get("ShadowProductionVariants") or []
    return CapturedBy(
        destination=capture["DestinationS3Uri"],
        production=found["ProductionVariants"][0]["VariantName"],
        shadow=shadows[0]["VariantName"] if shadows else None,
    )

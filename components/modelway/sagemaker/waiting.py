"""Waiting until SageMaker is not busy with an endpoint.

Takes the API and a bound, gives the endpoint as it came to rest. It must not judge what it found.
"""

from collections.abc import Callable, Mapping
from typing import Any

from modelway.sagemaker import failures
from modelway.sagemaker.api import SageMakerApi, is_duplicate
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.progress import stage_of

MOVING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""Statuses in which SageMaker takes neither updates nor deletes: wait (EndpointStatus)."""

ROLL_BACK_SECONDS = 1800
"""Room for a roll-back after the policy's own time-out: SageMaker does not say how long one takes,
and giving up while it is under way would leave the outcome unsaid."""

Look = Callable[[Mapping[str, Any]], None]


def settled(
    api: SageMakerApi,
    desired: DesiredEndpoint,
    doing: str,
    look: Look = lambda _found: None,
) -> dict[str, Any] | None:
    """Wait until SageMaker is not busy with the endpoint; None when there is none.

    Args:
        api: SageMaker.
        desired: names the endpoint and how long its policy may take.
        doing: what is being done, for the error.
        look: told what is described at each look while it moves.

    Raises:
        DeploymentError: it still moves after the policy's time-out and room for a roll-back.
    """
    deadline = api.monotonic() + desired.timeout_seconds + ROLL_BACK_SECONDS
    while True:
        found = api.endpoint(desired.name)
        if found is None or found["EndpointStatus"] not in MOVING:
            return found
        if api.monotonic() >= deadline:
            raise failures.timed_out(desired, found, doing)
        look(found)
        api.sleep(api.poll_seconds)


def is_busy(error: Exception) -> bool:
    """Tell whether SageMaker refused because another operation on the endpoint is under way."""
    text = str(error).lower()
    return is_duplicate(error) or "in-progress" in text or "in progress" in text


def started_elsewhere(desired: DesiredEndpoint, found: Mapping[str, Any] | None) -> bool:
    """Tell whether an update to the wanted configuration is under way already."""
    return (
        found is not None
        and found["EndpointStatus"] in {"Updating", "RollingBack"}
        and stage_of(found).config_name == desired.config_name
    )

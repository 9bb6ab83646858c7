"""What a failed deployment is told as: what was done, what serves now, why, and what to do next.

Takes what SageMaker says about an endpoint, gives a `DeploymentError`. Must not call AWS.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from modelway.errors import DeploymentError
from modelway.sagemaker.calls import EXPIRED
from modelway.sagemaker.container_log import LOG_GROUP
from modelway.sagemaker.desired import ENDPOINT_TAG, OWNER_TAG, DesiredEndpoint

HINTS = (
    ("ping health check", "the container did not answer /ping with 200; its log says why"),
    (
        "insufficientinstancecapacity",
        "AWS has no such instance free now; try again or another type",
    ),
    ("unable to provision", "AWS has no such instance free now; try again or another type"),
    ("resourcelimitexceeded", "ask for a higher quota in Service Quotas, or use fewer instances"),
    ("service limit", "ask for a higher quota in Service Quotas, or use fewer instances"),
    ("cannotstartcontainererror", "the image must start with the argument `serve`"),
    ("model data", "check that the artifact exists and that the role may read it"),
    ("assume role", "check the role's trust policy and that the account is the right one"),
    (
        "make sure all images",
        "check that the image exists by this digest and that the role may pull it",
    ),
    ("requested image", "check that the image exists by this digest in this region"),
    (
        "repository of your image",
        "check that the image exists by this digest and that the role may pull it",
    ),
)
"""Parts of AWS's texts, in lower case, with what to do."""

REMEDIES = {
    "not by a trusted key": "Sign the package with a trusted key (`modelway sign PACKAGE --key "
    "FILE`), or add its signer's to MODEL_SERVER_TRUSTED_KEYS under `serving.environment`",
    "only signed packages are loaded": "Sign the package with a trusted key (`modelway sign "
    "PACKAGE --key FILE`); a model that is none becomes one by `modelway package`",
    "is not what was packaged": "`modelway inspect PACKAGE` tells the same here; make it again",
}
"""Parts of the model server's own reasons (serving_image, model_server/core), with what to do."""


def not_served(
    desired: DesiredEndpoint,
    live: Mapping[str, Any] | None,
    doing: str,
    fired: Sequence[Mapping[str, Any]] = (),
    said: Sequence[str] = (),
) -> DeploymentError:
    """Tell why an endpoint does not serve what was wanted, after it came to rest.

    Args:
        desired: what was wanted.
        live: what is there; None when nothing is.
        doing: what was being done.
        fired: the rollback alarms that were firing in the end, as DescribeAlarms gives them.
        said: the containers' own reasons, where they did not start.
    """
    if live is None:
        return DeploymentError(
            f"{doing}: the endpoint {desired.name} was deleted by somebody meanwhile. "
            "Run `pulumi up` again to create it."
        )
    status = live["EndpointStatus"]
    reason = reason_of(live, said) + _alarms_in_words(fired)
    serving = live.get("EndpointConfigName")
    if status == "InService":
        return DeploymentError(
            f"{doing}: SageMaker rolled the update back. Wanted: configuration "
            f"{desired.config_name}. Serving now: {serving}, as before. {reason} "
            f"{_next_step(desired)}"
        )
    if status == "UpdateRollbackFailed":
        return DeploymentError(
            f"{doing}: the update failed and so did SageMaker's roll-back (UpdateRollbackFailed): "
            f"the fleet may serve a mix of {serving} and {desired.config_name}. {reason} "
            "Nothing was deleted. Correct the cause and run `pulumi up` again."
        )
    return DeploymentError(
        f"{doing}: the endpoint {desired.name} is {status}, so nothing serves. {reason} "
        f"{_next_step(desired)}"
    )


def not_deleted(desired: DesiredEndpoint, live: Mapping[str, Any]) -> DeploymentError:
    """Tell that an endpoint is still there after it was deleted."""
    return DeploymentError(
        f"deleting endpoint {desired.name}: it is {live['EndpointStatus']} instead of gone. "
        f"{reason_of(live)} Its configurations and models are left as they are. Try again."
    )


def refused(doing: str, message: str) -> DeploymentError:
    """Tell that AWS refused a call, or could not be reached."""
    hint = _hint(message)
    if any(code in message for code in EXPIRED):
        return DeploymentError(
            f"{doing}: the credentials have expired ({message.rstrip('.')}). What SageMaker has "
            "begun goes on by itself. Renew the credentials and run `pulumi up` again: it waits "
            "for what is under way, or begins anew."
        )
    return DeploymentError(
        f"{doing}: {message.rstrip('.')}."
        + (f" Usually: {hint}." if hint else "")
        + " What was there before is as it was; correct the cause and run `pulumi up` again."
    )


def timed_out(desired: DesiredEndpoint, live: Mapping[str, Any], doing: str) -> DeploymentError:
    """Tell that the wait is over while SageMaker goes on."""
    return DeploymentError(
        f"{doing}: {desired.name} is still {live['EndpointStatus']} after "
        f"{desired.timeout_seconds:g} s, the longest wait of the spec (rollout.timeout_seconds). "
        "SageMaker goes on by itself. Run `pulumi up` again: it waits for what is under way and "
        "never starts a second one."
    )


def not_ours(desired: DesiredEndpoint, tags: Mapping[str, str], what: str) -> DeploymentError:
    """Tell that a name is taken by something that this stack did not make."""
    owner = tags.get(OWNER_TAG)
    whose = f"belongs to the stack {owner}" if owner else "was not made by modelway"
    if owner == desired.owner:
        whose = f"was made for the endpoint {tags.get(ENDPOINT_TAG)}"
    return DeploymentError(
        f"creating endpoint {desired.name}: {what} exists already and {whose}. "
        "It is left alone. Give the model another name in the spec, or delete what is there."
    )


def reason_of(live: Mapping[str, Any], said: Sequence[str] = ()) -> str:
    """Give SageMaker's own reason as sentences, with the container's or what it usually means."""
    reason = str(live.get("FailureReason") or "").strip()
    if not reason:
        return "SageMaker gave no reason."
    told = f"SageMaker's reason: {reason.rstrip('.')}."
    if said:
        last = "; ".join(said).rstrip(".")
        remedy = next((todo for part, todo in REMEDIES.items() if part in last), "")
        return f"{told} The container's own: {last}." + (f" {remedy}." if remedy else "")
    hint = _hint(reason)
    return told + (f" Usually: {hint}." if hint else "")


def _alarms_in_words(fired: Sequence[Mapping[str, Any]]) -> str:
    """Name the alarms that fired, with their own reasons, as sentences."""
    return "".join(
        f" The alarm {alarm['AlarmName']} fired: "
        f"{str(alarm.get('StateReason') or 'no reason given').rstrip('.')}."
        for alarm in fired
    )


def _next_step(desired: DesiredEndpoint) -> str:
    return (
        f"The containers' log is {LOG_GROUP}{desired.name} (`modelway status {desired.name}` shows "
        "its last errors). Correct the cause and run `pulumi up` again."
    )


def _hint(text: str) -> str:
    return next((advice for part, advice in HINTS if part in text.lower()), "")

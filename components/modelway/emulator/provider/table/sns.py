"""Amazon SNS: topics, their policies and subscriptions.

Almost everything of a topic is an attribute: text by name, set one by one. The names and what the
calls need are those of the official provider (terraform-provider-aws: internal/service/sns).
"""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.binding import text_of
from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Literal, Read, Tagging
from modelway.emulator.provider.target import AwsError, Target

_FEEDBACK = {
    f"{kind}{outcome}": f"{spelled}{outcome[0].upper()}{outcome[1:]}"
    for kind, spelled in (
        ("application", "Application"),
        ("firehose", "Firehose"),
        ("http", "HTTP"),
        ("lambda", "Lambda"),
        ("sqs", "SQS"),
    )
    for outcome in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")
}
TOPIC_ATTRIBUTES = {
    **_FEEDBACK,
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maximumMessageSize": "MaximumMessageSize",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "replayPolicy": "ReplayPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _take(state: dict[str, Any], told: dict[str, str], names: dict[str, str], of: Any) -> None:
    """Put attributes into the state, in the types that the schema says."""
    for name, attribute in names.items():
        text = told.get(attribute)
        if text is None or text == "":
            continue
        kind = of.fields[name].kind
        if kind == "boolean":
            state[name] = text.lower() == "true"
        else:
            state[name] = int(text) if kind == "integer" else text


def _topic_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    told = raws[0]
    of = target.entry.shape.outputs
    _take(state, told, TOPIC_ATTRIBUTES | {"fifoTopic": "FifoTopic", "owner": "Owner"}, of)
    _take(state, told, {"beginningArchiveTime": "BeginningArchiveTime"}, of)
    state["arn"] = told["TopicArn"]
    state["name"] = told["TopicArn"].rsplit(":", 1)[-1]


def _topic_change(name: str, attribute: str) -> Change:
    def put(target: Target) -> None:
        value = target.get(name)
        if attribute == "Policy" and not value:
            return
        target.aws(
            "SetTopicAttributes",
            TopicArn=target.id,
            AttributeName=attribute,
            AttributeValue="" if value is None else text_of(value),
        )

    return Change((name,), put, on_create=True)


TOPIC = Entry(
    type="aws:sns/topic:Topic",
    service="sns",
    create=Call(
        "CreateTopic",
        {
            "Name": "name",
            "Attributes": lambda t: {"FifoTopic": "true"} if t.get("fifoTopic") else None,
        },
    ),
    bound=False,
    id_answer="TopicArn",
    reads=(Read(Call("GetTopicAttributes", {"TopicArn": "id"}), "Attributes", properties=()),),
    not_found=("NotFound", "NotFoundException"),
    delete=Call("DeleteTopic", {"TopicArn": "id"}),
    changes=tuple(_topic_change(*pair) for pair in TOPIC_ATTRIBUTES.items()),
    tagging=Tagging(
        listing=Call("ListTagsForResource", {"ResourceArn": "id"}),
        tag=Call("TagResource", {"ResourceArn": "id"}),
        untag=Call("UntagResource", {"ResourceArn": "id"}),
    ),
    state=_topic_state,
    auto_name=AutoName(limit=256),
    replaces=frozenset({"fifoTopic", "name", "namePrefix"}),
    computed=frozenset(
        {
            "deliveryPolicy",
            "fifoThroughputScope",
            "maximumMessageSize",
            "policy",
            "signatureVersion",
            "tracingConfig",
        }
    ),
    policies=frozenset({"policy"}),
    documents=frozenset({"archivePolicy", "deliveryPolicy"}),
)


def _default_topic_policy(target: Target) -> str:
    """The policy that AWS gives every new topic; deleting a policy means going back to it."""
    account = target.id.split(":")[4]
    actions = (
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
        "SNS:Receive",
    )
    return text_of(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Sid": "__default_statement_ID",
                    "Principal": {"AWS": "*"},
                    "Action": list(actions),
                    "Resource": target.id,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
                }
            ],
        }
    )


def _topic_policy_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del target
    state["arn"] = raws[0]["TopicArn"]
    state["policy"] = raws[0].get("Policy", "")
    state["owner"] = raws[0].get("Owner", "")


TOPIC_POLICY = Entry(
    type="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    create=Call(
        "SetTopicAttributes",
        {"TopicArn": "arn", "AttributeName": Literal("Policy"), "AttributeValue": "policy"},
    ),
    bound=False,
    put=True,
    id_property="arn",
    reads=(Read(Call("GetTopicAttributes", {"TopicArn": "id"}), "Attributes", properties=()),),
    not_found=("NotFound", "NotFoundException"),
    delete=Call(
        "SetTopicAttributes",
        {
            "TopicArn": "id",
            "AttributeName": Literal("Policy"),
            "AttributeValue": _default_topic_policy,
        },
    ),
    state=_topic_policy_state,
    replaces=frozenset({"arn"}),
    policies=frozenset({"policy"}),
)


def _subscription_attributes(target: Target) -> dict[str, str] | None:
    given = {
        attribute: text_of(target.get(name))
        for name, attribute in SUBSCRIPTION_ATTRIBUTES.items()
        if target.get(name) is not None
    }
    return given or None


def _subscription_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    told = raws[0]
    of = target.entry.shape.outputs
    names = SUBSCRIPTION_ATTRIBUTES | {
        "confirmationWasAuthenticated": "ConfirmationWasAuthenticated",
        "endpoint": "Endpoint",
        "ownerId": "Owner",
        "pendingConfirmation": "PendingConfirmation",
        "protocol": "Protocol",
        "topic": "TopicArn",
    }
    _take(state, told, names, of)
    state["arn"] = told.get("SubscriptionArn", target.id)
    if state.get("filterPolicy") == "{}":  # how a filter is taken off
        del state["filterPolicy"]


def _subscription_change(name: str, attribute: str) -> Change:
    def put(target: Target) -> None:
        value = target.get(name)
        text = "" if value is None else text_of(value)
        if attribute == "FilterPolicy" and not text:
            text = "{}"
        target.aws(
            "SetSubscriptionAttributes",
            SubscriptionArn=target.id,
            AttributeName=attribute,
            **({"AttributeValue": text} if text or attribute != "RedrivePolicy" else {}),
        )

    return Change((name,), put)


def _unsubscribe(target: Target) -> None:
    """A subscription that nobody has confirmed cannot be deleted; AWS drops it by itself."""
    try:
        target.aws("Unsubscribe", SubscriptionArn=target.id)
    except AwsError as error:
        if "pending confirmation" not in str(error):
            raise


TOPIC_SUBSCRIPTION = Entry(
    type="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    create=Call(
        "Subscribe",
        {
            "TopicArn": "topic",
            "Protocol": "protocol",
            "Endpoint": "endpoint",
            "ReturnSubscriptionArn": Literal(value=True),
            "Attributes": _subscription_attributes,
        },
    ),
    bound=False,
    id_answer="SubscriptionArn",
    reads=(
        Read(
            Call("GetSubscriptionAttributes", {"SubscriptionArn": "id"}),
            "Attributes",
            properties=(),
        ),
    ),
    not_found=("NotFound", "NotFoundException"),
    delete=None,
    before_delete=_unsubscribe,
    changes=tuple(_subscription_change(*pair) for pair in SUBSCRIPTION_ATTRIBUTES.items()),
    state=_subscription_state,
    replaces=frozenset({"endpoint", "protocol", "topic"}),
    computed=frozenset({"filterPolicyScope"}),
    defaults={"confirmationTimeoutInMinutes": 1},
    local=frozenset({"confirmationTimeoutInMinutes", "endpointAutoConfirms"}),
    documents=frozenset({"deliveryPolicy", "filterPolicy", "redrivePolicy", "replayPolicy"}),
)

ENTRIES = (TOPIC, TOPIC_POLICY, TOPIC_SUBSCRIPTION)

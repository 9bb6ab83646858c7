"""An alarm topic, its policy and its subscribers.

Takes a key and addresses, declares `aws.sns` resources. The platform has one topic for whoever
runs it; a deployment has its own when its spec names somebody to notify, so that the owners of one
model do not hear of another.
"""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import sns

from modelway.iam.platform_policies import topic_statements
from modelway.iam.statements import as_json


def declare_topic(
    name: str,
    kms_key_arn: pulumi.Input[str],
    account: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> sns.Topic:
    """Declare an encrypted topic that this account's alarms may publish to."""
    topic = sns.Topic(name, kms_master_key_id=kms_key_arn, tags=dict(tags), opts=opts)
    policy = pulumi.Output.all(topic.arn, account).apply(
        lambda known: as_json(topic_statements(known[0], known[1]))
    )
    sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=policy, opts=opts)
    return topic


def subscribe(
    name: str, topic: sns.Topic, addresses: Sequence[str], opts: pulumi.ResourceOptions
) -> list[sns.TopicSubscription]:
    """Subscribe e-mail addresses and `https://` URLs. E-mail subscribers confirm by hand."""
    return [
        sns.TopicSubscription(
            f"{name}-{address}",
            topic=topic.arn,
            protocol="https" if address.startswith("https://") else "email",
            endpoint=address,
            opts=opts,
        )
        for address in addresses
    ]

"""Amazon CloudWatch Logs: log groups (pulumi_aws counts them to CloudWatch)."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read, Tagging
from modelway.emulator.provider.target import Gone, Target

_GROUP = {"logGroupName": "id"}
_ARN = {"resourceArn": "arn"}


def _state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    # AWS only searches by prefix; the group itself is not always the first found.
    group = next((each for each in raws[0] if each["logGroupName"] == target.id), None)
    if group is None:
        raise Gone(f"there is no log group {target.id}")
    state["name"] = target.id
    state["arn"] = group["arn"].removesuffix(":*")
    state["logGroupClass"] = group.get("logGroupClass") or "STANDARD"
    for name in ("kmsKeyId", "retentionInDays"):
        if group.get(name):
            state[name] = group[name]


def _set_retention(target: Target) -> None:
    days = target.get("retentionInDays")
    if days:
        target.aws("PutRetentionPolicy", logGroupName=target.id, retentionInDays=int(days))
    elif target.state.get("retentionInDays"):
        target.aws("DeleteRetentionPolicy", logGroupName=target.id)


LOG_GROUP = Entry(
    type="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    create=Call("CreateLogGroup"),
    id_property="name",
    reads=(
        Read(Call("DescribeLogGroups", {"logGroupNamePrefix": "id"}), "logGroups", properties=()),
    ),
    not_found=("ResourceNotFoundException",),
    delete=Call("DeleteLogGroup", _GROUP),
    names={"name": "logGroupName"},
    changes=(
        Change(("retentionInDays",), _set_retention, on_create=True),
        Change(
            ("kmsKeyId",),
            Call("AssociateKmsKey", {**_GROUP, "kmsKeyId": "kmsKeyId"}),
            clear=Call("DisassociateKmsKey", _GROUP),
        ),
    ),
    tagging=Tagging(
        listing=Call("ListTagsForResource", _ARN),
        tag=Call("TagResource", _ARN),
        untag=Call("UntagResource", _ARN),
        result="tags",
        tags_member="tags",
        keys_member="tagKeys",
    ),
    state=_state,
    auto_name=AutoName(limit=512),
    replaces=frozenset({"logGroupClass", "name", "namePrefix"}),
    computed=frozenset({"logGroupClass"}),
    local=frozenset({"skipDestroy"}),
    refused={"deletionProtectionEnabled": "leave it out, or set it for AWS alone"},
)

ENTRIES = (LOG_GROUP,)

"""AWS KMS: keys and their aliases."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import (
    AutoName,
    Call,
    Change,
    Entry,
    Literal,
    Read,
    Tagging,
)
from modelway.emulator.provider.target import Gone, Target

_KEY = {"KeyId": "id"}
_PENDING = {"PendingDeletion", "PendingReplicaDeletion"}


def _key_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    """A key that waits for its deletion counts as deleted, as for the official provider."""
    metadata = raws[0]
    if metadata.get("KeyState") in _PENDING:
        raise Gone(f"{target.id} is {metadata['KeyState']}")
    state["isEnabled"] = bool(metadata.get("Enabled"))
    rotation = raws[2] or {}
    state["enableKeyRotation"] = bool(rotation.get("KeyRotationEnabled"))
    if not state["enableKeyRotation"]:
        state.pop("rotationPeriodInDays", None)


def _set_enabled(target: Target) -> None:
    enabled = target.get("isEnabled") is not False
    target.aws("EnableKey" if enabled else "DisableKey", KeyId=target.id)


def _set_rotation(target: Target) -> None:
    if not target.get("enableKeyRotation"):
        target.aws("DisableKeyRotation", KeyId=target.id)
        return
    days = target.inputs.get("rotationPeriodInDays")
    period = {} if days is None else {"RotationPeriodInDays": int(days)}
    target.aws("EnableKeyRotation", KeyId=target.id, **period)


KEY = Entry(
    type="aws:kms/key:Key",
    service="kms",
    create=Call("CreateKey"),
    id_answer="KeyMetadata.KeyId",
    reads=(
        Read(Call("DescribeKey", _KEY), "KeyMetadata"),
        Read(Call("GetKeyPolicy", {**_KEY, "PolicyName": Literal("default")})),
        Read(
            Call("GetKeyRotationStatus", _KEY),
            properties=("rotationPeriodInDays",),
            missing=("UnsupportedOperationException",),
        ),
    ),
    not_found=("NotFoundException",),
    delete=Call("ScheduleKeyDeletion", {**_KEY, "PendingWindowInDays": "deletionWindowInDays"}),
    names={
        "customerMasterKeySpec": "KeySpec",
        "isEnabled": "Enabled",
        "xksKeyId": "XksKeyId|XksKeyConfiguration.Id",
    },
    changes=(
        Change(
            ("description",), Call("UpdateKeyDescription", {**_KEY, "Description": "description"})
        ),
        Change(
            ("policy",),
            Call("PutKeyPolicy", {**_KEY, "PolicyName": Literal("default"), "Policy": "policy"}),
        ),
        Change(("enableKeyRotation", "rotationPeriodInDays"), _set_rotation, on_create=True),
        Change(("isEnabled",), _set_enabled, on_create=True),
    ),
    tagging=Tagging(
        listing=Call("ListResourceTags", _KEY),
        tag=Call("TagResource", _KEY),
        untag=Call("UntagResource", _KEY),
    ),
    state=_key_state,
    replaces=frozenset(
        {"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}
    ),
    computed=frozenset({"description", "multiRegion", "policy", "rotationPeriodInDays"}),
    defaults={
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    },
    local=frozenset({"bypassPolicyLockoutSafetyCheck", "deletionWindowInDays"}),
    policies=frozenset({"policy"}),
)


def _alias_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    # KMS only lists aliases; the describe call answers with the key behind one.
    metadata = raws[0]
    state["name"] = target.id
    state["targetKeyId"] = metadata["KeyId"]
    state["targetKeyArn"] = metadata["Arn"]
    state["arn"] = f"{metadata['Arn'].rsplit(':', 1)[0]}:{target.id}"
    given = target.get("targetKeyId")
    if given in {metadata["KeyId"], metadata["Arn"]}:
        state["targetKeyId"] = given


ALIAS = Entry(
    type="aws:kms/alias:Alias",
    service="kms",
    create=Call("CreateAlias"),
    id_property="name",
    reads=(Read(Call("DescribeKey", _KEY), "KeyMetadata", properties=()),),
    not_found=("NotFoundException",),
    delete=Call("DeleteAlias", {"AliasName": "id"}),
    names={"name": "AliasName"},
    changes=(
        Change(
            ("targetKeyId",),
            Call("UpdateAlias", {"AliasName": "id", "TargetKeyId": "targetKeyId"}),
        ),
    ),
    state=_alias_state,
    auto_name=AutoName(limit=238, before="alias/"),
    replaces=frozenset({"name", "namePrefix"}),
    fresh={"targetKeyId": frozenset({"targetKeyArn"})},
)

ENTRIES = (KEY, ALIAS)

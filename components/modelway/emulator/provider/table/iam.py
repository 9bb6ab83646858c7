"""AWS IAM: roles and policies."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.binding import text_of
from modelway.emulator.provider.entry import AutoName, Call, Change, Entry, Read, Tagging
from modelway.emulator.provider.target import Gone, Target

_ROLE = {"RoleName": "id"}


def _role_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    role = raws[0]
    boundary = role.get("PermissionsBoundary") or {}
    state["permissionsBoundary"] = boundary.get("PermissionsBoundaryArn", "")
    state["assumeRolePolicy"] = text_of(role["AssumeRolePolicyDocument"])
    state["managedPolicyArns"] = sorted(
        policy["PolicyArn"]
        for policy in target.aws("ListAttachedRolePolicies", RoleName=target.id)["AttachedPolicies"]
    )
    names = target.aws("ListRolePolicies", RoleName=target.id)["PolicyNames"]
    state["inlinePolicies"] = [
        {
            "name": name,
            "policy": text_of(
                target.aws("GetRolePolicy", RoleName=target.id, PolicyName=name)["PolicyDocument"]
            ),
        }
        for name in sorted(names)
    ]


def _set_boundary(target: Target) -> None:
    target.aws(
        "PutRolePermissionsBoundary",
        RoleName=target.id,
        PermissionsBoundary=target.get("permissionsBoundary"),
    )


def _set_managed(target: Target) -> None:
    wanted = set(target.inputs.get("managedPolicyArns") or ())
    attached = target.aws("ListAttachedRolePolicies", RoleName=target.id)["AttachedPolicies"]
    has = {policy["PolicyArn"] for policy in attached}
    for arn in sorted(has - wanted):
        target.aws("DetachRolePolicy", RoleName=target.id, PolicyArn=arn)
    for arn in sorted(wanted - has):
        target.aws("AttachRolePolicy", RoleName=target.id, PolicyArn=arn)


def _set_inline(target: Target) -> None:
    wanted = {
        policy["name"]: policy["policy"]
        for policy in target.inputs.get("inlinePolicies") or ()
        if policy.get("name")
    }
    for name in target.aws("ListRolePolicies", RoleName=target.id)["PolicyNames"]:
        if name not in wanted:
            target.aws("DeleteRolePolicy", RoleName=target.id, PolicyName=name)
    for name, text in wanted.items():
        target.aws("PutRolePolicy", RoleName=target.id, PolicyName=name, PolicyDocument=text)


def _empty_role(target: Target) -> None:
    """Take off the policies that the state knows; with `forceDetachPolicies`, all there are."""
    force = bool(target.get("forceDetachPolicies"))
    known = set(target.state.get("managedPolicyArns") or ())
    attached = target.aws("ListAttachedRolePolicies", RoleName=target.id)["AttachedPolicies"]
    for arn in (policy["PolicyArn"] for policy in attached):
        if force or arn in known:
            target.aws("DetachRolePolicy", RoleName=target.id, PolicyArn=arn)
    named = {policy.get("name") for policy in target.state.get("inlinePolicies") or ()}
    for name in target.aws("ListRolePolicies", RoleName=target.id)["PolicyNames"]:
        if force or name in named:
            target.aws("DeleteRolePolicy", RoleName=target.id, PolicyName=name)


ROLE = Entry(
    type="aws:iam/role:Role",
    service="iam",
    create=Call("CreateRole"),
    id_answer="Role.RoleName",
    reads=(Read(Call("GetRole", _ROLE), "Role"),),
    not_found=("NoSuchEntity", "NoSuchEntityException"),
    delete=Call("DeleteRole", _ROLE),
    before_delete=_empty_role,
    names={
        "assumeRolePolicy": "AssumeRolePolicyDocument",
        "name": "RoleName",
        "uniqueId": "RoleId",
    },
    changes=(
        Change(
            ("assumeRolePolicy",),
            Call("UpdateAssumeRolePolicy", {**_ROLE, "PolicyDocument": "assumeRolePolicy"}),
        ),
        Change(
            ("description", "maxSessionDuration"),
            Call(
                "UpdateRole",
                {
                    **_ROLE,
                    "Description": lambda t: t.get("description") or "",
                    "MaxSessionDuration": "maxSessionDuration",
                },
            ),
        ),
        Change(
            ("permissionsBoundary",),
            _set_boundary,
            clear=Call("DeleteRolePermissionsBoundary", _ROLE),
        ),
        Change(("managedPolicyArns",), _set_managed, on_create=True),
        Change(("inlinePolicies",), _set_inline, on_create=True),
    ),
    tagging=Tagging(
        listing=Call("ListRoleTags", _ROLE),
        tag=Call("TagRole", _ROLE),
        untag=Call("UntagRole", _ROLE),
    ),
    state=_role_state,
    auto_name=AutoName(limit=64),
    replaces=frozenset({"name", "namePrefix", "path"}),
    computed=frozenset({"inlinePolicies", "managedPolicyArns"}),
    defaults={"maxSessionDuration": 3600, "path": "/"},
    local=frozenset({"forceDetachPolicies"}),
    policies=frozenset({"assumeRolePolicy", "inlinePolicies.policy"}),
    unordered=frozenset({"inlinePolicies", "managedPolicyArns"}),
)


def _role_policy_id(id_: str) -> dict[str, Any]:
    role, _, name = id_.partition(":")
    return {"role": role, "name": name}


def _role_policy_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del target
    state["policy"] = text_of(raws[0]["PolicyDocument"])


ROLE_POLICY = Entry(
    type="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    create=Call(
        "PutRolePolicy", {"RoleName": "role", "PolicyName": "name", "PolicyDocument": "policy"}
    ),
    bound=False,
    put=True,
    identify=lambda target: f"{target.get('role')}:{target.get('name')}",
    parse_id=_role_policy_id,
    reads=(Read(Call("GetRolePolicy", {"RoleName": "role", "PolicyName": "name"})),),
    not_found=("NoSuchEntity", "NoSuchEntityException"),
    delete=Call("DeleteRolePolicy", {"RoleName": "role", "PolicyName": "name"}),
    names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    state=_role_policy_state,
    auto_name=AutoName(limit=128),
    replaces=frozenset({"name", "namePrefix", "role"}),
    policies=frozenset({"policy"}),
)


def _policy_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    version = target.aws(
        "GetPolicyVersion", PolicyArn=target.id, VersionId=raws[0]["DefaultVersionId"]
    )
    state["policy"] = text_of(version["PolicyVersion"]["Document"])


_MOST_VERSIONS = 5
"""How many versions a policy may have (IAM and STS quotas)."""


def _new_version(target: Target) -> None:
    """Make a new default version; the oldest goes when there are as many as AWS keeps."""
    versions = target.aws("ListPolicyVersions", PolicyArn=target.id)["Versions"]
    spare = [version for version in versions if not version["IsDefaultVersion"]]
    if len(versions) >= _MOST_VERSIONS:
        oldest = min(spare, key=lambda version: int(version["VersionId"].lstrip("v")))
        target.aws("DeletePolicyVersion", PolicyArn=target.id, VersionId=oldest["VersionId"])
    target.aws(
        "CreatePolicyVersion",
        PolicyArn=target.id,
        PolicyDocument=target.get("policy"),
        SetAsDefault=True,
    )


def _drop_versions(target: Target) -> None:
    for version in target.aws("ListPolicyVersions", PolicyArn=target.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            target.aws("DeletePolicyVersion", PolicyArn=target.id, VersionId=version["VersionId"])


POLICY = Entry(
    type="aws:iam/policy:Policy",
    service="iam",
    create=Call("CreatePolicy"),
    id_answer="Policy.Arn",
    reads=(Read(Call("GetPolicy", {"PolicyArn": "id"}), "Policy"),),
    not_found=("NoSuchEntity", "NoSuchEntityException"),
    delete=Call("DeletePolicy", {"PolicyArn": "id"}),
    before_delete=_drop_versions,
    names={"name": "PolicyName", "policy": "PolicyDocument"},
    changes=(Change(("policy",), _new_version),),
    tagging=Tagging(
        listing=Call("ListPolicyTags", {"PolicyArn": "id"}),
        tag=Call("TagPolicy", {"PolicyArn": "id"}),
        untag=Call("UntagPolicy", {"PolicyArn": "id"}),
    ),
    state=_policy_state,
    auto_name=AutoName(limit=128),
    replaces=frozenset({"description", "name", "namePrefix", "path"}),
    defaults={"path": "/"},
    local=frozenset({"delayAfterPolicyCreationInMs"}),
    policies=frozenset({"policy"}),
)


def _attachment_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    attached = {policy["PolicyArn"] for policy in raws[0]}
    if target.get("policyArn") not in attached:
        raise Gone(f"{target.get('policyArn')} is not attached to {target.get('role')}")
    state["role"] = target.get("role")
    state["policyArn"] = target.get("policyArn")


def _attachment_id(id_: str) -> dict[str, Any]:
    role, _, arn = id_.partition("/")
    return {"role": role, "policyArn": arn}


ROLE_POLICY_ATTACHMENT = Entry(
    type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    create=Call("AttachRolePolicy", {"RoleName": "role", "PolicyArn": "policyArn"}),
    bound=False,
    identify=lambda target: f"{target.get('role')}/{target.get('policyArn')}",
    parse_id=_attachment_id,
    reads=(
        Read(
            Call("ListAttachedRolePolicies", {"RoleName": "role"}),
            "AttachedPolicies",
            properties=(),
        ),
    ),
    not_found=("NoSuchEntity", "NoSuchEntityException"),
    delete=Call("DetachRolePolicy", {"RoleName": "role", "PolicyArn": "policyArn"}),
    state=_attachment_state,
    replaces=frozenset({"policyArn", "role"}),
    delete_first=True,
)

ENTRIES = (ROLE, ROLE_POLICY, POLICY, ROLE_POLICY_ATTACHMENT)

"""IAM: roles with the policies inside them, and instance profiles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.failures import says_absent
from harness.providers.aws.normal import same

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

NAME: Final = r"A-Za-z0-9_+=,.@\-"
# IAM spreads slowly: a principal, a role or a boundary made a moment ago is not known everywhere yet.
SPREADS: Final = (
    "MalformedPolicyDocument:Invalid principal\nConcurrentModification\nNoSuchEntity\nEntityTemporarilyUnmodifiable"
)
CONFLICT: Final = "DeleteConflict\nConcurrentModification"
_ROLE: Final = {"RoleName": "{id}"}
_PROFILE: Final = {"InstanceProfileName": "{id}"}


def attached(work: Work, role: str) -> list[str]:
    """ARNs of the managed policies that a role has."""
    return [
        str(one["PolicyArn"]) for one in work.pages("ListAttachedRolePolicies", "AttachedPolicies[]", RoleName=role)
    ]


def text(document: Any) -> str:
    """A policy of an answer as JSON text; botocore has taken it apart already."""
    return document if isinstance(document, str) else json.dumps(document)


def _inline(work: Work) -> dict[str, str]:
    """Names and documents of the policies inside the role."""
    found = {}
    for name in work.pages("ListRolePolicies", "PolicyNames[]", RoleName=work.id):
        answer = work.seek("GetRolePolicy", RoleName=work.id, PolicyName=name)
        if answer is not None:  # removed while we looked
            found[str(name)] = text(answer["PolicyDocument"])
    return found


def _asked_inline(inputs: Props) -> dict[str, str]:
    """The policies of the program; an empty block says that there shall be none."""
    return {one["name"]: text(one.get("policy") or "") for one in inputs.get("inlinePolicies") or [] if one.get("name")}


def _alike(work: Work, one: str, other: str) -> bool:
    return same(work.resource, "assumeRolePolicy", one, other)


def _bring_inline(work: Work) -> None:
    """The argument is the whole list: what the program does not name is removed."""
    if work.inputs.get("inlinePolicies") is None:
        return
    there, wanted = ({} if work.creating else _inline(work)), _asked_inline(work.inputs)
    for name in there.keys() - wanted.keys():
        work.seek("DeleteRolePolicy", RoleName=work.id, PolicyName=name)
    for name, policy in wanted.items():
        if name not in there or not _alike(work, there[name], policy):
            work.call("PutRolePolicy", RoleName=work.id, PolicyName=name, PolicyDocument=policy)


def _bring_managed(work: Work) -> None:
    if work.inputs.get("managedPolicyArns") is None:
        return
    there = set() if work.creating else set(attached(work, work.id))
    wanted = set(work.inputs["managedPolicyArns"])
    for arn in sorted(there - wanted):
        work.seek("DetachRolePolicy", RoleName=work.id, PolicyArn=arn)
    for arn in sorted(wanted - there):
        _attach(work, arn)


def _attach(work: Work, arn: str) -> None:
    work.patiently(lambda: work.call("AttachRolePolicy", RoleName=work.id, PolicyArn=arn), says_absent)


def _boundary(work: Work) -> None:
    arn = work.inputs.get("permissionsBoundary")
    if arn:
        work.call("PutRolePermissionsBoundary", RoleName=work.id, PermissionsBoundary=arn)
    else:
        work.call("DeleteRolePermissionsBoundary", RoleName=work.id)


def _read_role(work: Work, item: Item, props: Props) -> None:
    props["assumeRolePolicy"] = text(item["AssumeRolePolicyDocument"])
    props["managedPolicyArns"] = attached(work, work.id)
    asked = _asked_inline(work.inputs)
    props["inlinePolicies"] = [
        {"name": name, "policy": asked[name] if name in asked and _alike(work, asked[name], policy) else policy}
        for name, policy in _inline(work).items()
    ]


def _free_role(work: Work) -> None:
    """Take off what keeps a role from being deleted: instance profiles always, policies as far as they are ours."""
    for profile in work.pages(
        "ListInstanceProfilesForRole", "InstanceProfiles[].InstanceProfileName", RoleName=work.id
    ):
        work.seek("RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName=work.id)
    force = work.forces("forceDetachPolicies")
    if force or work.inputs.get("managedPolicyArns"):
        for arn in attached(work, work.id):
            work.seek("DetachRolePolicy", RoleName=work.id, PolicyArn=arn)
    if force or work.inputs.get("inlinePolicies"):
        for name in work.pages("ListRolePolicies", "PolicyNames[]", RoleName=work.id):
            work.seek("DeleteRolePolicy", RoleName=work.id, PolicyName=name)


ROLE = Resource(
    token="aws:iam/role:Role",
    service="iam",
    noun="IAM role",
    args="assumeRolePolicy description forceDetachPolicies inlinePolicies managedPolicyArns maxSessionDuration name "
    "path permissionsBoundary",
    required="assumeRolePolicy",
    outputs="arn createDate uniqueId",
    create=Call("CreateRole"),
    id="Role.RoleName",
    identity="{name}",
    rename={"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName", "uniqueId": "RoleId"},
    reads={"permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn"},
    read=Call("GetRole", _ROLE, at="Role"),
    read_more=_read_role,
    before_delete=_free_role,
    delete=Call("DeleteRole", _ROLE),
    updates=(
        Update(
            "assumeRolePolicy",
            Call("UpdateAssumeRolePolicy", _ROLE),
            rename={"assumeRolePolicy": "PolicyDocument"},
            on_create=False,
        ),
        # Not one UpdateRole for both: without the duration that call sets it back to an hour.
        Update("description", Call("UpdateRoleDescription", _ROLE), on_create=False),
        Update("maxSessionDuration", Call("UpdateRole", _ROLE), on_create=False),
        Update("permissionsBoundary", apply=_boundary, on_create=False),
        Update("managedPolicyArns", apply=_bring_managed),
        Update("inlinePolicies", apply=_bring_inline),
    ),
    nested={"inlinePolicies": "name policy"},
    json="assumeRolePolicy",
    sets="inlinePolicies managedPolicyArns",
    inert="forceDetachPolicies",
    computed="inlinePolicies managedPolicyArns",
    defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
    naming=Naming("name", limit=64, allowed=NAME),
    tagging=Tagging(tag=Call("TagRole", _ROLE), untag=Call("UntagRole", _ROLE)),
    find=Find(Call("ListRoles", at="Roles[?!starts_with(Path, '/aws-service-role/')]"), id="RoleName"),
    regional=False,
    retry_create="MalformedPolicyDocument:Invalid principal\nConcurrentModification",
    retry_delete=CONFLICT,
)


def _bring_role(work: Work) -> None:
    """A profile holds one role, so the old one goes first."""
    before, after = work.old.get("role"), work.inputs.get("role")
    if before and before != after:
        work.seek("RemoveRoleFromInstanceProfile", InstanceProfileName=work.id, RoleName=before)
    if after:
        work.patiently(
            lambda: work.call("AddRoleToInstanceProfile", InstanceProfileName=work.id, RoleName=after), says_absent
        )


def _empty_profile(work: Work) -> None:
    answer = work.seek("GetInstanceProfile", InstanceProfileName=work.id) or {"InstanceProfile": {}}
    for role in answer["InstanceProfile"].get("Roles", []):
        work.seek("RemoveRoleFromInstanceProfile", InstanceProfileName=work.id, RoleName=role["RoleName"])


INSTANCE_PROFILE = Resource(
    token="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    noun="IAM instance profile",
    args="name path role",
    outputs="arn createDate uniqueId",
    create=Call("CreateInstanceProfile"),
    id="InstanceProfile.InstanceProfileName",
    identity="{name}",
    rename={"name": "InstanceProfileName", "uniqueId": "InstanceProfileId"},
    reads={"role": "Roles[0].RoleName"},
    read=Call("GetInstanceProfile", _PROFILE, at="InstanceProfile"),
    before_delete=_empty_profile,
    delete=Call("DeleteInstanceProfile", _PROFILE),
    updates=(Update("role", apply=_bring_role),),
    defaults={"path": "/"},
    naming=Naming("name", limit=128, allowed=NAME),
    tagging=Tagging(tag=Call("TagInstanceProfile", _PROFILE), untag=Call("UntagInstanceProfile", _PROFILE)),
    find=Find(Call("ListInstanceProfiles", at="InstanceProfiles[]"), id="InstanceProfileName"),
    regional=False,
    retry_delete=CONFLICT,
)

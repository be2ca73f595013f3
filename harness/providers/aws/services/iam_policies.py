"""IAM: managed policies, policies inside a role, and the attachment of one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.services.iam import CONFLICT, NAME, SPREADS, attached, text

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_VERSIONS: Final = 5  # versions that IAM keeps of a managed policy
_POLICY: Final = {"PolicyArn": "{id}"}
_INSIDE: Final = {"RoleName": "{role}", "PolicyName": "{name}"}


def _read_policy(work: Work) -> Item:
    item: Item = dict(work.call("GetPolicy", PolicyArn=work.id)["Policy"])
    version = work.call("GetPolicyVersion", PolicyArn=work.id, VersionId=item["DefaultVersionId"])
    return {**item, "PolicyDocument": text(version["PolicyVersion"]["Document"])}


def _older(work: Work) -> list[str]:
    """Versions that are not in force, the oldest first."""
    versions = work.pages("ListPolicyVersions", "Versions[]", PolicyArn=work.id)
    rest = [one for one in versions if not one.get("IsDefaultVersion")]
    return [one["VersionId"] for one in sorted(rest, key=lambda one: int(str(one["VersionId"]).removeprefix("v")))]


def _new_version(work: Work) -> None:
    older = _older(work)
    for version in older[: max(0, len(older) + 2 - _VERSIONS)]:  # one is in force, one is coming
        work.seek("DeletePolicyVersion", PolicyArn=work.id, VersionId=version)
    work.call("CreatePolicyVersion", PolicyArn=work.id, PolicyDocument=work.inputs["policy"], SetAsDefault=True)


def _free_policy(work: Work) -> None:
    for version in _older(work):
        work.seek("DeletePolicyVersion", PolicyArn=work.id, VersionId=version)
    if not work.forced:
        return
    for kind in ("Role", "User", "Group"):
        for name in work.pages("ListEntitiesForPolicy", f"Policy{kind}s[].{kind}Name", PolicyArn=work.id):
            work.seek(f"Detach{kind}Policy", PolicyArn=work.id, **{f"{kind}Name": name})


POLICY = Resource(
    token="aws:iam/policy:Policy",
    service="iam",
    noun="IAM policy",
    args="description name path policy",
    refused="delayAfterPolicyCreationInMs",
    required="policy",
    outputs="arn attachmentCount policyId",
    create=Call("CreatePolicy"),
    id="Policy.Arn",
    identity="arn:{partition}:iam::{account}:policy{path}{name}",
    rename={"name": "PolicyName", "policy": "PolicyDocument"},
    read_with=_read_policy,
    before_delete=_free_policy,
    delete=Call("DeletePolicy", _POLICY),
    updates=(Update("policy", apply=_new_version, on_create=False),),
    json="policy",
    defaults={"path": "/"},
    naming=Naming("name", limit=128, allowed=NAME),
    tagging=Tagging(tag=Call("TagPolicy", _POLICY), untag=Call("UntagPolicy", _POLICY)),
    find=Find(Call("ListPolicies", {"Scope": "Local"}, at="Policies[]"), id="Arn"),
    regional=False,
    retry_create="ConcurrentModification",
    retry_delete=CONFLICT,
)


def _inside(work: Work, item: Item, props: Props) -> None:
    del work
    props["policy"] = text(item["PolicyDocument"])


ROLE_POLICY = Resource(
    token="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    noun="IAM role policy",
    args="name policy role",
    required="policy role",
    create=Call("PutRolePolicy"),
    id="{role}:{name}",
    identity="{role}:{name}",
    id_parts="{role}:{name}",
    rename={"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
    read=Call("GetRolePolicy", _INSIDE),
    read_more=_inside,
    delete=Call("DeleteRolePolicy", _INSIDE),
    updates=(Update("policy", Call("PutRolePolicy", _INSIDE)),),
    json="policy",
    naming=Naming("name", limit=128, allowed=NAME),
    regional=False,
    retry_create=SPREADS,
    retry_delete=CONFLICT,
)


def _read_attachment(work: Work) -> Item | None:
    role, arn = work.values()["role"], work.values()["policyArn"]
    return {"RoleName": role, "PolicyArn": arn} if arn in attached(work, role) else None


ROLE_POLICY_ATTACHMENT = Resource(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    noun="IAM role's policy",
    args="policyArn role",
    required="policyArn role",
    create=Call("AttachRolePolicy"),
    id="{role}/{policyArn}",
    identity="{role}/{policyArn}",
    id_parts="{role}/{policyArn}",
    rename={"role": "RoleName"},
    read_with=_read_attachment,
    delete=Call("DetachRolePolicy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
    regional=False,
    retry_create=SPREADS,
    retry_delete=CONFLICT,
)

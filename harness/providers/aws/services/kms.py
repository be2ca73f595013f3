"""KMS keys and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update, Wait
from harness.providers.aws.failures import Refusal
from harness.providers.aws.registry import function

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_SHORTEST_WINDOW = 7  # days; AWS deletes no key sooner
_LONGEST_WINDOW = 30  # days; what AWS takes when it is told nothing


def _rotation(work: Work) -> None:
    if not work.inputs.get("enableKeyRotation"):
        if not work.creating:
            work.call("DisableKeyRotation", KeyId=work.id)
        return
    days = work.inputs.get("rotationPeriodInDays")
    work.call("EnableKeyRotation", KeyId=work.id, **({"RotationPeriodInDays": int(days)} if days else {}))


def _enabled(work: Work) -> None:
    work.call("EnableKey" if work.inputs.get("isEnabled", True) else "DisableKey", KeyId=work.id)


def _policy(work: Work) -> None:
    bypass = bool(work.inputs.get("bypassPolicyLockoutSafetyCheck"))
    if work.inputs.get("policy"):
        policy = work.inputs["policy"]
        work.call(
            "PutKeyPolicy", KeyId=work.id, PolicyName="default", Policy=policy, BypassPolicyLockoutSafetyCheck=bypass
        )


def _read_more(work: Work, item: Item, props: Props) -> None:
    if not item.get("KeySpec", "SYMMETRIC_DEFAULT").startswith("SYMMETRIC") or item.get("KeyManager") == "AWS":
        props["enableKeyRotation"] = False
    else:
        rotation = work.call("GetKeyRotationStatus", KeyId=work.id)
        props["enableKeyRotation"] = bool(rotation["KeyRotationEnabled"])
        if rotation["KeyRotationEnabled"] and rotation.get("RotationPeriodInDays"):
            props["rotationPeriodInDays"] = rotation["RotationPeriodInDays"]
    props["policy"] = work.call("GetKeyPolicy", KeyId=work.id, PolicyName="default")["Policy"]


def _delete(work: Work) -> None:
    days = work.get("deletionWindowInDays", _SHORTEST_WINDOW if work.forced else _LONGEST_WINDOW)
    work.call("ScheduleKeyDeletion", KeyId=work.id, PendingWindowInDays=int(days))


KEY = Resource(
    token="aws:kms/key:Key",
    service="kms",
    noun="KMS key",
    args="bypassPolicyLockoutSafetyCheck customKeyStoreId customerMasterKeySpec deletionWindowInDays description "
    "enableKeyRotation isEnabled keyUsage multiRegion policy rotationPeriodInDays xksKeyId",
    outputs="arn keyId",
    create=Call("CreateKey"),
    id="KeyMetadata.KeyId",
    read=Call("DescribeKey", {"KeyId": "{id}"}, at="KeyMetadata"),
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update("description", Call("UpdateKeyDescription", {"KeyId": "{id}"})),
        Update("enableKeyRotation rotationPeriodInDays", apply=_rotation),
        Update("policy bypassPolicyLockoutSafetyCheck", apply=_policy, on_create=False),
        Update("isEnabled", apply=_enabled),
    ),
    rename={"customerMasterKeySpec": "KeySpec", "isEnabled": "Enabled"},
    inert="deletionWindowInDays",
    write_only="bypassPolicyLockoutSafetyCheck",
    computed="policy rotationPeriodInDays multiRegion description",
    json="policy",
    defaults={
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    },
    initial={"isEnabled": True, "enableKeyRotation": False},
    tagging=Tagging(
        tag=Call("TagResource", {"KeyId": "{id}"}),
        untag=Call("UntagResource", {"KeyId": "{id}"}),
        listing=Call("ListResourceTags", {"KeyId": "{id}"}, at="Tags"),
    ),
    wait=Wait(
        "KeyState", ready="Enabled Disabled", failed="Unavailable", gone="PendingDeletion PendingReplicaDeletion"
    ),
    find=Find(Call("ListKeys", at="Keys[]"), id="KeyId", arn="arn:{partition}:kms:{region}:{account}:key/{id}"),
    absent="KMSInvalidStateException",
    # A policy may name a role that was made a moment ago.
    retry_create="MalformedPolicyDocumentException:invalid principals",
)


def _read_alias(work: Work) -> Item | None:
    for alias in work.pages("ListAliases", "Aliases[]"):
        if alias["AliasName"] == work.id:
            return dict(alias)
    return None


def _alias_more(work: Work, item: Item, props: Props) -> None:
    key = item.get("TargetKeyId")
    if key:
        props["targetKeyArn"] = f"arn:{work.partition}:kms:{work.region}:{item['AliasArn'].split(':')[4]}:key/{key}"


ALIAS = Resource(
    token="aws:kms/alias:Alias",
    service="kms",
    noun="KMS alias",
    args="name targetKeyId",
    outputs="arn targetKeyArn",
    required="targetKeyId",
    create=Call("CreateAlias"),
    id="{name}",
    identity="{name}",
    rename={"name": "AliasName", "arn": "AliasArn"},
    read_with=_read_alias,
    read_more=_alias_more,
    delete=Call("DeleteAlias", {"AliasName": "{id}"}),
    updates=(Update("targetKeyId", Call("UpdateAlias", {"AliasName": "{id}"})),),
    naming=Naming("name", limit=256, allowed=r"A-Za-z0-9/_\-", start="alias/"),
    retry_create="NotFoundException",
)


def _key(asking: Asking, name: str) -> Props:
    answer = asking.client("kms").describe_key(KeyId=name)
    return dict(answer["KeyMetadata"])


@function("aws:kms/getKey:getKey", "keyId")
def get_key(asking: Asking, args: Props) -> Props:
    """A key by id, ARN or alias."""
    key = _key(asking, args["keyId"])
    return {
        "id": key["KeyId"],
        "keyId": args["keyId"],
        "arn": key["Arn"],
        "awsAccountId": key.get("AWSAccountId", ""),
        "customerMasterKeySpec": key.get("CustomerMasterKeySpec", key.get("KeySpec", "")),
        "creationDate": str(key.get("CreationDate", "")),
        "description": key.get("Description", ""),
        "enabled": bool(key.get("Enabled")),
        "keyManager": key.get("KeyManager", ""),
        "keySpec": key.get("KeySpec", ""),
        "keyState": key.get("KeyState", ""),
        "keyUsage": key.get("KeyUsage", ""),
        "multiRegion": bool(key.get("MultiRegion")),
        "origin": key.get("Origin", ""),
        "multiRegionConfigurations": [],
        "xksKeyConfigurations": [],
    }


@function("aws:kms/getAlias:getAlias", "name")
def get_alias(asking: Asking, args: Props) -> Props:
    """An alias by its name."""
    for alias in asking.pages("kms", "list_aliases", "Aliases[]"):
        if alias["AliasName"] == args["name"]:
            key = _key(asking, args["name"])
            arn = alias["AliasArn"]
            return {
                "id": arn,
                "arn": arn,
                "name": args["name"],
                "targetKeyId": key["KeyId"],
                "targetKeyArn": key["Arn"],
            }
    raise Refusal(f"no alias {args['name']}", "NotFoundException")

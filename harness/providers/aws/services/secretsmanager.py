"""Secrets Manager: secrets, their versions and policies."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.registry import function
from harness.providers.contract import Secret

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_WINDOW = 30  # days that AWS keeps a deleted secret when it is told nothing
# A secret of this name that was deleted without a window may linger for a moment.
_LINGERS = "InvalidRequestException:scheduled for deletion"


def _read(work: Work) -> Item | None:
    answer: Item = work.call("DescribeSecret", SecretId=work.id)
    return None if answer.get("DeletedDate") else answer


def _read_more(work: Work, item: Item, props: Props) -> None:
    del item
    if "policy" in work.inputs:
        props["policy"] = work.call("GetResourcePolicy", SecretId=work.id).get("ResourcePolicy", "")


def _delete(work: Work) -> None:
    days = 0 if work.forced else int(work.get("recoveryWindowInDays", _WINDOW))
    window: Item = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    work.call("DeleteSecret", SecretId=work.id, **window)


def _policy(work: Work) -> None:
    if work.inputs.get("policy"):
        work.call("PutResourcePolicy", SecretId=work.id, ResourcePolicy=work.inputs["policy"])
    else:
        work.call("DeleteResourcePolicy", SecretId=work.id)


SECRET = Resource(
    token="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    noun="Secrets Manager secret",
    args="description kmsKeyId name policy recoveryWindowInDays",
    refused="forceOverwriteReplicaSecret replicas type",
    outputs="arn",
    create=Call("CreateSecret"),
    id="ARN",
    rename={"arn": "ARN"},
    read_with=_read,
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update("description kmsKeyId", Call("UpdateSecret", {"SecretId": "{id}"})),
        Update("policy", apply=_policy),
    ),
    json="policy",
    inert="recoveryWindowInDays",
    computed="policy",
    defaults={"recoveryWindowInDays": _WINDOW},
    naming=Naming("name", limit=512, allowed=r"A-Za-z0-9/_+=.@\-"),
    tagging=Tagging(
        tag=Call("TagResource", {"SecretId": "{id}"}),
        untag=Call("UntagResource", {"SecretId": "{id}"}),
    ),
    find=Find(
        Call("ListSecrets", at="SecretList[]"),
        id="ARN",
        arn="arn:{partition}:secretsmanager:{region}:{account}:secret:{last}",
        whole=True,
    ),
    absent_message="marked for deletion",
    retry_create=f"{_LINGERS}\nMalformedPolicyDocumentException:invalid principals",
)


def _put(work: Work) -> str:
    secret = work.inputs["secretId"]
    params: Item = {"SecretId": secret}
    if work.inputs.get("secretBinary"):
        params["SecretBinary"] = base64.b64decode(work.inputs["secretBinary"])
    else:
        params["SecretString"] = work.inputs.get("secretString", "")
    if work.inputs.get("versionStages"):
        params["VersionStages"] = work.inputs["versionStages"]
    return f"{secret}|{work.call('PutSecretValue', **params)['VersionId']}"


def _read_version(work: Work) -> Item | None:
    secret, _, version = work.id.rpartition("|")
    answer: Item = work.call("GetSecretValue", SecretId=secret, VersionId=version)
    return {**answer, "SecretId": secret, "SecretArn": answer["ARN"]}


def _version_more(work: Work, item: Item, props: Props) -> None:
    del work, item
    props["hasSecretStringWo"] = False


def _retire(work: Work) -> None:
    """AWS deletes a version when it has no stage left; the current one goes with its secret."""
    secret, _, version = work.id.rpartition("|")
    stages = work.call("DescribeSecret", SecretId=secret).get("VersionIdsToStages", {}).get(version, [])
    for stage in stages:
        if stage != "AWSCURRENT":
            work.seek("UpdateSecretVersionStage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)


VERSION = Resource(
    token="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    noun="Secrets Manager secret version",
    args="secretId secretBinary secretString versionStages",
    refused="secretStringWo secretStringWoVersion",
    required="secretId",
    outputs="arn hasSecretStringWo secretArn versionId",
    create_with=_put,
    rename={"arn": "ARN"},
    read_with=_read_version,
    read_more=_version_more,
    delete_with=_retire,
    sets="versionStages",
    secret="secretString secretBinary",
    computed="versionStages",
    destructive=False,
    absent_message="marked for deletion",
)


def _put_policy(work: Work) -> None:
    block = {"BlockPublicPolicy": bool(work.inputs["blockPublicPolicy"])} if "blockPublicPolicy" in work.inputs else {}
    work.call("PutResourcePolicy", SecretId=work.inputs["secretArn"], ResourcePolicy=work.inputs["policy"], **block)


def _create_policy(work: Work) -> str:
    _put_policy(work)
    return str(work.inputs["secretArn"])


def _read_policy(work: Work) -> Item | None:
    answer: Any = work.call("GetResourcePolicy", SecretId=work.id)
    policy = answer.get("ResourcePolicy")
    return {"Policy": policy, "SecretArn": answer["ARN"]} if policy else None


POLICY = Resource(
    token="aws:secretsmanager/secretPolicy:SecretPolicy",
    service="secretsmanager",
    noun="Secrets Manager policy",
    args="policy secretArn blockPublicPolicy",
    required="policy secretArn",
    create_with=_create_policy,
    identity="{secretArn}",
    read_with=_read_policy,
    delete=Call("DeleteResourcePolicy", {"SecretId": "{id}"}),
    updates=(Update("policy blockPublicPolicy", apply=_put_policy, on_create=False),),
    json="policy",
    write_only="blockPublicPolicy",
    retry_create="MalformedPolicyDocumentException:invalid principals",
)


@function("aws:secretsmanager/getSecret:getSecret", "arn name")
def get_secret(asking: Asking, args: Props) -> Props:
    """A secret by name or ARN, without its value."""
    client = asking.client("secretsmanager")
    secret = client.describe_secret(SecretId=args.get("arn") or args.get("name"))
    policy = client.get_resource_policy(SecretId=secret["ARN"]).get("ResourcePolicy", "")
    return {
        "id": secret["ARN"],
        "arn": secret["ARN"],
        "name": secret["Name"],
        "description": secret.get("Description", ""),
        "kmsKeyId": secret.get("KmsKeyId", ""),
        "createdDate": str(secret.get("CreatedDate", "")),
        "lastChangedDate": str(secret.get("LastChangedDate", "")),
        "policy": policy,
        "tags": {one["Key"]: one["Value"] for one in secret.get("Tags", [])},
    }


@function("aws:secretsmanager/getSecretVersion:getSecretVersion", "secretId versionId versionStage")
def get_secret_version(asking: Asking, args: Props) -> Props:
    """A secret's value."""
    asked: Item = {"SecretId": args["secretId"]}
    if args.get("versionId"):
        asked["VersionId"] = args["versionId"]
    else:
        asked["VersionStage"] = args.get("versionStage") or "AWSCURRENT"
    answer = asking.client("secretsmanager").get_secret_value(**asked)
    binary = answer.get("SecretBinary")
    return {
        "id": f"{args['secretId']}|{answer['VersionId']}",
        "arn": answer["ARN"],
        "secretArn": answer["ARN"],
        "secretId": args["secretId"],
        "createdDate": str(answer.get("CreatedDate", "")),
        "secretString": Secret(answer.get("SecretString", "")),
        "secretBinary": Secret(base64.b64encode(binary).decode() if binary else ""),
        "versionId": answer["VersionId"],
        "versionStage": args.get("versionStage") or "AWSCURRENT",
        "versionStages": answer.get("VersionStages", []),
    }

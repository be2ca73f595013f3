"""CloudWatch Logs: log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props


def _retention(work: Work) -> None:
    days = int(work.inputs.get("retentionInDays") or 0)
    if days:
        work.call("PutRetentionPolicy", logGroupName=work.id, retentionInDays=days)
    else:
        work.call("DeleteRetentionPolicy", logGroupName=work.id)


def _key(work: Work) -> None:
    key = work.inputs.get("kmsKeyId")
    if key:
        work.call("AssociateKmsKey", logGroupName=work.id, kmsKeyId=key)
    else:
        work.call("DisassociateKmsKey", logGroupName=work.id)


def _read(work: Work) -> Item | None:
    for group in work.pages("DescribeLogGroups", "logGroups[]", logGroupNamePrefix=work.id):
        if group["logGroupName"] == work.id:
            return {**group, "arn": group["arn"].removesuffix(":*")}
    return None


def _read_more(work: Work, item: Item, props: Props) -> None:
    del work
    props["retentionInDays"] = item.get("retentionInDays", 0)


def _delete(work: Work) -> None:
    if work.forced or not work.get("skipDestroy"):
        work.call("DeleteLogGroup", logGroupName=work.id)


GROUP = Resource(
    token="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    noun="CloudWatch log group",
    args="kmsKeyId logGroupClass name retentionInDays skipDestroy",
    refused="deletionProtectionEnabled",
    outputs="arn",
    create=Call("CreateLogGroup"),
    id="{name}",
    identity="{name}",
    rename={"name": "logGroupName"},
    read_with=_read,
    read_more=_read_more,
    delete_with=_delete,
    updates=(Update("retentionInDays", apply=_retention), Update("kmsKeyId", apply=_key)),
    inert="skipDestroy",
    computed="logGroupClass",
    defaults={"retentionInDays": 0, "skipDestroy": False},
    initial={"retentionInDays": 0},
    naming=Naming("name", limit=512, allowed=r"A-Za-z0-9_/.\-#"),
    tagging=Tagging(
        tag=Call("TagResource", {"resourceArn": "{arn}"}),
        untag=Call("UntagResource", {"resourceArn": "{arn}"}),
        listing=Call("ListTagsForResource", {"resourceArn": "{arn}"}, at="tags"),
    ),
    find=Find(
        Call("DescribeLogGroups", at="logGroups[]"),
        id="logGroupName",
        arn="arn:{partition}:logs:{region}:{account}:log-group:{id}",
    ),
    retry_create="OperationAbortedException\nInvalidParameterException:The specified KMS key",
    retry_delete="OperationAbortedException",
)

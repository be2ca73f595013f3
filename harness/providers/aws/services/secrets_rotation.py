"""Secrets Manager: rotation of a secret by a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws.declare import Item, Resource, Update

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_RULES = {
    "automaticallyAfterDays": "AutomaticallyAfterDays",
    "duration": "Duration",
    "scheduleExpression": "ScheduleExpression",
}


def _rotate(work: Work) -> None:
    block: Props = work.inputs["rotationRules"]
    rules: Item = {member: block[name] for name, member in _RULES.items() if block.get(name)}
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    function = work.inputs.get("rotationLambdaArn")
    work.call(
        "RotateSecret",
        SecretId=work.inputs["secretId"],
        RotationRules=rules,
        RotateImmediately=bool(work.inputs.get("rotateImmediately", True)),
        **({"RotationLambdaARN": function} if function else {}),
    )


def _create(work: Work) -> str:
    _rotate(work)
    return str(work.inputs["secretId"])


def _read(work: Work) -> Item | None:
    item: Item = work.call("DescribeSecret", SecretId=work.id)
    return item if item.get("RotationEnabled") and not item.get("DeletedDate") else None


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["secretId"] = work.id
    there = item.get("RotationRules") or {}
    props["rotationRules"] = {name: there[member] for name, member in _RULES.items() if there.get(member)}


def _cancel(work: Work) -> None:
    work.call("CancelRotateSecret", SecretId=work.id)


ROTATION = Resource(
    token="aws:secretsmanager/secretRotation:SecretRotation",
    service="secretsmanager",
    noun="Secrets Manager rotation",
    args="rotateImmediately rotationLambdaArn rotationRules secretId",
    refused="externalSecretRotationMetadatas externalSecretRotationRoleArn rotationEnabled",
    required="rotationRules secretId",
    create_with=_create,
    identity="{secretId}",
    rename={"rotationLambdaArn": "RotationLambdaARN"},
    read_with=_read,
    read_more=_read_more,
    delete_with=_cancel,
    updates=(Update("rotateImmediately rotationLambdaArn rotationRules", apply=_rotate, on_create=False),),
    nested={"rotationRules": " ".join(_RULES)},
    write_only="rotateImmediately",
    defaults={"rotateImmediately": True},
    absent_message="marked for deletion",
    # The function was allowed to be called by Secrets Manager a moment ago.
    retry_create="AccessDeniedException:cannot invoke\nAccessDeniedException:Secrets Manager cannot",
)

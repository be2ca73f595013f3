"""RDS: groups of subnets and of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Update
from harness.providers.aws.services.rds import TAGGING

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_BATCH: Final = 20  # parameters that one modify or reset call takes

SUBNET_GROUP = Resource(
    token="aws:rds/subnetGroup:SubnetGroup",
    service="rds",
    noun="RDS subnet group",
    args="subnetIds description name",
    required="subnetIds",
    outputs="arn supportedNetworkTypes vpcId",
    create=Call("CreateDBSubnetGroup"),
    id="{name}",
    identity="{name}",
    rename={
        "arn": "DBSubnetGroupArn",
        "description": "DBSubnetGroupDescription",
        "name": "DBSubnetGroupName",
    },
    reads={"subnetIds": "Subnets[].SubnetIdentifier"},
    read=Call("DescribeDBSubnetGroups", {"DBSubnetGroupName": "{id}"}, at="DBSubnetGroups[0]"),
    delete=Call("DeleteDBSubnetGroup", {"DBSubnetGroupName": "{id}"}),
    updates=(
        Update(
            "description subnetIds",
            Call("ModifyDBSubnetGroup", {"DBSubnetGroupName": "{id}"}),
            also="subnetIds",
            on_create=False,
        ),
    ),
    sets="subnetIds",
    defaults={"description": "Managed by Pulumi"},
    naming=Naming("name", limit=255, allowed=r"a-z0-9 ._\-", lower=True),
    tagging=TAGGING,
    find=Find(Call("DescribeDBSubnetGroups", at="DBSubnetGroups[]"), id="DBSubnetGroupName"),
    retry_delete="InvalidDBSubnetGroupStateFault",
)


def _parameters(work: Work, kind: str) -> None:
    """Set what is new or changed, reset what was taken out. `kind` is DBCluster or DB."""
    before = {one["name"]: one for one in work.old.get("parameters") or []}
    after = {one["name"]: one for one in work.inputs.get("parameters") or []}
    group = {f"{kind}ParameterGroupName": work.id}
    changed = [
        {
            "ParameterName": name,
            "ParameterValue": str(one.get("value")),
            "ApplyMethod": one.get("applyMethod") or "immediate",
        }
        for name, one in after.items()
        if before.get(name) != one
    ]
    gone = [{"ParameterName": name, "ApplyMethod": "pending-reboot"} for name in before if name not in after]
    for start in range(0, len(changed), _BATCH):
        work.call(f"Modify{kind}ParameterGroup", Parameters=changed[start : start + _BATCH], **group)
    for start in range(0, len(gone), _BATCH):
        work.call(f"Reset{kind}ParameterGroup", Parameters=gone[start : start + _BATCH], **group)


def _read_parameters(work: Work, props: Props, kind: str) -> None:
    there = work.pages(
        f"Describe{kind}Parameters", "Parameters[]", Source="user", **{f"{kind}ParameterGroupName": work.id}
    )
    actual = {one["ParameterName"]: one for one in there if one.get("ParameterValue") is not None}
    asked = work.inputs.get("parameters") or []
    props["parameters"] = [
        {
            "name": name,
            "value": one["ParameterValue"],
            "applyMethod": next((own.get("applyMethod") for own in asked if own["name"] == name), None)
            or one.get("ApplyMethod")
            or "immediate",
        }
        for name, one in actual.items()
    ]
    plain = {one["name"]: str(one.get("value")) for one in asked}
    if plain and plain == {name: str(one["ParameterValue"]) for name, one in actual.items()}:
        props["parameters"] = asked


def _cluster_parameters(work: Work) -> None:
    _parameters(work, "DBCluster")


def _instance_parameters(work: Work) -> None:
    _parameters(work, "DB")


def _read_cluster_group(work: Work, item: Item, props: Props) -> None:
    del item
    _read_parameters(work, props, "DBCluster")


def _read_instance_group(work: Work, item: Item, props: Props) -> None:
    del item
    _read_parameters(work, props, "DB")


CLUSTER_PARAMETER_GROUP = Resource(
    token="aws:rds/clusterParameterGroup:ClusterParameterGroup",
    service="rds",
    noun="RDS cluster parameter group",
    args="family description name parameters",
    required="family",
    outputs="arn",
    create=Call("CreateDBClusterParameterGroup"),
    id="{name}",
    identity="{name}",
    rename={
        "arn": "DBClusterParameterGroupArn",
        "family": "DBParameterGroupFamily",
        "name": "DBClusterParameterGroupName",
    },
    read=Call(
        "DescribeDBClusterParameterGroups", {"DBClusterParameterGroupName": "{id}"}, at="DBClusterParameterGroups[0]"
    ),
    read_more=_read_cluster_group,
    delete=Call("DeleteDBClusterParameterGroup", {"DBClusterParameterGroupName": "{id}"}),
    updates=(Update("parameters", apply=_cluster_parameters),),
    nested={"parameters": "name value applyMethod"},
    lax={"parameters": "applyMethod"},
    sets="parameters",
    defaults={"description": "Managed by Pulumi"},
    naming=Naming("name", limit=255, allowed=r"a-z0-9\-", lower=True),
    tagging=TAGGING,
    find=Find(
        Call("DescribeDBClusterParameterGroups", at="DBClusterParameterGroups[]"), id="DBClusterParameterGroupName"
    ),
    retry_delete="InvalidDBParameterGroupState",
)


def _delete_instance_group(work: Work) -> None:
    if work.forced or not work.get("skipDestroy"):
        work.call("DeleteDBParameterGroup", DBParameterGroupName=work.id)


PARAMETER_GROUP = Resource(
    token="aws:rds/parameterGroup:ParameterGroup",
    service="rds",
    noun="RDS parameter group",
    args="family description name parameters skipDestroy",
    required="family",
    outputs="arn",
    create=Call("CreateDBParameterGroup"),
    id="{name}",
    identity="{name}",
    rename={"arn": "DBParameterGroupArn", "family": "DBParameterGroupFamily", "name": "DBParameterGroupName"},
    read=Call("DescribeDBParameterGroups", {"DBParameterGroupName": "{id}"}, at="DBParameterGroups[0]"),
    read_more=_read_instance_group,
    delete_with=_delete_instance_group,
    updates=(Update("parameters", apply=_instance_parameters),),
    nested={"parameters": "name value applyMethod"},
    lax={"parameters": "applyMethod"},
    sets="parameters",
    inert="skipDestroy",
    defaults={"description": "Managed by Pulumi", "skipDestroy": False},
    naming=Naming("name", limit=255, allowed=r"a-z0-9\-", lower=True),
    tagging=TAGGING,
    find=Find(Call("DescribeDBParameterGroups", at="DBParameterGroups[]"), id="DBParameterGroupName"),
    retry_delete="InvalidDBParameterGroupState",
)

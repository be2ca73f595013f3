"""ElastiCache: groups of subnets and of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_TARGET: Final = {"ResourceName": "{arn}"}
TAGGING: Final = Tagging(
    tag=Call("AddTagsToResource", _TARGET),
    untag=Call("RemoveTagsFromResource", _TARGET),
    listing=Call("ListTagsForResource", _TARGET, at="TagList"),
)
_BATCH: Final = 20  # parameters that one modify or reset call takes

SUBNET_GROUP = Resource(
    token="aws:elasticache/subnetGroup:SubnetGroup",
    service="elasticache",
    noun="ElastiCache subnet group",
    args="description name subnetIds",
    required="subnetIds",
    outputs="arn vpcId",
    create=Call("CreateCacheSubnetGroup"),
    id="{name}",
    identity="{name}",
    rename={"arn": "ARN", "description": "CacheSubnetGroupDescription", "name": "CacheSubnetGroupName"},
    reads={"subnetIds": "Subnets[].SubnetIdentifier"},
    read=Call("DescribeCacheSubnetGroups", {"CacheSubnetGroupName": "{id}"}, at="CacheSubnetGroups[0]"),
    delete=Call("DeleteCacheSubnetGroup", {"CacheSubnetGroupName": "{id}"}),
    updates=(
        Update(
            "description subnetIds",
            Call("ModifyCacheSubnetGroup", {"CacheSubnetGroupName": "{id}"}),
            also="subnetIds",
            on_create=False,
        ),
    ),
    sets="subnetIds",
    defaults={"description": "Managed by Pulumi"},
    naming=Naming("name", allowed=r"a-z0-9\-", lower=True, prefix=""),
    tagging=TAGGING,
    find=Find(Call("DescribeCacheSubnetGroups", at="CacheSubnetGroups[]"), id="CacheSubnetGroupName"),
    retry_delete="CacheSubnetGroupInUse",
)


def _parameters(work: Work) -> None:
    """Set what is new or changed, reset what was taken out."""
    before = {one["name"]: str(one.get("value")) for one in work.old.get("parameters") or []}
    after = {one["name"]: str(one.get("value")) for one in work.inputs.get("parameters") or []}
    group = {"CacheParameterGroupName": work.id}
    changed = [
        {"ParameterName": name, "ParameterValue": value} for name, value in after.items() if before.get(name) != value
    ]
    gone = [{"ParameterName": name, "ParameterValue": value} for name, value in before.items() if name not in after]
    for start in range(0, len(changed), _BATCH):
        work.call("ModifyCacheParameterGroup", ParameterNameValues=changed[start : start + _BATCH], **group)
    for start in range(0, len(gone), _BATCH):
        work.call("ResetCacheParameterGroup", ParameterNameValues=gone[start : start + _BATCH], **group)


def _read_parameters(work: Work, item: Item, props: Props) -> None:
    del item
    there = work.pages("DescribeCacheParameters", "Parameters[]", Source="user", CacheParameterGroupName=work.id)
    props["parameters"] = [
        {"name": one["ParameterName"], "value": one.get("ParameterValue")}
        for one in there
        if one.get("Source") == "user"  # not every target heeds the parameter
    ]


PARAMETER_GROUP = Resource(
    token="aws:elasticache/parameterGroup:ParameterGroup",
    service="elasticache",
    noun="ElastiCache parameter group",
    args="description family name parameters",
    required="family",
    outputs="arn",
    create=Call("CreateCacheParameterGroup"),
    id="{name}",
    identity="{name}",
    rename={"arn": "ARN", "family": "CacheParameterGroupFamily", "name": "CacheParameterGroupName"},
    read=Call("DescribeCacheParameterGroups", {"CacheParameterGroupName": "{id}"}, at="CacheParameterGroups[0]"),
    read_more=_read_parameters,
    delete=Call("DeleteCacheParameterGroup", {"CacheParameterGroupName": "{id}"}),
    updates=(Update("parameters", apply=_parameters),),
    nested={"parameters": "name value"},
    sets="parameters",
    defaults={"description": "Managed by Pulumi"},
    naming=Naming("name", allowed=r"a-z0-9\-", lower=True, prefix=""),
    tagging=TAGGING,
    find=Find(
        Call(
            "DescribeCacheParameterGroups", at="CacheParameterGroups[?!starts_with(CacheParameterGroupName, 'default')]"
        ),
        id="CacheParameterGroupName",
    ),
    retry_delete="InvalidCacheParameterGroupState",
)

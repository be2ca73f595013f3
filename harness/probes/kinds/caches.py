"""`cache-available`: an ElastiCache replication group in; that it serves, and as it was asked for, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.comparing import Wanted, differences
from harness.probes.context import ProbeContext
from harness.probes.declaring import kind
from harness.probes.model import ProbeFailure
from harness.probes.placing import PlacedKeys, judge_place
from harness.probes.under_key import not_under


class CacheKeys(PlacedKeys):
    """`cache-available`."""

    group: str = Field(description="id of the replication group")
    nodes: int = Field(default=1, ge=1, description="fewest members")
    kms_key: str | None = Field(
        default=None, description="ARN of the key that encrypts it at rest; not asked where an emulator does not tell"
    )
    equals: Wanted = Field(
        default={}, description="a table of JMESPath = value over what DescribeReplicationGroups says"
    )


@kind("cache-available", "group")
def cache_available(context: ProbeContext, keys: CacheKeys) -> Mapping[str, Any]:
    """The replication group is available, has its members, and the settings that were asked for."""
    elasticache: Any = context.client("elasticache")
    answer = elasticache.describe_replication_groups(ReplicationGroupId=keys.group)
    [group] = answer["ReplicationGroups"]
    if group["Status"] != "available":
        raise ProbeFailure(f"{keys.group} is {group['Status']}")
    members = group.get("MemberClusters", [])
    if len(members) < keys.nodes:
        raise ProbeFailure(f"{keys.group} has {len(members)} members, wanted {keys.nodes} or more")
    wrong = differences(group, keys.equals)
    if wrong:
        raise ProbeFailure("the cache is not as asked", wrong)
    untold = context.endpoint is not None and "KmsKeyId" not in group
    trouble = not_under(context, group.get("KmsKeyId"), keys.kms_key) if keys.kms_key and not untold else ""
    if trouble:
        raise ProbeFailure(f"{keys.group} {trouble}")
    if keys.security_groups or keys.subnets:
        for member in members:  # the group itself does not tell where they stand
            _judge_place(elasticache, keys, member)
    return {"members": members, **({"key": "not told by this emulator"} if keys.kms_key and untold else {})}


def _judge_place(elasticache: Any, keys: CacheKeys, member: str) -> None:
    [node] = elasticache.describe_cache_clusters(CacheClusterId=member)["CacheClusters"]

    def subnets() -> list[str]:
        name = node.get("CacheSubnetGroupName")
        if not name:
            return []
        [group] = elasticache.describe_cache_subnet_groups(CacheSubnetGroupName=name)["CacheSubnetGroups"]
        return [each["SubnetIdentifier"] for each in group["Subnets"]]

    judge_place(member, keys, lambda: [each["SecurityGroupId"] for each in node.get("SecurityGroups", [])], subnets)

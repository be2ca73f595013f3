"""`cache-available`: an ElastiCache replication group in; that it serves, and as it was asked for, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.comparing import Wanted, differences
from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure


class CacheKeys(Keys):
    """`cache-available`."""

    group: str = Field(description="id of the replication group")
    nodes: int = Field(default=1, ge=1, description="fewest members")
    equals: Wanted = Field(
        default={}, description="a table of JMESPath = value over what DescribeReplicationGroups says"
    )


@kind("cache-available", "group")
def cache_available(context: ProbeContext, keys: CacheKeys) -> Mapping[str, Any]:
    """The replication group is available, has its members, and the settings that were asked for."""
    answer = context.client("elasticache").describe_replication_groups(ReplicationGroupId=keys.group)
    [group] = answer["ReplicationGroups"]
    if group["Status"] != "available":
        raise ProbeFailure(f"{keys.group} is {group['Status']}")
    members = group.get("MemberClusters", [])
    if len(members) < keys.nodes:
        raise ProbeFailure(f"{keys.group} has {len(members)} members, wanted {keys.nodes} or more")
    wrong = differences(group, keys.equals)
    if wrong:
        raise ProbeFailure("the cache is not as asked", wrong)
    return {"members": members}

"""ElastiCache: Redis and Valkey replication groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Update, Wait
from harness.providers.aws.services.elasticache_groups import TAGGING

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_DESTINATIONS: Final = {
    "cloudwatch-logs": ("CloudWatchLogsDetails", "LogGroup"),
    "kinesis-firehose": ("KinesisFirehoseDetails", "DeliveryStream"),
}
_ON: Final = ("enabled", "enabling")


def _deliveries(work: Work) -> list[Item]:
    """Log deliveries as AWS takes them; those that were taken out, off."""
    result: list[Item] = []
    kinds = set()
    for block in work.inputs.get("logDeliveryConfigurations") or []:
        details, member = _DESTINATIONS[block["destinationType"]]
        kinds.add(block["logType"])
        result.append(
            {
                "LogType": block["logType"],
                "DestinationType": block["destinationType"],
                "DestinationDetails": {details: {member: block["destination"]}},
                "LogFormat": block["logFormat"],
                "Enabled": True,
            }
        )
    gone = {one["logType"] for one in work.old.get("logDeliveryConfigurations") or []} - kinds
    return [*result, *({"LogType": kind, "Enabled": False} for kind in sorted(gone))]


def _delivery_block(item: Item) -> Props:
    details, member = _DESTINATIONS[item["DestinationType"]]
    return {
        "destination": (item.get("DestinationDetails") or {}).get(details, {}).get(member),
        "destinationType": item["DestinationType"],
        "logFormat": item.get("LogFormat"),
        "logType": item.get("LogType"),
    }


def _before_create(work: Work, params: Item) -> None:
    deliveries = _deliveries(work)
    if deliveries:
        params["LogDeliveryConfigurations"] = deliveries


def _modify_deliveries(work: Work) -> None:
    asked = {"LogDeliveryConfigurations": _deliveries(work), "ApplyImmediately": True}
    work.call("ModifyReplicationGroup", ReplicationGroupId=work.id, **asked)


def _token(work: Work) -> None:
    """With a rotation the old token stays valid until the next one."""
    token = work.inputs.get("authToken")
    strategy = work.inputs.get("authTokenUpdateStrategy") or ("ROTATE" if token else "DELETE")
    asked = {"AuthTokenUpdateStrategy": strategy, "ApplyImmediately": True, **({"AuthToken": token} if token else {})}
    work.call("ModifyReplicationGroup", ReplicationGroupId=work.id, **asked)


def _count(work: Work) -> None:
    """Nodes of the one shard, or replicas of each of several."""
    by_shard = work.inputs.get("replicasPerNodeGroup")
    wanted = int(by_shard) if by_shard is not None else int(work.inputs.get("numCacheClusters") or 1) - 1
    before = work.old.get("replicasPerNodeGroup")
    had = int(before) if before is not None else int(work.old.get("numCacheClusters") or 1) - 1
    if wanted != had:
        operation = "IncreaseReplicaCount" if wanted > had else "DecreaseReplicaCount"
        work.call(operation, ReplicationGroupId=work.id, NewReplicaCount=wanted, ApplyImmediately=True)


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["automaticFailoverEnabled"] = str(item.get("AutomaticFailover")) in _ON
    props["multiAzEnabled"] = str(item.get("MultiAZ")) in _ON
    shards = item.get("NodeGroups") or []
    members = [one for shard in shards for one in shard.get("NodeGroupMembers") or []]
    props["numNodeGroups"] = len(shards) or 1
    props["numCacheClusters"] = len(members) or len(item.get("MemberClusters") or [])
    props["replicasPerNodeGroup"] = max(0, len(members) // max(1, len(shards)) - 1)
    deliveries = item.get("LogDeliveryConfigurations") or []
    props["logDeliveryConfigurations"] = [
        _delivery_block(one) for one in deliveries if one.get("DestinationType") and one.get("Status") != "disabling"
    ]
    names = item.get("MemberClusters") or []
    answer: Any = work.seek("DescribeCacheClusters", CacheClusterId=names[0]) if names else None
    for node in (answer or {}).get("CacheClusters") or []:
        _read_node(work, node, props)


def _read_node(work: Work, node: Item, props: Props) -> None:
    """What AWS tells of the nodes only."""
    actual, asked = str(node.get("EngineVersion", "")), str(work.inputs.get("engineVersion") or "")
    props["engineVersionActual"] = actual
    props["engineVersion"] = asked if asked and actual.startswith(f"{asked}.") else actual
    props["parameterGroupName"] = (node.get("CacheParameterGroup") or {}).get("CacheParameterGroupName")
    props["subnetGroupName"] = node.get("CacheSubnetGroupName")
    props["maintenanceWindow"] = node.get("PreferredMaintenanceWindow")
    props["securityGroupIds"] = [one["SecurityGroupId"] for one in node.get("SecurityGroups") or []]
    if node.get("NotificationConfiguration"):
        props["notificationTopicArn"] = node["NotificationConfiguration"].get("TopicArn")


def _delete(work: Work) -> None:
    last = None if work.forced else work.get("finalSnapshotIdentifier")
    keep = {"FinalSnapshotIdentifier": last} if last else {}
    work.call("DeleteReplicationGroup", ReplicationGroupId=work.id, RetainPrimaryCluster=False, **keep)


_MODIFIED: Final = (
    "autoMinorVersionUpgrade automaticFailoverEnabled description engineVersion maintenanceWindow multiAzEnabled "
    "nodeType notificationTopicArn parameterGroupName securityGroupIds snapshotRetentionLimit snapshotWindow"
)

REPLICATION_GROUP = Resource(
    token="aws:elasticache/replicationGroup:ReplicationGroup",
    service="elasticache",
    noun="ElastiCache replication group",
    args=f"{_MODIFIED} applyImmediately atRestEncryptionEnabled authToken authTokenUpdateStrategy engine "
    "finalSnapshotIdentifier kmsKeyId logDeliveryConfigurations numCacheClusters numNodeGroups port "
    "preferredCacheClusterAzs replicasPerNodeGroup replicationGroupId subnetGroupName transitEncryptionEnabled "
    "transitEncryptionMode",
    refused="authTokenWo authTokenWoVersion clusterMode dataTieringEnabled durability globalReplicationGroupId "
    "ipDiscovery networkType nodeGroupConfigurations securityGroupNames snapshotArns snapshotName userGroupIds",
    required="description",
    outputs="arn clusterEnabled configurationEndpointAddress engineVersionActual memberClusters "
    "primaryEndpointAddress readerEndpointAddress",
    create=Call("CreateReplicationGroup"),
    before_create=_before_create,
    id="{replicationGroupId}",
    identity="{replicationGroupId}",
    rename={
        "arn": "ARN",
        "description": "ReplicationGroupDescription",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "nodeType": "CacheNodeType",
        "parameterGroupName": "CacheParameterGroupName",
        "subnetGroupName": "CacheSubnetGroupName",
    },
    reads={
        "configurationEndpointAddress": "ConfigurationEndpoint.Address",
        "description": "Description",
        "port": "NodeGroups[0].PrimaryEndpoint.Port || ConfigurationEndpoint.Port",
        "primaryEndpointAddress": "NodeGroups[0].PrimaryEndpoint.Address",
        "readerEndpointAddress": "NodeGroups[0].ReaderEndpoint.Address",
    },
    read=Call("DescribeReplicationGroups", {"ReplicationGroupId": "{id}"}, at="ReplicationGroups[0]"),
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update(
            _MODIFIED,
            Call("ModifyReplicationGroup", {"ReplicationGroupId": "{id}"}),
            also="applyImmediately",
            on_create=False,
        ),
        Update("logDeliveryConfigurations", apply=_modify_deliveries, on_create=False),
        Update("authToken authTokenUpdateStrategy", apply=_token, on_create=False),
        Update("numCacheClusters replicasPerNodeGroup", apply=_count, on_create=False),
        Update("applyImmediately", Call("ModifyReplicationGroup", {"ReplicationGroupId": "{id}"}), on_create=False),
    ),
    nested={"logDeliveryConfigurations": "destination destinationType logFormat logType"},
    sets="logDeliveryConfigurations securityGroupIds preferredCacheClusterAzs",
    inert="finalSnapshotIdentifier",
    write_only="applyImmediately authToken authTokenUpdateStrategy preferredCacheClusterAzs",
    secret="authToken",
    untold="kmsKeyId transitEncryptionMode",
    computed="applyImmediately atRestEncryptionEnabled authTokenUpdateStrategy autoMinorVersionUpgrade engineVersion "
    "kmsKeyId maintenanceWindow numCacheClusters numNodeGroups parameterGroupName port replicasPerNodeGroup "
    "securityGroupIds snapshotWindow subnetGroupName transitEncryptionEnabled transitEncryptionMode",
    defaults={"automaticFailoverEnabled": False, "engine": "redis", "multiAzEnabled": False},
    naming=Naming("replicationGroupId", limit=40, allowed=r"a-z0-9\-", lower=True, prefix=""),
    tagging=TAGGING,
    wait=Wait("Status", ready="available", failed="create-failed", gone="deleted", minutes=60),
    find=Find(Call("DescribeReplicationGroups", at="ReplicationGroups[]"), id="ReplicationGroupId"),
    retry_create="InvalidReplicationGroupState",
    retry_delete="InvalidReplicationGroupState",
)

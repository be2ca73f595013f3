"""A resource in; what would keep it, or copies of it, from being destroyed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from harness.policy.rule import UNKNOWN, Params, Resource, param, rule

# Argument by type: what AWS calls deletion protection, and the EC2 and EMR words for it.
_PROTECTION: Final = {
    "aws:alb/loadBalancer:LoadBalancer": "enableDeletionProtection",
    "aws:cloudtrail/eventDataStore:EventDataStore": "terminationProtectionEnabled",
    "aws:cloudwatch/logGroup:LogGroup": "deletionProtectionEnabled",
    "aws:cognito/userPool:UserPool": "deletionProtection",
    "aws:docdb/cluster:Cluster": "deletionProtection",
    "aws:docdb/globalCluster:GlobalCluster": "deletionProtection",
    "aws:dsql/cluster:Cluster": "deletionProtectionEnabled",
    "aws:dynamodb/table:Table": "deletionProtectionEnabled",
    "aws:dynamodb/tableReplica:TableReplica": "deletionProtectionEnabled",
    "aws:ec2/instance:Instance": "disableApiTermination",
    "aws:ec2/launchTemplate:LaunchTemplate": "disableApiTermination",
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": "disableApiTermination",
    "aws:eks/cluster:Cluster": "deletionProtection",
    "aws:emr/cluster:Cluster": "terminationProtection",
    "aws:lb/loadBalancer:LoadBalancer": "enableDeletionProtection",
    "aws:neptune/cluster:Cluster": "deletionProtection",
    "aws:neptune/globalCluster:GlobalCluster": "deletionProtection",
    "aws:neptunegraph/graph:Graph": "deletionProtection",
    "aws:networkfirewall/firewall:Firewall": "deleteProtection",
    "aws:qldb/ledger:Ledger": "deletionProtection",
    "aws:rds/cluster:Cluster": "deletionProtection",
    "aws:rds/globalCluster:GlobalCluster": "deletionProtection",
    "aws:rds/instance:Instance": "deletionProtection",
    "aws:verifiedpermissions/policyStore:PolicyStore": "deletionProtection",
}
# On unless the program says otherwise (the provider's own documentation of the argument).
_ON_BY_DEFAULT: Final = frozenset({"aws:cloudtrail/eventDataStore:EventDataStore", "aws:qldb/ledger:Ledger"})
# One by one or none of them: nobody wants it on a log group, even in production.
_WANTED_ON_FOR: Final = frozenset(_PROTECTION) - {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
}
_SKIP_SNAPSHOT: Final = {
    "aws:docdb/cluster:Cluster": "skipFinalSnapshot",
    "aws:fsx/ontapVolume:OntapVolume": "skipFinalBackup",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": "skipFinalBackup",
    "aws:fsx/windowsFileSystem:WindowsFileSystem": "skipFinalBackup",
    "aws:lightsail/database:Database": "skipFinalSnapshot",
    "aws:neptune/cluster:Cluster": "skipFinalSnapshot",
    "aws:rds/cluster:Cluster": "skipFinalSnapshot",
    "aws:rds/instance:Instance": "skipFinalSnapshot",
    "aws:redshift/cluster:Cluster": "skipFinalSnapshot",
}
_SNAPSHOT_ASKED_FOR: Final = {
    "aws:ebs/volume:Volume": "finalSnapshot",
    "aws:elasticache/cluster:Cluster": "finalSnapshotIdentifier",
    "aws:elasticache/replicationGroup:ReplicationGroup": "finalSnapshotIdentifier",
    "aws:memorydb/cluster:Cluster": "finalSnapshotName",
}
_KEPT_BY: Final = ("skipDestroy", "retainOnDelete", "retainStack", "retainStacks", "retainPhysicalResources")


@dataclass(frozen=True)
class DeletionProtection(Params):
    """Which way."""

    wanted: Literal["off", "on"] = param("off", '"off" for what must be destroyed, or "on" to try a production set-up')


@rule(
    "deletion-protection",
    description="An ephemeral environment can be deleted: nothing has deletion protection.",
    remedy="turn the argument off in this environment, or set `wanted` of the rule if protection is what you test",
    params=DeletionProtection,
)
def deletion_protection(resource: Resource, params: DeletionProtection) -> Iterator[str]:
    """Databases, load balancers, tables, instances and their like."""
    argument = _PROTECTION.get(resource.type)
    value = resource.get(argument) if argument else UNKNOWN
    if value is UNKNOWN:
        return
    protected = is_on(value) or (value is None and resource.type in _ON_BY_DEFAULT)
    if protected and params.wanted == "off":
        yield f"`{argument}` is on{'' if value is not None else ' by default'}"
    if not protected and params.wanted == "on" and resource.type in _WANTED_ON_FOR:
        yield f"`{argument}` is off, and the settings want it on"


@rule(
    "final-snapshot",
    description="Destroying leaves no snapshot or backup behind.",
    remedy="set `skip_final_snapshot=True` (or what this type calls it), and leave automated backups to be deleted",
)
def final_snapshot(resource: Resource, params: Params) -> Iterator[str]:
    """A final snapshot needs a name of its own, costs money, and survives the environment."""
    del params
    if argument := _SKIP_SNAPSHOT.get(resource.type):
        value = resource.get(argument)
        if value is not UNKNOWN and not is_on(value):
            yield f"`{argument}` is not true"
    if argument := _SNAPSHOT_ASKED_FOR.get(resource.type):
        value = resource.get(argument)
        if value is not UNKNOWN and value not in (None, "", False):
            yield f"`{argument}` asks for a final snapshot"
    if resource.type in {"aws:rds/cluster:Cluster", "aws:rds/instance:Instance"}:
        value = resource.get("deleteAutomatedBackups")
        if value is not UNKNOWN and value is not None and not is_on(value):
            yield "`deleteAutomatedBackups` is false: automated backups would be kept"


@rule(
    "protect-or-retain",
    description="Nothing of an ephemeral environment is protected or retained.",
    remedy="leave `protect`, `retain_on_delete` and arguments that skip the deletion out in this environment",
)
def protect_or_retain(resource: Resource, params: Params) -> Iterator[str]:
    """`retainOnDelete` as a resource option reaches no policy pack: the harness reads it off the engine's events."""
    del params
    if resource.protect:
        yield "the resource option `protect` is set: destroy would refuse it"
    for argument in _KEPT_BY:
        if is_on(resource.get(argument)):
            yield f"`{argument}` is true: destroy would leave it behind"


RETAINED = "the resource option `retainOnDelete` is set: destroy would forget it and leave it behind"
"""What is told of a resource that only the engine's events show to be retained."""


def is_on(value: Any) -> bool:
    """Whether a switch is on, in the ways in which switches are written."""
    return value is True or (isinstance(value, str) and value.lower() in {"true", "active", "enabled"})

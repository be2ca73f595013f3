"""A resource that is about to be deleted in; what the target would have held against that, lifted, out.

Two tables. `SWITCHES` are properties in the state by which either provider decides how it deletes. The functions marked
`lifts` are what must be changed at the target itself. Only whoever knows that the resource is ours may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from harness.providers.aws.emptying import empty_bucket, empty_repository
from harness.providers.aws.failures import explain, says_absent

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients

SWITCHES: Final[Mapping[str, tuple[Any, str]]] = {
    "skipFinalSnapshot": (True, "no final snapshot is made"),
    "skipFinalBackup": (True, "no final backup is made"),
    "finalSnapshotIdentifier": (None, "no final snapshot is made"),
    "deleteAutomatedBackups": (True, "automated backups go with it"),
    "recoveryWindowInDays": (0, "deleted without a recovery window"),
    "forceDestroy": (True, "deleted with all that is in it"),
    "forceDelete": (True, "deleted with all that is in it"),
    "forceDetachPolicies": (True, "policies are detached from it"),
    "enforceConsumerDeletion": (True, "deleted with its consumers"),
    "skipDestroy": (False, "deleted, though the program would leave it"),
    "retainOnDelete": (False, "deleted, though the program would leave it"),
}
"""Property of an `aws` resource: the value with which it can be deleted without a trace, and that in words."""

SILENT: Final = frozenset({"forceDestroy", "forceDelete", "forceDetachPolicies", "enforceConsumerDeletion"})
"""Switches that are worth no word: what they had to remove is told by whoever removes it."""


@dataclass(frozen=True)
class Blocked:
    """One resource, as a function of this file gets it."""

    clients: Clients
    token: str
    id: str
    outputs: Mapping[str, Any]
    region: str

    def client(self, service: str) -> Any:
        """The client of a service where the resource is."""
        return self.clients.client(service, self.region)

    def name(self, output: str) -> str:
        """An output that names it where its id does not."""
        return str(self.outputs.get(output) or self.id)


Lift: TypeAlias = Callable[[Blocked], Iterator[str]]
LIFTS: Final[dict[str, Lift]] = {}


def lifts(*tokens: str) -> Callable[[Lift], Lift]:
    """Mark what makes resources of these types deletable; it yields in words what it had to do."""

    def keep(lift: Lift) -> Lift:
        LIFTS.update(dict.fromkeys(tokens, lift))
        return lift

    return keep


def unblock(blocked: Blocked) -> list[str]:
    """Do what is needed, and tell what that was. What does not exist needs nothing. Raises ProviderError."""
    lift = LIFTS.get(blocked.token)
    if lift is None:
        return []
    done: list[str] = []
    try:
        done.extend(lift(blocked))
    except Exception as error:
        if says_absent(error):
            return done
        noun = blocked.token.rpartition(":")[2]
        raise explain("unblocking", noun, blocked.id, error, blocked.clients.access.endpoint) from error
    return done


@lifts("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
def _bucket(blocked: Blocked) -> Iterator[str]:
    objects, uploads = empty_bucket(blocked.client("s3"), blocked.id)
    if objects:
        yield f"emptied of {objects} objects, versions and delete markers"
    if uploads:
        yield f"{uploads} unfinished uploads aborted"


@lifts("aws:ecr/repository:Repository")
def _repository(blocked: Blocked) -> Iterator[str]:
    images = empty_repository(blocked.client("ecr"), blocked.name("name"))
    if images:
        yield f"emptied of {images} images"


PROTECTION: Final = "deletion protection switched off"


def _database_cluster(service: str) -> Lift:
    def lift(blocked: Blocked) -> Iterator[str]:
        client, name = blocked.client(service), {"DBClusterIdentifier": blocked.name("clusterIdentifier")}
        [found] = client.describe_db_clusters(**name)["DBClusters"]
        if found.get("DeletionProtection"):
            client.modify_db_cluster(**name, DeletionProtection=False, ApplyImmediately=True)
            yield PROTECTION

    return lift


lifts("aws:rds/cluster:Cluster")(_database_cluster("rds"))
lifts("aws:docdb/cluster:Cluster")(_database_cluster("docdb"))
lifts("aws:neptune/cluster:Cluster")(_database_cluster("neptune"))


@lifts("aws:rds/instance:Instance")
def _instance(blocked: Blocked) -> Iterator[str]:
    client, name = blocked.client("rds"), {"DBInstanceIdentifier": blocked.name("identifier")}
    [found] = client.describe_db_instances(**name)["DBInstances"]
    if found.get("DeletionProtection"):
        client.modify_db_instance(**name, DeletionProtection=False, ApplyImmediately=True)
        yield PROTECTION


@lifts("aws:rds/globalCluster:GlobalCluster")
def _global_cluster(blocked: Blocked) -> Iterator[str]:
    client, name = blocked.client("rds"), {"GlobalClusterIdentifier": blocked.name("globalClusterIdentifier")}
    [found] = client.describe_global_clusters(**name)["GlobalClusters"]
    if found.get("DeletionProtection"):
        client.modify_global_cluster(**name, DeletionProtection=False)
        yield PROTECTION


@lifts("aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer")
def _load_balancer(blocked: Blocked) -> Iterator[str]:
    client, name = blocked.client("elbv2"), {"LoadBalancerArn": blocked.name("arn")}
    key = "deletion_protection.enabled"
    attributes = client.describe_load_balancer_attributes(**name)["Attributes"]
    if any(one["Key"] == key and one.get("Value") == "true" for one in attributes):
        client.modify_load_balancer_attributes(**name, Attributes=[{"Key": key, "Value": "false"}])
        yield PROTECTION


@lifts("aws:dynamodb/table:Table")
def _table(blocked: Blocked) -> Iterator[str]:
    client, name = blocked.client("dynamodb"), {"TableName": blocked.name("name")}
    if client.describe_table(**name)["Table"].get("DeletionProtectionEnabled"):
        client.update_table(**name, DeletionProtectionEnabled=False)
        yield PROTECTION


@lifts("aws:cloudwatch/logGroup:LogGroup")
def _log_group(blocked: Blocked) -> Iterator[str]:
    if not blocked.outputs.get("deletionProtectionEnabled"):  # a young feature: nobody pays a call for it
        return
    blocked.client("logs").put_log_group_deletion_protection(
        logGroupIdentifier=blocked.id, deletionProtectionEnabled=False
    )
    yield PROTECTION


@lifts("aws:ec2/instance:Instance")
def _virtual_machine(blocked: Blocked) -> Iterator[str]:
    client, name = blocked.client("ec2"), {"InstanceId": blocked.id}
    for attribute in ("disableApiTermination", "disableApiStop"):
        member = attribute[0].upper() + attribute[1:]
        answer = client.describe_instance_attribute(**name, Attribute=attribute)
        if answer.get(member, {}).get("Value"):
            client.modify_instance_attribute(**name, **{member: {"Value": False}})
            yield f"{attribute} switched off"

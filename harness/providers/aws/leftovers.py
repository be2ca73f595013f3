"""A resource that is or was ours in; what AWS leaves of it outside any state, and how to remove that, out.

Nothing of this carries our tag: it is ours because it names its parent, and because it came to be in our time. A table:
one function per thing that is left, with the types that leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from harness.providers.aws.failures import code_of, explain, says_absent

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients

SKEW: Final = 120.0  # seconds that the target's clock may be behind ours
_HIDDEN: Final = ("lambda", "ecs")  # services whose network interfaces outlive what they were made for


@dataclass(frozen=True)
class Parent:
    """What leaves something. `since` is when our run began, in seconds since the epoch: what is older is not ours."""

    clients: Clients
    token: str
    id: str
    outputs: Mapping[str, Any]
    region: str
    since: float

    def client(self, service: str) -> Any:
        """The client of a service where the parent is."""
        return self.clients.client(service, self.region)

    def name(self, output: str = "name") -> str:
        """An output that names it where its id does not: the last part of an ARN, else the id itself."""
        known = self.outputs.get(output)
        return str(known) if known else self.id.rpartition("/")[2]

    def in_our_time(self, made: float) -> bool:
        """Whether something of that age can be ours."""
        return made >= self.since - SKEW


@dataclass(frozen=True)
class Leftover:
    """One thing that is left. `lasting`: it costs nothing, and goes or stays by AWS's will alone; it is no leak."""

    type: str
    id: str
    why: str
    remove: Callable[[], object]
    lasting: bool = False


Seek: TypeAlias = Callable[[Parent], Iterator[Leftover]]


@dataclass(frozen=True)
class Seeker:
    """A row of the table. `blocks`: it keeps its parent from being deleted, so it is sought while that is there."""

    seek: Seek
    blocks: bool


SEEKERS: Final[dict[str, list[Seeker]]] = {}


def leaves(*tokens: str, blocks: bool = False) -> Callable[[Seek], Seek]:
    """Mark what looks for things that resources of these types leave."""

    def keep(seek: Seek) -> Seek:
        for token in tokens:
            SEEKERS.setdefault(token, []).append(Seeker(seek, blocks))
        return seek

    return keep


def parents(*, blocking: bool) -> frozenset[str]:
    """Types of which something may be left, or, `blocking`, that something may hold."""
    return frozenset(token for token, rows in SEEKERS.items() if any(row.blocks is blocking for row in rows))


def seek(parent: Parent, *, blocking: bool) -> list[Leftover]:
    """All that is there. Raises ProviderError when a question is not answered."""
    found: list[Leftover] = []
    for row in SEEKERS.get(parent.token, []):
        if row.blocks is blocking:
            try:
                found.extend(row.seek(parent))
            except Exception as error:
                if not says_absent(error):
                    raise explain(
                        "looking for what is left of", parent.token, parent.id, error, _place(parent)
                    ) from error
    return found


def remove(parent: Parent, leftover: Leftover) -> None:
    """Remove one. Raises ProviderError."""
    try:
        leftover.remove()
    except Exception as error:
        if not says_absent(error):
            raise explain("deleting", leftover.type, leftover.id, error, _place(parent)) from error


def _place(parent: Parent) -> str | None:
    return parent.clients.access.endpoint


# --- log groups that a service makes by itself, the first time that it has something to say

_LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
LOG_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "aws:lambda/function:Function": ("/aws/lambda/{}", "name"),
    "aws:codebuild/project:Project": ("/aws/codebuild/{}", "name"),
    "aws:rds/cluster:Cluster": ("/aws/rds/cluster/{}/", "clusterIdentifier"),
    "aws:rds/instance:Instance": ("/aws/rds/instance/{}/", "identifier"),
    "aws:rds/clusterInstance:ClusterInstance": ("/aws/rds/instance/{}/", "identifier"),
    "aws:docdb/cluster:Cluster": ("/aws/docdb/{}/", "clusterIdentifier"),
    "aws:ecs/cluster:Cluster": ("/aws/ecs/containerinsights/{}/", "name"),
    "aws:eks/cluster:Cluster": ("/aws/eks/{}/", "name"),
    "aws:apigateway/restApi:RestApi": ("API-Gateway-Execution-Logs_{}/", "id"),
    "aws:synthetics/canary:Canary": ("/aws/lambda/cwsyn-{}-", "name"),
}
"""Type: the group's name (whole, or its beginning where it ends in `/` or `-`), and the output that is put in it."""


@leaves(*LOG_GROUPS)
def _log_groups(parent: Parent) -> Iterator[Leftover]:
    template, output = LOG_GROUPS[parent.token]
    yield from _groups(parent, template.format(parent.name(output)), whole=template[-1] not in "/-")


@leaves("aws:ec2/flowLog:FlowLog")
def _flow_logs_group(parent: Parent) -> Iterator[Leftover]:
    """A flow log makes the group that it writes to when there is none."""
    destination = str(parent.outputs.get("logDestination") or "")
    name = destination.partition(":log-group:")[2].removesuffix(":*") or str(parent.outputs.get("logGroupName") or "")
    if name:
        yield from _groups(parent, name, whole=True)


def _groups(parent: Parent, start: str, *, whole: bool) -> Iterator[Leftover]:
    logs = parent.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=start):
        for group in page["logGroups"]:
            name = group["logGroupName"]
            ours = parent.in_our_time(group.get("creationTime", 0) / 1000)
            if ours and (name == start or not whole):
                gone = partial(logs.delete_log_group, logGroupName=name)
                yield Leftover(_LOG_GROUP, name, "AWS made it to log to, and leaves it", gone)


# --- databases: backups and snapshots


@leaves("aws:rds/cluster:Cluster")
def _cluster_backups(parent: Parent) -> Iterator[Leftover]:
    rds, name = parent.client("rds"), parent.name("clusterIdentifier")
    resource = parent.outputs.get("clusterResourceId")
    for one in rds.describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]:
        if _of(one, "DbClusterResourceId", resource) and parent.in_our_time(_made(one, "SnapshotCreateTime", parent)):
            id_ = one["DBClusterSnapshotIdentifier"]
            gone = partial(rds.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=id_)
            why = f"a {one.get('SnapshotType', 'manual')} snapshot of {name}"
            yield Leftover("aws:rds/clusterSnapshot:ClusterSnapshot", id_, why, gone)
    for one in _told(rds.describe_db_cluster_automated_backups, "DBClusterAutomatedBackups", DBClusterIdentifier=name):
        id_ = one["DbClusterResourceId"]
        if _of(one, "DbClusterResourceId", resource) and one.get("Status") == "retained":
            gone = partial(rds.delete_db_cluster_automated_backup, DbClusterResourceId=id_)
            yield Leftover("aws:rds/clusterAutomatedBackup", id_, f"automated backups of {name}", gone)


@leaves("aws:rds/instance:Instance")
def _instance_backups(parent: Parent) -> Iterator[Leftover]:
    rds, name = parent.client("rds"), parent.name("identifier")
    resource = parent.outputs.get("resourceId")
    for one in rds.describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]:
        if _of(one, "DbiResourceId", resource) and parent.in_our_time(_made(one, "SnapshotCreateTime", parent)):
            id_ = one["DBSnapshotIdentifier"]
            gone = partial(rds.delete_db_snapshot, DBSnapshotIdentifier=id_)
            why = f"a {one.get('SnapshotType', 'manual')} snapshot of {name}"
            yield Leftover("aws:rds/snapshot:Snapshot", id_, why, gone)
    for one in _told(
        rds.describe_db_instance_automated_backups, "DBInstanceAutomatedBackups", DBInstanceIdentifier=name
    ):
        id_ = one["DbiResourceId"]
        if _of(one, "DbiResourceId", resource) and one.get("Status") == "retained":
            gone = partial(rds.delete_db_instance_automated_backup, DbiResourceId=id_)
            yield Leftover("aws:rds/instanceAutomatedBackup", id_, f"automated backups of {name}", gone)


@leaves("aws:elasticache/replicationGroup:ReplicationGroup", "aws:elasticache/cluster:Cluster")
def _cache_snapshots(parent: Parent) -> Iterator[Leftover]:
    client = parent.client("elasticache")
    group = parent.token.endswith("ReplicationGroup")
    of = {"ReplicationGroupId" if group else "CacheClusterId": parent.id}
    for one in client.describe_snapshots(**of)["Snapshots"]:
        made = max((_made(node, "SnapshotCreateTime", parent) for node in one.get("NodeSnapshots", [])), default=0.0)
        if parent.in_our_time(made or parent.since):
            id_ = one["SnapshotName"]
            gone = partial(client.delete_snapshot, SnapshotName=id_)
            yield Leftover("aws:elasticache/snapshot", id_, f"a snapshot of {parent.id}", gone)


def _told(ask: Callable[..., Any], member: str, **of: str) -> list[Any]:
    """A listing that answers `not there` where it has nothing, and that emulators may not know."""
    try:
        return list(ask(**of).get(member) or [])
    except Exception as error:
        if says_absent(error) or code_of(error) in {"InvalidAction", "UnknownOperationException", "NotImplemented"}:
            return []
        raise


def _of(one: Mapping[str, Any], member: str, resource: Any) -> bool:
    """Whether it names the very resource, where that is known: another may have had the same name before."""
    return not resource or not one.get(member) or one[member] == resource


def _made(one: Mapping[str, Any], member: str, parent: Parent) -> float:
    when = one.get(member)
    return float(when.timestamp()) if when is not None else parent.since


# --- the network


@leaves("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup", blocks=True)
def _interfaces(parent: Parent) -> Iterator[Leftover]:
    """Interfaces that a function or a task no longer needs keep what they lie in for up to twenty minutes."""
    client = parent.client("ec2")
    key = {"Vpc": "vpc-id", "Subnet": "subnet-id"}.get(parent.token.rpartition(":")[2], "group-id")
    where = [{"Name": key, "Values": [parent.id]}]
    for page in client.get_paginator("describe_network_interfaces").paginate(Filters=where):
        for one in page["NetworkInterfaces"]:
            about = str(one.get("Description") or one.get("InterfaceType") or "")
            hidden = any(service in about.lower() for service in _HIDDEN)
            if one.get("Status") == "available" or hidden:
                id_ = one["NetworkInterfaceId"]
                gone = partial(client.delete_network_interface, NetworkInterfaceId=id_)
                why = f"in {parent.id}, {one.get('Status', 'of unknown status')}" + (f" ({about})" if about else "")
                yield Leftover("aws:ec2/networkInterface:NetworkInterface", id_, why, gone)


# --- the rest


@leaves("aws:secretsmanager/secret:Secret")
def _scheduled_secret(parent: Parent) -> Iterator[Leftover]:
    """A secret in its recovery window keeps its name taken."""
    if parent.outputs.get("recoveryWindowInDays") == 0:  # it was deleted without one
        return
    client = parent.client("secretsmanager")
    if client.describe_secret(SecretId=parent.id).get("DeletedDate"):

        def gone() -> None:
            try:
                client.delete_secret(SecretId=parent.id, ForceDeleteWithoutRecovery=True)
            except client.exceptions.InvalidRequestException:  # not every target deletes what is scheduled already
                client.restore_secret(SecretId=parent.id)
                client.delete_secret(SecretId=parent.id, ForceDeleteWithoutRecovery=True)

        yield Leftover(parent.token, parent.id, "scheduled for deletion, its name is taken until then", gone)


@leaves("aws:ecs/taskDefinition:TaskDefinition")
def _inactive_revisions(parent: Parent) -> Iterator[Leftover]:
    """A revision that was deregistered stays, inactive; AWS deletes it when nothing runs with it any more."""
    client = parent.client("ecs")
    arn = str(parent.outputs.get("arn") or parent.id)
    if (
        arn.startswith("arn:")
        and client.describe_task_definition(taskDefinition=arn)["taskDefinition"].get("status") == "INACTIVE"
    ):
        gone = partial(client.delete_task_definitions, taskDefinitions=[arn])
        yield Leftover(parent.token, arn, "an inactive revision; it costs nothing", gone, lasting=True)


@leaves("aws:ecs/taskDefinition:TaskDefinition")
def _further_revisions(parent: Parent) -> Iterator[Leftover]:
    """A pipeline that delivers registers copies of ours with another image: same family, same roles.

    A family's name and a role may be shared. The roles that went with our destroy are nobody's: no task can run with
    such a revision any more.
    """
    client, outputs = parent.client("ecs"), parent.outputs
    family, roles = outputs.get("family"), _roles(outputs)
    if not family or not any(_is_gone(parent, role) for role in roles if role):
        return
    newest_first = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC"}
    for page in client.get_paginator("list_task_definitions").paginate(**newest_first):
        for arn in page["taskDefinitionArns"]:
            one = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            if not parent.in_our_time(_made(one, "registeredAt", parent)):
                return
            if (one["family"], _roles(one)) == (family, roles) and arn != outputs.get("arn"):
                gone = partial(client.deregister_task_definition, taskDefinition=arn)
                yield Leftover(parent.token, arn, f"a revision of {family} that a deployment registered", gone)


def _roles(definition: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(definition.get(role) or "") for role in ("executionRoleArn", "taskRoleArn"))


def _is_gone(parent: Parent, role: str) -> bool:
    iam = parent.client("iam")
    try:
        iam.get_role(RoleName=role.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        return True
    return False


@leaves("aws:ecr/pullThroughCacheRule:PullThroughCacheRule")
def _cached_repositories(parent: Parent) -> Iterator[Leftover]:
    """Each image that was pulled through has a repository of its own."""
    client, start = parent.client("ecr"), f"{parent.name('ecrRepositoryPrefix')}/"
    for page in client.get_paginator("describe_repositories").paginate():
        for one in page["repositories"]:
            name = one["repositoryName"]
            if name.startswith(start) and parent.in_our_time(_made(one, "createdAt", parent)):
                gone = partial(client.delete_repository, repositoryName=name, force=True)
                yield Leftover("aws:ecr/repository:Repository", name, "made by pulling through", gone)

"""`rds-available`: a cluster or an instance in; that it serves, in its version and as it was asked for, out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from harness.probes.comparing import Wanted, differences
from harness.probes.context import ProbeContext
from harness.probes.declaring import kind
from harness.probes.model import ProbeFailure
from harness.probes.placing import PlacedKeys, judge_place


class DatabaseKeys(PlacedKeys):
    """`rds-available`."""

    cluster: str | None = Field(default=None, description="identifier of the cluster")
    instance: str | None = Field(default=None, description="identifier of an instance")
    version: str = Field(default="", description="what the engine's version begins with: 15 means any 15.x")
    not_before: Annotated[str, Field(pattern=r"^\d+(\.\d+)*$")] = Field(
        default="0", description="the oldest version of the engine that will do, such as 15.10"
    )
    instances: int = Field(default=1, ge=0, description="fewest instances of the cluster, all of them available")
    instance_class: str = Field(default="", description="class of every instance")
    endpoint: str = Field(default="", description="host that it is reached at; this machine will do on an emulator")
    reader_endpoint: str = Field(
        default="", description="host that the readers of the cluster are reached at; the same"
    )
    public: bool | None = Field(
        default=None, description="false: no instance can be reached from the internet; true: each can"
    )
    equals: Wanted = Field(
        default={},
        description="a table of JMESPath = value over what DescribeDBClusters (or DescribeDBInstances) says",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.cluster is None and self.instance is None:
            raise ValueError("needs `cluster` or `instance`")
        return self


@kind("rds-available", "cluster", "instance")
def rds_available(context: ProbeContext, keys: DatabaseKeys) -> Mapping[str, Any]:
    """Cluster and instances are available, in the version and with the settings that were asked for."""
    rds: Any = context.client("rds")
    instances: list[dict[str, Any]] = []
    cluster = None
    if keys.cluster is not None:
        cluster = rds.describe_db_clusters(DBClusterIdentifier=keys.cluster)["DBClusters"][0]
        _available(f"cluster {keys.cluster}", cluster, "Status", keys)
        ours = [{"Name": "db-cluster-id", "Values": [keys.cluster]}]
        instances = rds.describe_db_instances(Filters=ours)["DBInstances"]
        if len(instances) < keys.instances:
            raise ProbeFailure(
                f"cluster {keys.cluster} has {len(instances)} instances, wanted {keys.instances} or more"
            )
    if keys.instance is not None:
        alone = rds.describe_db_instances(DBInstanceIdentifier=keys.instance)["DBInstances"][0]
        if keys.instance not in {each["DBInstanceIdentifier"] for each in instances}:
            if cluster is not None:
                raise ProbeFailure(f"instance {keys.instance} is not of cluster {keys.cluster}")
            instances = [alone]
    for each in instances:
        _judge_instance(each, keys)
    described = instances[0] if cluster is None else cluster
    wrong = {**_endpoints(context, described, keys), **differences(described, keys.equals)}
    if wrong:
        raise ProbeFailure("the database is not as asked", wrong)
    _judge_place(rds, keys, described)
    states = {each["DBInstanceIdentifier"]: each["DBInstanceClass"] for each in instances}
    return {"engine": f"{described['Engine']} {described['EngineVersion']}", "available": states or keys.cluster}


def _endpoints(context: ProbeContext, described: Mapping[str, Any], keys: DatabaseKeys) -> dict[str, dict[str, Any]]:
    """Those that are not as wanted. An emulator gives a cluster's name away for `localhost` once it has an instance."""
    own = "Endpoint" if keys.cluster is not None else "Endpoint.Address"
    wanted = {path: host for path, host in ((own, keys.endpoint), ("ReaderEndpoint", keys.reader_endpoint)) if host}
    wrong = differences(described, wanted)
    return {path: one for path, one in wrong.items() if context.endpoint is None or one["seen"] != "localhost"}


def _judge_place(rds: Any, keys: DatabaseKeys, described: Mapping[str, Any]) -> None:
    """Instances of a cluster stand where it does."""
    called = f"instance {keys.instance}" if keys.cluster is None else f"cluster {keys.cluster}"

    def subnets() -> list[str]:
        told = described.get("DBSubnetGroup", "")  # of a cluster only the name
        group = told if isinstance(told, Mapping) else _subnet_group(rds, told)
        return [each["SubnetIdentifier"] for each in group.get("Subnets", [])]

    groups = [each["VpcSecurityGroupId"] for each in described.get("VpcSecurityGroups", [])]
    judge_place(called, keys, lambda: groups, subnets)


def _subnet_group(rds: Any, name: str) -> Mapping[str, Any]:
    if not name:
        return {}
    found: Mapping[str, Any] = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]
    return found


def _judge_instance(instance: Mapping[str, Any], keys: DatabaseKeys) -> None:
    name = f"instance {instance['DBInstanceIdentifier']}"
    _available(name, instance, "DBInstanceStatus", keys)
    if keys.instance_class and instance["DBInstanceClass"] != keys.instance_class:
        raise ProbeFailure(f"{name} is of class {instance['DBInstanceClass']}, wanted {keys.instance_class}")
    public = instance.get("PubliclyAccessible", False)
    if keys.public is not None and public != keys.public:
        raise ProbeFailure(f"{name} can{'' if public else 'not'} be reached from the internet")


def _available(name: str, described: Mapping[str, Any], at: str, keys: DatabaseKeys) -> None:
    if described[at] != "available":
        raise ProbeFailure(f"{name} is {described[at]}")
    version = described["EngineVersion"]
    wanted = keys.version.removesuffix(".")
    if wanted and version != wanted and not version.startswith(f"{wanted}."):
        raise ProbeFailure(f"{name} has version {version}, wanted {wanted}")
    if _numbers(version) < _numbers(keys.not_before):
        raise ProbeFailure(f"{name} has version {version}, wanted {keys.not_before} or newer")


def _numbers(version: str) -> list[int]:
    """15.10 is newer than 15.4, and 15.10.1 newer still; what follows the numbers (8.0.mysql_aurora.3.05.2) is left."""
    numbers = [int(part) for part in itertools.takewhile(str.isdecimal, version.split("."))]
    while numbers and not numbers[-1]:  # 15.10.0 is 15.10
        numbers.pop()
    return numbers

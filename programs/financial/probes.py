"""What `up` made in, proof that it is as asked out: database, network, secret, key, logs and registry, by describe."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

import json
from typing import Any

from harness.probes.registry import ProbeContext, ProbeFailure, probe

BACKUP_DAYS = RETENTION_DAYS = 30
CAPACITY = {"MinCapacity": 0.5, "MaxCapacity": 1.0}  # ACU


@probe("database is available, in its version and capacity", timeout=120)
def database_available(context: ProbeContext) -> dict[str, Any]:
    """Cluster and writer are up, encrypted, backed up, and can be destroyed."""
    rds, outputs = context.client("rds"), context.outputs
    cluster = rds.describe_db_clusters(DBClusterIdentifier=outputs["clusterIdentifier"])["DBClusters"][0]
    scaling = cluster.get("ServerlessV2ScalingConfiguration", {})
    wanted = {
        "Status": "available",
        "EngineVersion": outputs["engineVersion"],
        "StorageEncrypted": True,
        "KmsKeyId": outputs["keyArn"],
        "BackupRetentionPeriod": BACKUP_DAYS,
        "DeletionProtection": False,
    }
    seen = {field: cluster.get(field) for field in wanted}
    if seen != wanted or {field: scaling.get(field) for field in CAPACITY} != CAPACITY:
        raise ProbeFailure(
            "the cluster is not as asked", {"seen": {**seen, **scaling}, "wanted": {**wanted, **CAPACITY}}
        )
    ours = [{"Name": "db-cluster-id", "Values": [outputs["clusterIdentifier"]]}]
    instances = {
        each["DBInstanceIdentifier"]: (each["DBInstanceStatus"], each["DBInstanceClass"])
        for each in rds.describe_db_instances(Filters=ours)["DBInstances"]
    }
    assert list(instances.values()) == [("available", "db.serverless")], f"instances: {instances}"
    return {"version": seen["EngineVersion"], "ACU": CAPACITY, "instances": instances}


@probe("public and private subnets in every zone, private ones go out through NAT")
def network_layout(context: ProbeContext) -> dict[str, Any]:
    """As many subnets of each kind as zones, and the default route of each kind leads where it must."""
    ec2, outputs = context.client("ec2"), context.outputs
    ours = [{"Name": "vpc-id", "Values": [outputs["vpcId"]]}]
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in ec2.describe_subnets(Filters=ours)["Subnets"]}
    ways = _default_routes(ec2.describe_route_tables(Filters=ours)["RouteTables"])
    for kind, out in (("public", "igw-"), ("private", "nat-")):
        subnets = outputs[f"{kind}SubnetIds"]
        placed = sorted(zones.get(subnet, "missing") for subnet in subnets)
        assert placed == sorted(outputs["availabilityZones"]), f"{kind} subnets are in {placed}"
        astray = {subnet: ways.get(subnet) for subnet in subnets if not ways.get(subnet, "").startswith(out)}
        assert not astray, f"{kind} subnets whose default route is not {out}…: {astray}"
    nat = ec2.describe_nat_gateways(NatGatewayIds=[outputs["natGatewayId"]])["NatGateways"][0]
    assert nat["State"] == "available", f"NAT gateway is {nat['State']}"
    return {"zones": sorted(set(zones.values())), "subnets": len(zones), "NAT": nat["NatGatewayId"]}


@probe("endpoints of S3 and ECR are there")
def endpoints_available(context: ProbeContext) -> dict[str, str]:
    """Images can be pulled without the NAT gateway."""
    found = context.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "vpc-id", "Values": [context.outputs["vpcId"]]}]
    )["VpcEndpoints"]
    states = {each["ServiceName"].split(".", 3)[-1]: each["State"].lower() for each in found}
    assert states == dict.fromkeys(("s3", "ecr.api", "ecr.dkr"), "available"), f"endpoints: {states}"
    return states


@probe("secret is readable and holds the master user")
def secret_readable(context: ProbeContext) -> dict[str, Any]:
    """User and password are there; of the password only its length is told."""
    text = context.client("secretsmanager").get_secret_value(SecretId=context.outputs["secretArn"])["SecretString"]
    secret = json.loads(text)
    missing = sorted({"username", "password", "engine", "port", "dbname"} - secret.keys())
    assert not missing, f"the secret lacks {', '.join(missing)}"
    length = len(secret["password"])
    assert length >= 32, f"the password has {length} characters"  # noqa: PLR2004 - as long as the program asks for
    return {"fields": sorted(secret), "password length": length}


@probe("key is enabled and rotates")
def key_rotates(context: ProbeContext) -> dict[str, Any]:
    """Rotation is on, and the alias leads to this key."""
    kms, key = context.client("kms"), context.outputs["keyArn"]
    state = kms.describe_key(KeyId=context.outputs["keyAlias"])["KeyMetadata"]
    assert state["Arn"] == key, f"alias {context.outputs['keyAlias']} leads to {state['Arn']}"
    assert state["KeyState"] == "Enabled", f"the key is {state['KeyState']}"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], f"rotation of {key} is off"
    return {"key": key, "rotation": "on"}


@probe("log groups are encrypted and forget after 30 days")
def log_retention(context: ProbeContext) -> dict[str, int]:
    """Every log group of the stack, asked by name."""
    logs, seen = context.client("logs"), {}
    for name in context.outputs["logGroupNames"]:
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        group = next((each for each in groups if each["logGroupName"] == name), {})
        assert group.get("retentionInDays") == RETENTION_DAYS, f"{name}: retention {group.get('retentionInDays')}"
        assert group.get("kmsKeyId") == context.outputs["keyArn"], f"{name}: encrypted by {group.get('kmsKeyId')}"
        seen[name] = group["retentionInDays"]
    return seen


@probe("registry scans what is pushed and keeps ten images")
def registry_scans(context: ProbeContext) -> dict[str, Any]:
    """Scan on push is on, and the lifecycle policy ends old images."""
    ecr, name = context.client("ecr"), context.outputs["repositoryName"]
    repository = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert repository["imageScanningConfiguration"]["scanOnPush"], f"{name} does not scan on push"
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
    kept = [rule["selection"]["countNumber"] for rule in rules]
    assert kept == [10], f"images kept: {kept}"
    return {"repository": repository["repositoryUri"], "images kept": kept[0]}


def _default_routes(tables: list[dict[str, Any]]) -> dict[str, str]:
    """Where each explicitly associated subnet's default route leads."""
    ways = {}
    for table in tables:
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") == "0.0.0.0/0":
                way = route.get("NatGatewayId") or route.get("GatewayId") or ""
                ways.update({each["SubnetId"]: way for each in table["Associations"] if each.get("SubnetId")})
    return ways

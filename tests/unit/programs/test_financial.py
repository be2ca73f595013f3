"""The financial program, run in a process of its own with Pulumi's mocks: what it declares, and what it refuses."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from mocked_programs import SUFFIX, Declared, Mocked

FINANCIAL = Mocked("financial", "financial")
ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"
start, declare = FINANCIAL.start, FINANCIAL.declare


@pytest.fixture(scope="module")
def declared() -> Declared:
    """The program with its fallbacks, in a region with three zones."""
    return declare()


def test_it_holds_what_the_platform_needs(declared: Declared) -> None:
    """Some fifty resources of AWS, of each type as many as three zones ask for."""
    kinds = Counter(each["type"].split(":")[-1] for each in declared.resources if each["type"].startswith("aws:"))
    assert kinds == {
        "Vpc": 1, "Subnet": 6, "InternetGateway": 1, "NatGateway": 1, "Eip": 1, "RouteTable": 4, "Route": 4,
        "RouteTableAssociation": 6, "VpcEndpoint": 3, "SecurityGroup": 3, "SecurityGroupIngressRule": 2,
        "SecurityGroupEgressRule": 2, "Key": 1, "Alias": 1, "Cluster": 1, "ClusterInstance": 1, "SubnetGroup": 1,
        "ClusterParameterGroup": 1, "Repository": 1, "LifecyclePolicy": 1, "LogGroup": 3, "Secret": 1,
        "SecretVersion": 1,
    }  # fmt: skip
    assert len([each for each in declared.resources if each["type"].startswith("random:")]) == 1


def test_every_physical_name_is_in_the_pattern(declared: Declared) -> None:
    """`financial-{resource}-{suffix}`, also inside an alias, a log group's path and a Name tag."""
    own = {"ec2/securityGroup", "kms/alias", "rds/", "ecr/repository:", "cloudwatch/", "secretsmanager/secret:"}
    seen = 0
    for each in declared.resources:
        inputs = each["inputs"]
        names = [
            inputs[key] for key in ("name", "identifier") if key in inputs and any(part in each["type"] for part in own)
        ]
        names += [inputs["tags"]["Name"]] if "Name" in inputs.get("tags", {}) else []
        for name in names:
            seen += 1
            assert re.search(rf"financial-[a-z0-9-]+-{SUFFIX}\b", name), (each["name"], name)
    assert seen > 35
    assert declared.inputs("rds/cluster:Cluster")["clusterIdentifier"] == f"financial-cluster-{SUFFIX}"


def test_everything_taggable_is_tagged(declared: Declared) -> None:
    """Environment, Project and CostCenter, set by the program itself."""
    untaggable = {
        "Route", "RouteTableAssociation", "Alias", "LifecyclePolicy", "SecretVersion",
    }  # fmt: skip
    for each in declared.resources:
        if each["type"].startswith("aws:") and each["type"].split(":")[-1] not in untaggable:
            tags = each["inputs"]["tags"]
            assert {"Environment": "test", "Project": "financial", "CostCenter": "finance"}.items() <= tags.items()


def test_nothing_resists_its_destruction(declared: Declared) -> None:
    """No protection, no retention, no final snapshot, no recovery window; images go with their repository."""
    assert not [each["name"] for each in declared.resources if each["protect"] or each["retain"]]
    cluster = declared.inputs("rds/cluster:Cluster")
    assert (cluster["deletionProtection"], cluster["skipFinalSnapshot"]) == (False, True)
    assert declared.inputs("secretsmanager/secret:Secret")["recoveryWindowInDays"] == 0
    assert declared.inputs("ecr/repository:Repository")["forceDelete"] is True


def test_the_database_is_serverless_encrypted_private_and_backed_up(declared: Declared) -> None:
    """0.5 to 1 ACU, our key, 30 days, no public address, the log group made before RDS makes its own."""
    cluster, writer = declared.inputs("rds/cluster:Cluster"), declared.inputs("rds/clusterInstance:ClusterInstance")
    assert cluster["serverlessv2ScalingConfiguration"] == {"minCapacity": 0.5, "maxCapacity": 1}
    assert cluster["storageEncrypted"] is True
    assert cluster["kmsKeyId"] == "arn:encryption-key"
    assert cluster["backupRetentionPeriod"] == 30
    assert (writer["instanceClass"], writer["publiclyAccessible"]) == ("db.serverless", False)
    (raw,) = declared.of("rds/cluster:Cluster")
    assert {"logs-postgresql", "database-secret-version"} <= set(raw["dependencies"])
    groups = [each["inputs"]["name"] for each in declared.of("cloudwatch/logGroup:LogGroup")]
    assert f"/aws/rds/cluster/{cluster['clusterIdentifier']}/postgresql" in groups


def test_the_password_is_drawn_and_marked_secret(declared: Declared) -> None:
    """Neither the program's files nor a plain property hold it."""
    marker = "1b47061264138c4ac30d75fd1eb44270"  # how a secret is marked on Pulumi's wire
    version = declared.inputs("secretsmanager/secretVersion:SecretVersion")["secretString"]
    password = declared.inputs("rds/cluster:Cluster")["masterPassword"]
    assert version["4dabf18193072939515e22adb298388d"] == marker
    assert password["4dabf18193072939515e22adb298388d"] == marker
    assert json.loads(version["value"])["password"] == password["value"]
    assert "drawn-" not in json.dumps(declared.outputs)


def test_at_rest_everything_is_encrypted_and_logs_expire(declared: Declared) -> None:
    """A rotating key for all; the logs service may use it for this account's log groups only."""
    key = declared.inputs("kms/key:Key")
    assert key["enableKeyRotation"] is True
    statements = {each["Sid"]: each for each in json.loads(key["policy"])["Statement"]}
    logs = statements["LogsOfThisAccount"]
    assert logs["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert list(logs["Condition"]["ArnLike"].values()) == ["arn:aws:logs:eu-central-1:111122223333:log-group:*"]
    for group in declared.of("cloudwatch/logGroup:LogGroup"):
        assert (group["inputs"]["retentionInDays"], group["inputs"]["kmsKeyId"]) == (30, "arn:encryption-key")
    repository = declared.inputs("ecr/repository:Repository")
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": "arn:encryption-key"}]
    assert declared.inputs("secretsmanager/secret:Secret")["kmsKeyId"] == "arn:encryption-key"


def test_edges_that_aws_needs_are_there(declared: Declared) -> None:
    """NAT gateway and its address wait for the internet gateway, to which no property of theirs refers."""
    for type_ in ("ec2/natGateway:NatGateway", "ec2/eip:Eip"):
        (only,) = declared.of(type_)
        assert "network-igw" in only["dependencies"]


def test_nobody_but_clients_reaches_database_and_endpoints(declared: Declared) -> None:
    """Ingress is from group to group, and groups have no rules inline."""
    for rule in declared.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert "cidrIpv4" not in rule["inputs"]
        assert rule["inputs"]["referencedSecurityGroupId"] == "network-firewall-clients-id"
        assert rule["inputs"]["fromPort"] == rule["inputs"]["toPort"]
    assert not [each for each in declared.of("ec2/securityGroup:SecurityGroup") if "ingress" in each["inputs"]]


def test_subnets_do_not_overlap_and_private_ones_leave_through_nat(declared: Declared) -> None:
    """Six blocks of the VPC's, one private default route per zone, the S3 endpoint in every private table."""
    blocks = {each["inputs"]["cidrBlock"] for each in declared.of("ec2/subnet:Subnet")}
    assert len(blocks) == 6
    assert all(block.startswith("10.0.") and block.endswith("/24") for block in blocks)
    through_nat = [each for each in declared.of("ec2/route:Route") if "natGatewayId" in each["inputs"]]
    assert len(through_nat) == 3
    s3 = next(each["inputs"] for each in declared.of("ec2/vpcEndpoint:VpcEndpoint") if "s3" in each["name"])
    assert s3["serviceName"] == "com.amazonaws.eu-central-1.s3"
    assert set(s3["routeTableIds"]) == {each["inputs"]["routeTableId"] for each in through_nat}


def test_outputs_are_exported(declared: Declared) -> None:
    """All that the probes and a user need."""
    assert declared.outputs.keys() >= {
        "vpcId", "publicSubnetIds", "privateSubnetIds", "availabilityZones", "natGatewayId", "clusterIdentifier",
        "clusterEndpoint", "readerEndpoint", "engineVersion", "secretArn", "repositoryName", "repositoryUrl",
        "keyArn", "keyAlias", "logGroupNames",
    }  # fmt: skip
    assert len(declared.outputs["privateSubnetIds"]) == 3


def test_without_a_version_the_newest_15_of_the_region_is_taken(declared: Declared) -> None:
    """Never one below 15.10, never another major; the parameter group's family follows."""
    assert declared.inputs("rds/cluster:Cluster")["engineVersion"] == "15.12"
    assert declared.inputs("rds/clusterParameterGroup:ClusterParameterGroup")["family"] == "aurora-postgresql15"
    asked = declared.calls["aws:rds/getEngineVersion:getEngineVersion"]["preferredVersions"]
    assert {"15.3", "15.4", "15.8"}.isdisjoint(asked)


def test_what_is_configured_is_used() -> None:
    """A version of another major brings its family; tags follow; the environment variable gives the suffix."""
    config = {"engineVersion": "16.8", "environment": "staging", "costCenter": "audit"}
    declared = declare(config, environ={"ENVIRONMENT_SUFFIX": "fr0m-env"})
    assert declared.inputs("rds/cluster:Cluster")["engineVersion"] == "16.8"
    assert declared.inputs("rds/cluster:Cluster")["clusterIdentifier"] == "financial-cluster-fr0m-env"
    assert declared.inputs("rds/clusterParameterGroup:ClusterParameterGroup")["family"] == "aurora-postgresql16"
    tags = declared.inputs("kms/key:Key")["tags"]
    assert (tags["Environment"], tags["CostCenter"]) == ("staging", "audit")


def test_a_region_with_two_zones_is_enough() -> None:
    """Fewer zones than wanted is a warning and a smaller network, not a failure."""
    declared = declare(zones=("xx-1b", "xx-1a"))
    assert len(declared.of("ec2/subnet:Subnet")) == 4
    assert declared.outputs["availabilityZones"] == ["xx-1a", "xx-1b"]
    assert "the region has 2 availability zones" in declared.log


def test_zones_that_cannot_work_are_left_out_by_their_ids() -> None:
    """Ids, for the letters mean other zones in each account; the region is asked without them."""
    asked = declare({"environmentSuffix": SUFFIX, "excludeZoneIds": "use1-az3, euc1-az2"}).calls[ZONES]
    assert asked["excludeZoneIds"] == ["use1-az3", "euc1-az2"]
    assert "excludeZoneIds" not in declare().calls[ZONES]


@pytest.mark.parametrize(
    ("config", "world", "words"),
    [
        ({}, {}, "no environment suffix"),
        ({"environmentSuffix": "s", "azCount": "1"}, {}, "azCount is 1; 2 to 6 are possible"),
        ({"environmentSuffix": "s"}, {"zones": ("xx-1a",)}, "Choose another aws:region"),
    ],
)
def test_what_cannot_work_is_refused_in_words(config: dict[str, str], world: dict[str, Any], words: str) -> None:
    """Before anything is declared, and with what to set."""
    asked, _ = start(config, **world)
    assert words in asked["refused"]

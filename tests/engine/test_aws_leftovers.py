"""What AWS leaves outside any state, and what it holds against a delete: at the real emulator, by the provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_wire import package

from harness.providers.aws.provider import AwsProvider

Client = Callable[[str], Any]


@pytest.fixture
def client(emulator, account) -> Iterator[Client]:
    """Clients of the account, apart from the provider's."""
    made: dict[str, Any] = {}
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "x", "region_name": "eu-central-1"}

    def make(service: str) -> Any:
        return made.setdefault(service, boto3.client(service, endpoint_url=emulator.url, **keys))

    yield make
    for one in made.values():
        one.close()


@pytest.fixture
def provider(emulator, account) -> AwsProvider:
    """The bundled provider over the account."""
    return package(emulator.url, account).configure({})


def group(client: Client, name: str) -> str:
    """A log group."""
    client("logs").create_log_group(logGroupName=name)
    return name


def network(client: Client) -> tuple[str, str]:
    """A VPC and a subnet in it."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


def interface(client: Client) -> tuple[str, str]:
    """A network interface that nothing uses, and the subnet that it lies in."""
    _, subnet = network(client)
    made = client("ec2").create_network_interface(SubnetId=subnet, Description="AWS Lambda VPC ENI-x")
    return subnet, made["NetworkInterface"]["NetworkInterfaceId"]


def scheduled(client: Client) -> str:
    """A secret in its recovery window."""
    arn = client("secretsmanager").create_secret(Name="waits", SecretString="x")["ARN"]
    client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    return str(arn)


def snapshot(client: Client) -> str:
    """A snapshot of a cluster."""
    rds = client("rds")
    settings = {"Engine": "aurora-postgresql", "MasterUsername": "u", "MasterUserPassword": "hunter22"}
    rds.create_db_cluster(DBClusterIdentifier="c", **settings)
    rds.create_db_cluster_snapshot(DBClusterIdentifier="c", DBClusterSnapshotIdentifier="c-last")
    return "c-last"


LOGS = {
    "aws:lambda/function:Function": ("worker", {}, "/aws/lambda/worker"),
    "aws:codebuild/project:Project": ("arn:aws:codebuild:x:1:project/build", {}, "/aws/codebuild/build"),
    "aws:rds/cluster:Cluster": ("db", {}, "/aws/rds/cluster/db/postgresql"),
    "aws:ecs/cluster:Cluster": ("arn:aws:ecs:x:1:cluster/web", {}, "/aws/ecs/containerinsights/web/performance"),
    "aws:ec2/flowLog:FlowLog": ("fl-1", {"logDestination": "arn:aws:logs:x:1:log-group:flows:*"}, "flows"),
    "aws:apigateway/restApi:RestApi": ("a1", {}, "API-Gateway-Execution-Logs_a1/prod"),
}


@pytest.mark.parametrize("token", LOGS)
def test_a_log_group_that_a_service_made_is_found_and_removed(provider, client, token) -> None:
    """By its parent's name; one that is older than the run, or only begins alike, is somebody else's."""
    id_, outputs, name = LOGS[token]
    group(client, name)
    other = group(client, f"{name.removesuffix('/prod').removesuffix('/postgresql').removesuffix('/performance')}-2")
    ask = {"blocking": False, "remove": True}
    assert provider.remains(token, id_, outputs, since=time.time() + 3600, **ask).found == []
    [left] = provider.remains(token, id_, outputs, since=time.time(), **ask).found
    assert (left["type"], left["id"], left["gone"]) == ("aws:cloudwatch/logGroup:LogGroup", name, True)
    assert [one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]] == [other]


def test_a_secret_in_its_window_is_deleted_for_good(provider, client) -> None:
    """Its name is free again."""
    arn, token = scheduled(client), "aws:secretsmanager/secret:Secret"
    ask = {"since": 0.0, "blocking": False, "remove": True}
    assert provider.remains(token, arn, {"recoveryWindowInDays": 0}, **ask).found == []
    [left] = provider.remains(token, arn, {}, **ask).found
    assert left["gone"]
    client("secretsmanager").create_secret(Name="waits", SecretString="y")


def test_a_snapshot_of_a_cluster_goes_after_it(provider, client) -> None:
    """Of the cluster of that very id, when it is known: another may have had the name before."""
    name, token = snapshot(client), "aws:rds/cluster:Cluster"
    ask = {"since": time.time(), "blocking": False, "remove": True}
    assert provider.remains(token, "c", {"clusterResourceId": "cluster-OTHER"}, **ask).found == []
    [left] = provider.remains(token, "c", {}, **ask).found
    assert (left["id"], left["gone"]) == (name, True)


def test_a_forgotten_network_interface_is_removed_while_it_holds_its_subnet(provider, client) -> None:
    """Only when blockers are asked for: after the subnet there is none."""
    subnet, card = interface(client)
    token = "aws:ec2/subnet:Subnet"
    assert provider.remains(token, subnet, {}, since=0, blocking=False, remove=True).found == []
    [seen] = provider.remains(token, subnet, {}, since=0, blocking=True, remove=False).found
    assert (seen["id"], seen["gone"]) == (card, False)
    [left] = provider.remains(token, subnet, {}, since=0, blocking=True, remove=True).found
    assert left["gone"]
    client("ec2").delete_subnet(SubnetId=subnet)


def test_an_inactive_revision_is_told_and_no_leak(provider, client) -> None:
    """AWS deletes it when it likes to; it costs nothing."""
    ecs = client("ecs")
    made = ecs.register_task_definition(family="web", containerDefinitions=[{"name": "c", "image": "i", "memory": 64}])
    arn = made["taskDefinition"]["taskDefinitionArn"]
    token = "aws:ecs/taskDefinition:TaskDefinition"
    ask = {"since": 0, "blocking": False, "remove": False}
    assert provider.remains(token, "web", {"arn": arn}, **ask).found == []
    ecs.deregister_task_definition(taskDefinition=arn)
    [left] = provider.remains(token, "web", {"arn": arn}, **ask).found
    assert (left["id"], left["lasting"]) == (arn, True)


def test_a_revision_that_a_pipeline_registered_is_found_and_deregistered(provider, client) -> None:
    """A copy of ours in our time, once the role went with ours; not ours itself, nor one of another role, family, time.

    A role that is still there may be shared, and whoever shares it may have registered it.
    """
    ecs, token = client("ecs"), "aws:ecs/taskDefinition:TaskDefinition"

    def register(family: str, role: str) -> str:
        one = {"name": "c", "image": "i", "memory": 64}
        made = ecs.register_task_definition(family=family, executionRoleArn=role, containerDefinitions=[one])
        return str(made["taskDefinition"]["taskDefinitionArn"])

    ours, copied = register("web", "role/mine"), register("web", "role/mine")
    others = {register("web", "role/yours"), register("web-2", "role/mine")}
    outputs = {"arn": ours, "family": "web", "executionRoleArn": "role/mine"}
    ask = {"blocking": False, "remove": True}
    shared = client("iam").create_role(RoleName="shared", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    register("web", shared)
    theirs = {**outputs, "executionRoleArn": shared}
    assert provider.remains(token, "web", theirs, since=time.time(), **ask).found == []
    others |= set(ecs.list_task_definitions(sort="DESC")["taskDefinitionArns"]) - {ours, copied}
    assert provider.remains(token, "web", outputs, since=time.time() + 3600, **ask).found == []
    assert provider.remains(token, "web", {**outputs, "executionRoleArn": ""}, since=time.time(), **ask).found == []
    [left] = provider.remains(token, "web", outputs, since=time.time(), **ask).found
    assert (left["type"], left["id"], left["gone"], left["lasting"]) == (token, copied, True, False)
    assert set(ecs.list_task_definitions()["taskDefinitionArns"]) == {ours, *others}


def table(client: Client) -> tuple[str, dict[str, Any]]:
    """A table that is protected."""
    key = {"AttributeName": "k", "KeyType": "HASH"}
    client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    return "kept", {}


def balancer(client: Client) -> tuple[str, dict[str, Any]]:
    """A load balancer that is protected."""
    _, subnet = network(client)
    made = client("elbv2").create_load_balancer(Name="kept", Subnets=[subnet], Type="network")
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    attributes = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    return arn, {"arn": arn}


def database(client: Client) -> tuple[str, dict[str, Any]]:
    """A database that is protected; its id is not its name."""
    client("rds").create_db_instance(
        DBInstanceIdentifier="kept",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="hunter22",
        DeletionProtection=True,
    )
    return "db-ABC", {"identifier": "kept"}


PROTECTED: dict[str, Callable[[Client], tuple[str, dict[str, Any]]]] = {
    "aws:dynamodb/table:Table": table,
    "aws:lb/loadBalancer:LoadBalancer": balancer,
    "aws:rds/instance:Instance": database,
}


@pytest.mark.parametrize("token", PROTECTED)
def test_deletion_protection_is_switched_off_once(provider, client, token) -> None:
    """Also when somebody switched it on by hand; where it is off nothing is changed, nor where there is nothing."""
    id_, outputs = PROTECTED[token](client)
    assert provider.unblock(token, id_, outputs) == ["deletion protection switched off"]
    assert provider.unblock(token, id_, outputs) == []
    gone = dict.fromkeys(outputs, "never")
    assert provider.unblock(token, id_.replace("kept", "never"), gone) == []

"""What the embedded emulator serves beside ministack: moto's services and ours, on one port, in one account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from harness.world.emulator import Emulator, start_emulator
from harness.world.home import HOME_VARIABLE, open_home

ACCOUNT, OTHER = "111122223333", "444455556666"
SCALING = {"ServiceNamespace": "ecs", "ResourceId": "service/c/s", "ScalableDimension": "ecs:service:DesiredCount"}


@pytest.fixture(scope="module")
def emulator(harness_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of this file's own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Callable[..., Any]]:
    """Clients of an account and region, closed in the end."""
    made = []

    def make(service: str, account: str = ACCOUNT, region: str = "eu-central-1") -> Any:
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "x", "region_name": region}
        made.append(boto3.client(service, endpoint_url=emulator.url, **keys))
        return made[-1]

    yield make
    for one in made:
        one.close()


def imports_moto(emulator: Emulator) -> bool:
    """Whether moto is in the emulator's memory: it takes 150 MB there."""
    return bool(psutil.Process(emulator.pid).memory_info().rss > 120_000_000)


def test_moto_is_not_imported_until_it_is_asked(emulator: Emulator, client: Callable[..., Any]) -> None:
    """A run of `starter` pays nothing for it."""
    client("s3").list_buckets()
    client("codestar-connections").list_connections()
    assert not imports_moto(emulator)
    client("codepipeline").list_pipelines()
    assert imports_moto(emulator)


def test_accounts_and_regions_see_nothing_of_each_other(client: Callable[..., Any]) -> None:
    """The access key is the account of moto's services and of ours as well."""
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "a", "image": "b"}])
    ecs.create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=1)
    scaling = client("application-autoscaling")
    arn = scaling.register_scalable_target(**SCALING, MinCapacity=1, MaxCapacity=2, Tags={"a": "b"})[
        "ScalableTargetARN"
    ]
    assert arn.split(":")[4] == ACCOUNT
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "b"}
    connection = client("codestar-connections").create_connection(ProviderType="GitHub", ConnectionName="x")
    assert f":{ACCOUNT}:connection/" in connection["ConnectionArn"]
    for place in ((OTHER, "eu-central-1"), (ACCOUNT, "us-east-1")):
        found = client("application-autoscaling", *place).describe_scalable_targets(ServiceNamespace="ecs")
        assert found["ScalableTargets"] == []
        assert client("codestar-connections", *place).list_connections()["Connections"] == []


def test_moto_sees_the_services_and_roles_of_ministack(client: Callable[..., Any]) -> None:
    """A target needs its ECS service, a pipeline its role with CodePipeline's trust: as on AWS, and no others."""
    with pytest.raises(ClientError, match="ECS service doesn't exist"):
        client("application-autoscaling", OTHER).register_scalable_target(**SCALING, MinCapacity=1, MaxCapacity=2)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    action = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    stages = [{"name": name, "actions": [{"name": "a", "actionTypeId": action}]} for name in ("One", "Two")]
    asked = {"name": "p", "artifactStore": {"type": "S3", "location": "bucket"}, "stages": stages}
    pipelines = client("codepipeline")
    with pytest.raises(ClientError, match="not authorized to perform AssumeRole"):
        pipelines.create_pipeline(pipeline={**asked, "roleArn": f"{role}-no"})
    assert pipelines.create_pipeline(pipeline={**asked, "roleArn": role})["pipeline"]["name"] == "p"


def test_a_connection_waits_for_somebody_to_complete_it(client: Callable[..., Any]) -> None:
    """New ones are PENDING as on AWS; a deleted one is not found; a stranger's ARN is refused in AWS's own words."""
    connections = client("codestar-connections")
    arn = connections.create_connection(ProviderType="GitHub", ConnectionName="y")["ConnectionArn"]
    assert connections.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    connections.delete_connection(ConnectionArn=arn)
    with pytest.raises(connections.exceptions.ResourceNotFoundException):
        connections.get_connection(ConnectionArn=arn)

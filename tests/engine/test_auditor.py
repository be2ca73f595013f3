"""The auditor of the campaigns sees what somebody made, and nothing else."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from auditor import BESIDE, LISTINGS, Auditor, Connections
from botocore.exceptions import EndpointConnectionError


def make_everything(client) -> int:
    """One of each kind that `starter` and `financial` make, by boto3 alone; how many."""
    ec2, rds, kms, iam = (client(service) for service in ("ec2", "rds", "kms", "iam"))
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    ec2.create_security_group(VpcId=vpc, GroupName="g", Description="g")
    ec2.create_route_table(VpcId=vpc)
    ec2.create_internet_gateway()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    ec2.create_network_interface(SubnetId=subnets[0])
    rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="g", SubnetIds=subnets)
    rds.create_db_parameter_group(
        DBParameterGroupName="p", DBParameterGroupFamily="aurora-postgresql16", Description="p"
    )
    family = {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "p"}
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName="c", **family)
    rds.create_db_cluster(
        DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="u", MasterUserPassword="p" * 9
    )
    rds.create_db_instance(
        DBInstanceIdentifier="i", DBInstanceClass="db.r6g.large", Engine="aurora-postgresql", DBClusterIdentifier="c"
    )
    rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="s", DBClusterIdentifier="c")
    client("s3").create_bucket(Bucket="auditor-bucket")
    client("s3").create_multipart_upload(Bucket="auditor-bucket", Key="k")
    client("sqs").create_queue(QueueName="q")
    client("ecr").create_repository(repositoryName="repository")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/a", TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=kms.create_key()["KeyMetadata"]["KeyId"])  # terminal: it is no more
    client("secretsmanager").create_secret(Name="s", SecretString="s")
    client("ssm").put_parameter(Name="p", Value="v", Type="String")
    client("logs").create_log_group(logGroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'
    iam.create_policy(PolicyName="p", PolicyDocument=document)
    return 26


def test_a_fresh_account_holds_nothing(auditor, account) -> None:
    """What AWS gives every account is nobody's leak; and every listing of the table is answered."""
    ask = auditor(account)
    assert ask.left(beside=True) == []
    table = (*LISTINGS, *BESIDE)
    assert len({(listing.service, listing.operation) for listing in table}) == len(table)


def test_what_somebody_made_is_seen(auditor, account) -> None:
    """One of each kind of the programs here, an unfinished upload and a snapshot among them; by account and region."""
    ask = auditor(account)
    made = make_everything(ask.client)
    left = ask.left()
    # An endpoint or an instance may have brought network interfaces of its own.
    assert len([name for name in left if "eni-" not in name]) == made, left
    assert any("eni-" in name for name in left)
    assert auditor(str(int(account) + 1)).left() == []


def make_a_delivery(client) -> set[str]:
    """A pipeline, a scaling target and a connection, by boto3 alone; how the auditor must call them."""
    trust = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    of_aws = {"version": "1", "owner": "AWS"}
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "provider": "S3", **of_aws},
        "outputArtifacts": [{"name": "s"}],
        "configuration": {"S3Bucket": "bucket", "S3ObjectKey": "k"},
    }
    deploy = {
        "name": "Deploy",
        "actionTypeId": {"category": "Deploy", "provider": "S3", **of_aws},
        "inputArtifacts": [{"name": "s"}],
        "configuration": {"BucketName": "bucket", "Extract": "true"},
    }
    stages = [{"name": one["name"], "actions": [one]} for one in (source, deploy)]
    store = {"type": "S3", "location": "bucket"}
    client("codepipeline").create_pipeline(
        pipeline={"name": "p", "roleArn": role, "artifactStore": store, "stages": stages, "version": 1}
    )
    ecs = client("ecs")
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "a", "image": "b"}])
    ecs.create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=1)
    dimension = "ecs:service:DesiredCount"
    client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs", ResourceId="service/c/s", ScalableDimension=dimension, MinCapacity=1, MaxCapacity=2
    )
    made = client("codestar-connections").create_connection(ProviderType="GitHub", ConnectionName="x")
    return {
        "codepipeline p",
        "application-autoscaling service/c/s",
        f"codestar-connections {made['ConnectionArn']}",
    }


def test_what_is_served_beside_is_seen(auditor, account) -> None:
    """A pipeline, a scaling target and a connection that somebody left, in their region and in no other."""
    ask = auditor(account, "ca-central-1")
    made = make_a_delivery(ask.client)
    assert made <= set(ask.left(beside=True))
    assert not any(one.startswith(("codepipeline", "application-autoscaling")) for one in ask.left())
    assert not made & set(auditor(account).left(beside=True))


def test_a_silent_target_is_no_proof(account) -> None:
    """A listing that is not answered raises."""
    with closing(Connections("http://127.0.0.1:9")) as connections, pytest.raises(EndpointConnectionError):
        Auditor(connections, account).left()

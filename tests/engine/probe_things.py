"""Tagged and named resources of every type that `tags` and `suffix` know, made by boto3 as a stack would make them.

Those of the systems (load balancers, streams, caches, pipelines) stand in probe_system_things.py.
"""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

from probe_system_things import SYSTEM_MAKERS
from probe_tags import LIST, PAIRS, REGION, SUFFIX, Client, two_subnets, vpc_of

from harness.probes.registry import StackResource

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def bucket(client: Client, name: str) -> dict[str, Any]:
    """A tagged bucket; names of buckets are shared by all accounts."""
    s3, name = client("s3"), f"{name}-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": LIST})
    return {"id": name}


def key(client: Client, name: str) -> dict[str, Any]:
    """A tagged key with an alias."""
    kms = client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in PAIRS.items()]
    made = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made)
    return {"id": made}


def alias(client: Client, name: str) -> dict[str, Any]:
    """An alias of a key."""
    return {"id": f"alias/{name}", "targetKeyId": key(client, name)["id"]}


def log_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged log group, and one whose name begins like it."""
    logs = client("logs")
    for one in (name, f"{name}-more"):
        logs.create_log_group(logGroupName=one, tags=PAIRS)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    return {"id": name, "arn": found["arn"].removesuffix(":*")}


def role(client: Client, name: str) -> dict[str, Any]:
    """A tagged role."""
    client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=LIST)
    return {"id": name}


def role_policy(client: Client, name: str) -> dict[str, Any]:
    """A policy inside a role."""
    role(client, name)
    client("iam").put_role_policy(RoleName=name, PolicyName=f"{name}-policy", PolicyDocument=POLICY)
    return {"id": f"{name}:{name}-policy", "role": name, "name": f"{name}-policy"}


def instance_profile(client: Client, name: str) -> dict[str, Any]:
    """A tagged profile."""
    client("iam").create_instance_profile(InstanceProfileName=name, Tags=LIST)
    return {"id": name}


def function(client: Client, name: str) -> dict[str, Any]:
    """A tagged function that is never called."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 1\n")
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::111122223333:role/any",
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Tags=PAIRS,
    )
    return {"id": name, "arn": made["FunctionArn"]}


def table(client: Client, name: str) -> dict[str, Any]:
    """A tagged table."""
    made = client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=LIST,
    )
    return {"id": name, "arn": made["TableDescription"]["TableArn"]}


def cluster(client: Client, name: str) -> dict[str, Any]:
    """A tagged cluster without instance."""
    made = client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        EngineVersion="15.10",
        MasterUsername="me",
        MasterUserPassword="long-enough-1",
        Tags=LIST,
    )
    return {"id": name, "arn": made["DBCluster"]["DBClusterArn"]}


def cluster_instance(client: Client, name: str) -> dict[str, Any]:
    """A tagged instance of a cluster."""
    cluster(client, f"{name}-cluster")
    made = client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=f"{name}-cluster",
        Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
        Tags=LIST,
    )
    return {"id": name, "arn": made["DBInstance"]["DBInstanceArn"]}


def instance(client: Client, name: str) -> dict[str, Any]:
    """A tagged instance alone; Pulumi's id of it is RDS's resource id."""
    made = client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="me",
        MasterUserPassword="long-enough-1",
        Tags=LIST,
    )["DBInstance"]
    return {"id": made["DbiResourceId"], "identifier": name, "arn": made["DBInstanceArn"]}


def parameter_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged parameter group."""
    made = client("rds").create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="d", Tags=LIST
    )
    return {"id": name, "arn": made["DBParameterGroup"]["DBParameterGroupArn"]}


def cluster_parameter_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged parameter group for clusters."""
    made = client("rds").create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql15", Description="d", Tags=LIST
    )
    return {"id": name, "arn": made["DBClusterParameterGroup"]["DBClusterParameterGroupArn"]}


def subnet_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged subnet group."""
    made = client("rds").create_db_subnet_group(
        DBSubnetGroupName=name,
        DBSubnetGroupDescription="d",
        SubnetIds=two_subnets(client, name),
        Tags=LIST,
    )
    return {"id": name, "arn": made["DBSubnetGroup"]["DBSubnetGroupArn"]}


def security_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged group."""
    made = client("ec2").create_security_group(
        GroupName=name,
        Description="d",
        VpcId=vpc_of(client, name)["id"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": LIST}],
    )
    return {"id": made["GroupId"]}


def key_pair(client: Client, name: str) -> dict[str, Any]:
    """A tagged pair; Pulumi's id of it is its name."""
    made = client("ec2").create_key_pair(KeyName=name, TagSpecifications=[{"ResourceType": "key-pair", "Tags": LIST}])
    return {"id": name, "keyPairId": made["KeyPairId"]}


def repository(client: Client, name: str) -> dict[str, Any]:
    """A tagged repository."""
    made = client("ecr").create_repository(repositoryName=name, tags=LIST)["repository"]
    return {"id": name, "arn": made["repositoryArn"]}


def parameter(client: Client, name: str) -> dict[str, Any]:
    """A tagged parameter."""
    client("ssm").put_parameter(Name=f"/{name}", Value="v", Type="String", Tags=LIST)
    return {"id": f"/{name}"}


MAKERS: dict[str, Callable[[Client, str], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketV2:BucketV2": bucket,
    "aws:sqs/queue:Queue": lambda client, name: {
        "id": client("sqs").create_queue(QueueName=name, tags=PAIRS)["QueueUrl"]
    },
    "aws:sns/topic:Topic": lambda client, name: {"id": client("sns").create_topic(Name=name, Tags=LIST)["TopicArn"]},
    "aws:kms/key:Key": key,
    "aws:kms/alias:Alias": alias,
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:secretsmanager/secret:Secret": lambda client, name: {
        "id": client("secretsmanager").create_secret(Name=name, SecretString="{}", Tags=LIST)["ARN"]
    },
    "aws:ecr/repository:Repository": repository,
    "aws:ssm/parameter:Parameter": parameter,
    "aws:lambda/function:Function": function,
    "aws:dynamodb/table:Table": table,
    "aws:iam/role:Role": role,
    "aws:iam/user:User": lambda client, name: {
        "id": client("iam").create_user(UserName=name, Tags=LIST)["User"]["UserName"]
    },
    "aws:iam/policy:Policy": lambda client, name: {
        "id": client("iam").create_policy(PolicyName=name, PolicyDocument=POLICY, Tags=LIST)["Policy"]["Arn"]
    },
    "aws:iam/instanceProfile:InstanceProfile": instance_profile,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:rds/cluster:Cluster": cluster,
    "aws:rds/clusterInstance:ClusterInstance": cluster_instance,
    "aws:rds/instance:Instance": instance,
    "aws:rds/subnetGroup:SubnetGroup": subnet_group,
    "aws:rds/parameterGroup:ParameterGroup": parameter_group,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": cluster_parameter_group,
    "aws:ec2/securityGroup:SecurityGroup": security_group,
    "aws:ec2/keyPair:KeyPair": key_pair,
    "aws:ec2/vpc:Vpc": vpc_of,
    **SYSTEM_MAKERS,
}


def made(client: Client, type_: str, name: str = f"shop-thing-{SUFFIX}") -> StackResource:
    """One resource of a type, as a state would know it."""
    outputs = MAKERS[type_](client, name)
    id_ = outputs.pop("id")
    return StackResource(type_, id_, "thing", outputs=outputs)

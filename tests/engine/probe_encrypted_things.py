"""Resources of every type that `encrypted` knows, made by boto3 under a key, or under none."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from probe_system_things import pipeline as plain_pipeline
from probe_tags import REGION, Client

from harness.probes.registry import StackResource

Made = dict[str, Any]


def queue(client: Client, name: str, key: str | None) -> Made:
    """A queue."""
    attributes = {"KmsMasterKeyId": key} if key else {}
    return {"id": client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]}


def topic(client: Client, name: str, key: str | None) -> Made:
    """A topic."""
    attributes = {"KmsMasterKeyId": key} if key else {}
    return {"id": client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]}


def secret(client: Client, name: str, key: str | None) -> Made:
    """A secret."""
    under = {"KmsKeyId": key} if key else {}
    return {"id": client("secretsmanager").create_secret(Name=name, SecretString="{}", **under)["ARN"]}


def repository(client: Client, name: str, key: str | None) -> Made:
    """A repository."""
    under = {"encryptionType": "KMS", "kmsKey": key} if key else {"encryptionType": "AES256"}
    client("ecr").create_repository(repositoryName=name, encryptionConfiguration=under)
    return {"id": name}


def log_group(client: Client, name: str, key: str | None) -> Made:
    """A log group, and one whose name begins like it under no key."""
    client("logs").create_log_group(logGroupName=name, **({"kmsKeyId": key} if key else {}))
    client("logs").create_log_group(logGroupName=f"{name}-more")
    return {"id": name}


def stream(client: Client, name: str, key: str | None) -> Made:
    """A stream."""
    client("kinesis").create_stream(StreamName=name, ShardCount=1)
    if key:
        client("kinesis").start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key)
    return {"id": name, "name": name}


def bucket(client: Client, name: str, key: str | None) -> Made:
    """A bucket; its names are shared by all accounts."""
    s3, name = client("s3"), f"{name}-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    under = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    rules = [{"ApplyServerSideEncryptionByDefault": under}]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    return {"id": name}


def cluster(client: Client, name: str, key: str | None) -> Made:
    """A cluster without instance."""
    client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="me",
        MasterUserPassword="long-enough-1",
        **({"StorageEncrypted": True, "KmsKeyId": key} if key else {}),
    )
    return {"id": name}


def table(client: Client, name: str, key: str | None) -> Made:
    """A table."""
    under = {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if key else {}
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **under,
    )
    return {"id": name}


def project(client: Client, name: str, key: str | None) -> Made:
    """A build project."""
    made = client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole="arn:aws:iam::111122223333:role/any",
        **({"encryptionKey": key} if key else {}),
    )["project"]
    return {"id": made["arn"], "name": name}


def pipeline(client: Client, name: str, key: str | None) -> Made:
    """A pipeline, by the key of its artefacts."""
    outputs = plain_pipeline(client, name)
    described = client("codepipeline").get_pipeline(name=name)["pipeline"]
    if key:
        described["artifactStore"]["encryptionKey"] = {"id": key, "type": "KMS"}
        client("codepipeline").update_pipeline(pipeline=described)
    return outputs


MAKERS: dict[str, Callable[[Client, str, str | None], Made]] = {
    "aws:sqs/queue:Queue": queue,
    "aws:sns/topic:Topic": topic,
    "aws:secretsmanager/secret:Secret": secret,
    "aws:ecr/repository:Repository": repository,
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:kinesis/stream:Stream": stream,
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketV2:BucketV2": bucket,
    "aws:rds/cluster:Cluster": cluster,
    "aws:dynamodb/table:Table": table,
    "aws:codebuild/project:Project": project,
    "aws:codepipeline/pipeline:Pipeline": pipeline,
}


def made(client: Client, type_: str, key: str | None, name: str = "thing") -> StackResource:
    """One resource of a type, as a state would know it."""
    outputs = MAKERS[type_](client, f"shop-{name}", key)
    return StackResource(type_, outputs.pop("id"), name, outputs=outputs)

"""How each type is asked at the target about the key that it is under, as data: one row per type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.probes.questions import Question

_BUCKET: Final = Question(
    "s3",
    "get_bucket_encryption",
    {"Bucket": "{id}"},
    "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
    empty="ServerSideEncryptionConfigurationNotFoundError",
)

KEYS: Final[Mapping[str, Question]] = {
    "aws:cloudwatch/logGroup:LogGroup": Question(
        "logs",
        "describe_log_groups",
        {"logGroupNamePrefix": "{id}"},
        "logGroups[?logGroupName=='{id}'] | [0].kmsKeyId",
    ),
    "aws:codebuild/project:Project": Question(
        "codebuild", "batch_get_projects", {"names": ["{name}"]}, "projects[0].encryptionKey"
    ),
    "aws:codepipeline/pipeline:Pipeline": Question(
        "codepipeline", "get_pipeline", {"name": "{id}"}, "pipeline.artifactStore.encryptionKey.id"
    ),
    "aws:dynamodb/table:Table": Question(
        "dynamodb", "describe_table", {"TableName": "{id}"}, "Table.SSEDescription.KMSMasterKeyArn"
    ),
    "aws:ecr/repository:Repository": Question(
        "ecr", "describe_repositories", {"repositoryNames": ["{id}"]}, "repositories[0].encryptionConfiguration.kmsKey"
    ),
    "aws:kinesis/stream:Stream": Question(
        "kinesis", "describe_stream_summary", {"StreamName": "{name}"}, "StreamDescriptionSummary.KeyId"
    ),
    "aws:rds/cluster:Cluster": Question(
        "rds", "describe_db_clusters", {"DBClusterIdentifier": "{id}"}, "DBClusters[0].KmsKeyId"
    ),
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketV2:BucketV2": _BUCKET,
    "aws:secretsmanager/secret:Secret": Question("secretsmanager", "describe_secret", {"SecretId": "{id}"}, "KmsKeyId"),
    "aws:sns/topic:Topic": Question("sns", "get_topic_attributes", {"TopicArn": "{id}"}, "Attributes.KmsMasterKeyId"),
    "aws:sqs/queue:Queue": Question(
        "sqs",
        "get_queue_attributes",
        {"QueueUrl": "{id}", "AttributeNames": ["KmsMasterKeyId"]},
        "Attributes.KmsMasterKeyId",
    ),
}

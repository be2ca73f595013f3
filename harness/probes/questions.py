"""How each type is asked at the target about its tags and its name, as data: one row per type.

A type without a row is asked of the tagging API (`asking.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Question:
    """One call: its parameters as templates over the resource's `id` and outputs, and where the answer lies (JMESPath).

    `empty` is the error code with which a service says that there is nothing.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    at: str
    empty: str = ""


@dataclass(frozen=True)
class Row:
    """How one type is asked; None where a type has no tags, or no name of its own."""

    tags: Question | None = None
    name: Question | None = None
    named: bool = field(default=True, kw_only=True)
    """Whether a resource of that type always has a name; False for those that may have a `Name` tag or an alias."""


def _by_arn(service: str, operation: str, parameter: str, at: str) -> Question:
    return Question(service, operation, {parameter: "{arn}"}, at)


_EC2_FILTER: Final = {"Filters": [{"Name": "resource-id", "Values": ["{id}"]}]}
_EC2_TAGS: Final = Question("ec2", "describe_tags", _EC2_FILTER, "Tags")
EC2: Final = Row(_EC2_TAGS, Question("ec2", "describe_tags", _EC2_FILTER, "Tags[?Key=='Name'].Value"), named=False)
_RDS_TAGS: Final = _by_arn("rds", "list_tags_for_resource", "ResourceName", "TagList")
_ECS_TAGS: Final = Question("ecs", "list_tags_for_resource", {"resourceArn": "{id}"}, "tags")
_ACTIVE: Final = "?status=='ACTIVE'"  # ECS tells of what was deleted for a while
_BUCKET: Final = Row(
    Question("s3", "get_bucket_tagging", {"Bucket": "{id}"}, "TagSet", empty="NoSuchTagSet"),
    Question("s3", "list_buckets", {"Prefix": "{id}"}, "Buckets[?Name=='{id}'].Name"),
)


def _rds(operation: str, parameter: str, at: str) -> Row:
    return Row(_RDS_TAGS, Question("rds", operation, {parameter: "{id}"}, at))


def _elb(operation: str, parameter: str, name: str) -> Row:
    tags = Question("elbv2", "describe_tags", {"ResourceArns": ["{id}"]}, "TagDescriptions[].Tags[]")
    return Row(tags, Question("elbv2", operation, {parameter: ["{id}"]}, name))


def _elasticache(operation: str, parameter: str, name: str) -> Row:
    tags = _by_arn("elasticache", "list_tags_for_resource", "ResourceName", "TagList")
    return Row(tags, Question("elasticache", operation, {parameter: "{id}"}, name))


def _iam(what: str, parameter: str) -> Row:
    """`what` as in `get_…` and `list_…_tags`; the answer names it as the parameter of IAM does."""
    noun = "".join(part.title() for part in what.split("_"))
    given = {parameter: "{id}"}
    return Row(
        Question("iam", f"list_{what}_tags", given, "Tags"), Question("iam", f"get_{what}", given, f"{noun}.{noun}Name")
    )


ROWS: Final[Mapping[str, Row]] = {
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketV2:BucketV2": _BUCKET,
    "aws:sqs/queue:Queue": Row(
        Question("sqs", "list_queue_tags", {"QueueUrl": "{id}"}, "Tags"),
        Question(
            "sqs", "get_queue_attributes", {"QueueUrl": "{id}", "AttributeNames": ["QueueArn"]}, "Attributes.QueueArn"
        ),
    ),
    "aws:sns/topic:Topic": Row(
        Question("sns", "list_tags_for_resource", {"ResourceArn": "{id}"}, "Tags"),
        Question("sns", "get_topic_attributes", {"TopicArn": "{id}"}, "Attributes.TopicArn"),
    ),
    "aws:sns/topicSubscription:TopicSubscription": Row(),  # its ARN is the topic's, with a number
    "aws:kms/key:Key": Row(
        Question("kms", "list_resource_tags", {"KeyId": "{id}"}, "Tags"),
        Question("kms", "list_aliases", {"KeyId": "{id}"}, "Aliases[].AliasName"),
        named=False,
    ),
    "aws:kms/alias:Alias": Row(
        name=Question("kms", "list_aliases", {"KeyId": "{targetKeyId}"}, "Aliases[?AliasName=='{id}'].AliasName")
    ),
    "aws:cloudwatch/logGroup:LogGroup": Row(
        _by_arn("logs", "list_tags_for_resource", "resourceArn", "tags"),
        Question(
            "logs",
            "describe_log_groups",
            {"logGroupNamePrefix": "{id}"},
            "logGroups[?logGroupName=='{id}'].logGroupName",
        ),
    ),
    "aws:secretsmanager/secret:Secret": Row(
        Question("secretsmanager", "describe_secret", {"SecretId": "{id}"}, "Tags"),
        Question("secretsmanager", "describe_secret", {"SecretId": "{id}"}, "Name"),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Row(),  # its ARN is the secret's
    "aws:ecr/repository:Repository": Row(
        _by_arn("ecr", "list_tags_for_resource", "resourceArn", "tags"),
        Question("ecr", "describe_repositories", {"repositoryNames": ["{id}"]}, "repositories[].repositoryName"),
    ),
    "aws:ssm/parameter:Parameter": Row(
        Question("ssm", "list_tags_for_resource", {"ResourceType": "Parameter", "ResourceId": "{id}"}, "TagList"),
        Question(
            "ssm",
            "describe_parameters",
            {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": ["{id}"]}]},
            "Parameters[].Name",
        ),
    ),
    "aws:lambda/function:Function": Row(
        _by_arn("lambda", "list_tags", "Resource", "Tags"),
        Question("lambda", "get_function_configuration", {"FunctionName": "{id}"}, "FunctionName"),
    ),
    "aws:dynamodb/table:Table": Row(
        _by_arn("dynamodb", "list_tags_of_resource", "ResourceArn", "Tags"),
        Question("dynamodb", "describe_table", {"TableName": "{id}"}, "Table.TableName"),
    ),
    "aws:iam/role:Role": _iam("role", "RoleName"),
    "aws:iam/user:User": _iam("user", "UserName"),
    "aws:iam/policy:Policy": _iam("policy", "PolicyArn"),
    "aws:iam/instanceProfile:InstanceProfile": _iam("instance_profile", "InstanceProfileName"),
    "aws:iam/rolePolicy:RolePolicy": Row(
        name=Question("iam", "get_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}, "PolicyName")
    ),
    "aws:rds/cluster:Cluster": _rds("describe_db_clusters", "DBClusterIdentifier", "DBClusters[].DBClusterIdentifier"),
    "aws:rds/clusterInstance:ClusterInstance": _rds(
        "describe_db_instances", "DBInstanceIdentifier", "DBInstances[].DBInstanceIdentifier"
    ),
    "aws:rds/instance:Instance": Row(
        _RDS_TAGS,  # the id of this type is RDS's resource id, which no call takes
        Question(
            "rds",
            "describe_db_instances",
            {"DBInstanceIdentifier": "{identifier}"},
            "DBInstances[].DBInstanceIdentifier",
        ),
    ),
    "aws:rds/subnetGroup:SubnetGroup": _rds(
        "describe_db_subnet_groups", "DBSubnetGroupName", "DBSubnetGroups[].DBSubnetGroupName"
    ),
    "aws:rds/parameterGroup:ParameterGroup": _rds(
        "describe_db_parameter_groups", "DBParameterGroupName", "DBParameterGroups[].DBParameterGroupName"
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _rds(
        "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroupName",
        "DBClusterParameterGroups[].DBClusterParameterGroupName",
    ),
    "aws:lb/loadBalancer:LoadBalancer": _elb(
        "describe_load_balancers", "LoadBalancerArns", "LoadBalancers[].LoadBalancerName"
    ),
    "aws:lb/targetGroup:TargetGroup": _elb(
        "describe_target_groups", "TargetGroupArns", "TargetGroups[].TargetGroupName"
    ),
    "aws:lb/listener:Listener": _elb("describe_listeners", "ListenerArns", "Listeners[].ListenerArn"),
    "aws:appautoscaling/target:Target": Row(
        _by_arn("application-autoscaling", "list_tags_for_resource", "ResourceARN", "Tags"),
        Question(
            "application-autoscaling",
            "describe_scalable_targets",
            {"ServiceNamespace": "{serviceNamespace}", "ResourceIds": ["{resourceId}"]},
            "ScalableTargets[].ResourceId",
        ),
    ),
    "aws:appautoscaling/policy:Policy": Row(
        name=Question(
            "application-autoscaling",
            "describe_scaling_policies",
            {"ServiceNamespace": "{serviceNamespace}", "ResourceId": "{resourceId}", "PolicyNames": ["{name}"]},
            "ScalingPolicies[].PolicyName",
        )
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Row(
        _by_arn("cloudwatch", "list_tags_for_resource", "ResourceARN", "Tags"),
        Question("cloudwatch", "describe_alarms", {"AlarmNames": ["{id}"]}, "MetricAlarms[].AlarmName"),
    ),
    # Asked of ECS itself: the tagging API learns of what is new after a while.
    "aws:ecs/cluster:Cluster": Row(
        _ECS_TAGS, Question("ecs", "describe_clusters", {"clusters": ["{id}"]}, f"clusters[{_ACTIVE}].clusterName")
    ),
    "aws:ecs/service:Service": Row(
        _ECS_TAGS,
        Question(
            "ecs",
            "describe_services",
            {"cluster": "{cluster}", "services": ["{id}"]},
            f"services[{_ACTIVE}].serviceName",
        ),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Row(  # its id is its family
        _by_arn("ecs", "list_tags_for_resource", "resourceArn", "tags"),
        Question("ecs", "describe_task_definition", {"taskDefinition": "{arn}"}, "taskDefinition.family"),
    ),
    "aws:kinesis/stream:Stream": Row(
        Question("kinesis", "list_tags_for_stream", {"StreamName": "{name}"}, "Tags"),
        Question("kinesis", "describe_stream_summary", {"StreamName": "{name}"}, "StreamDescriptionSummary.StreamName"),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": _elasticache(
        "describe_replication_groups", "ReplicationGroupId", "ReplicationGroups[].ReplicationGroupId"
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _elasticache(
        "describe_cache_subnet_groups", "CacheSubnetGroupName", "CacheSubnetGroups[].CacheSubnetGroupName"
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": _elasticache(
        "describe_cache_parameter_groups", "CacheParameterGroupName", "CacheParameterGroups[].CacheParameterGroupName"
    ),
    "aws:codebuild/project:Project": Row(
        Question("codebuild", "batch_get_projects", {"names": ["{name}"]}, "projects[].tags[]"),
        Question("codebuild", "batch_get_projects", {"names": ["{name}"]}, "projects[].name"),
    ),
    "aws:codepipeline/pipeline:Pipeline": Row(
        _by_arn("codepipeline", "list_tags_for_resource", "resourceArn", "tags"),
        Question("codepipeline", "get_pipeline", {"name": "{id}"}, "pipeline.name"),
    ),
    "aws:ec2/keyPair:KeyPair": Row(  # its id is its name, which tags do not hang on
        Question("ec2", "describe_tags", {"Filters": [{"Name": "resource-id", "Values": ["{keyPairId}"]}]}, "Tags"),
        Question("ec2", "describe_key_pairs", {"KeyNames": ["{id}"]}, "KeyPairs[].KeyName"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Row(
        _EC2_TAGS,
        Question("ec2", "describe_security_groups", {"GroupIds": ["{id}"]}, "SecurityGroups[].GroupName"),
    ),
}
"""Every type with a call of its own. Of EC2 the rest is asked in one way, `EC2`."""

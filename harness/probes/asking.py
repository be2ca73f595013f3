"""A resource of the stack in; its tags and its names, as the target itself tells them, out.

One row per type says which call is asked. A type without a row is asked of the tagging API by its ARN; what that does
not know either, cannot be asked, and is told as such: the API of an emulator answers for some services only, and that
of AWS leaves out what never had a tag.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.probes.context import ProbeContext, StackResource


class UnaskableError(Exception):
    """The target cannot be asked about this resource, for this reason."""


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
_EC2: Final = Row(_EC2_TAGS, Question("ec2", "describe_tags", _EC2_FILTER, "Tags[?Key=='Name'].Value"), named=False)
_RDS_TAGS: Final = _by_arn("rds", "list_tags_for_resource", "ResourceName", "TagList")
_BUCKET: Final = Row(
    Question("s3", "get_bucket_tagging", {"Bucket": "{id}"}, "TagSet", empty="NoSuchTagSet"),
    Question("s3", "list_buckets", {"Prefix": "{id}"}, "Buckets[?Name=='{id}'].Name"),
)


def _rds(operation: str, parameter: str, at: str) -> Row:
    return Row(_RDS_TAGS, Question("rds", operation, {parameter: "{id}"}, at))


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
    "aws:ec2/keyPair:KeyPair": Row(  # its id is its name, which tags do not hang on
        Question("ec2", "describe_tags", {"Filters": [{"Name": "resource-id", "Values": ["{keyPairId}"]}]}, "Tags"),
        Question("ec2", "describe_key_pairs", {"KeyNames": ["{id}"]}, "KeyPairs[].KeyName"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Row(
        _EC2_TAGS,
        Question("ec2", "describe_security_groups", {"GroupIds": ["{id}"]}, "SecurityGroups[].GroupName"),
    ),
}
"""Every type with a call of its own. Of EC2 the rest is asked in one way, `_EC2`."""

_EC2_TYPES: Final = ("aws:ec2/", "aws:vpc/")
_OWN_MARKS: Final = ("arn", "tagsAll", "name")  # outputs of what is a thing of its own and not a part of another


def has_tags(resource: StackResource) -> bool:
    """Whether its type can carry tags."""
    row = ROWS.get(resource.type)
    return row.tags is not None if row is not None else bool({"tags", "tagsAll"} & resource.outputs.keys())


def has_name(resource: StackResource) -> bool:
    """Whether it has, or may have, a name of its own; a route or an attachment is a part of something else."""
    row = ROWS.get(resource.type)
    return row.name is not None if row is not None else bool(set(_OWN_MARKS) & resource.outputs.keys())


def ask_tags(context: ProbeContext, resource: StackResource) -> dict[str, str]:
    """Its tags at the target. Raises UnaskableError, or what boto3 raises."""
    row = _row(resource)
    if row is None or row.tags is None:
        return _pairs(_by_tagging_api(context, resource)["Tags"])
    return _pairs(_answer(context, resource, row.tags))


def ask_names(context: ProbeContext, resource: StackResource) -> list[str]:
    """Its names at the target; none when it has none, which only some types may.

    Raises:
        UnaskableError: it cannot be asked, or is not there.
    """
    row = _row(resource)
    if row is None or row.name is None:
        return [str(_by_tagging_api(context, resource)["ResourceARN"])]
    found = _answer(context, resource, row.name)
    names = [str(one) for one in (found if isinstance(found, list) else [found]) if one]
    lost = not row.named and "Name" in (resource.outputs.get("tagsAll") or {})
    if not names and (row.named or lost):
        raise UnaskableError("its Name tag is gone" if lost else "the target does not have it")
    return names


def _row(resource: StackResource) -> Row | None:
    return ROWS.get(resource.type) or (_EC2 if resource.type.startswith(_EC2_TYPES) else None)


def _answer(context: ProbeContext, resource: StackResource, question: Question) -> Any:
    import jmespath
    from botocore.exceptions import ClientError

    values = {**resource.outputs, "id": resource.id}
    client = context.client(question.service, resource.region)
    try:
        said = getattr(client, question.operation)(**_filled(question.params, values))
    except ClientError as error:
        if question.empty and error.response["Error"]["Code"] == question.empty:
            return []
        raise
    return jmespath.search(_filled(question.at, values), said)


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, Mapping):
        return {key: _filled(one, values) for key, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, values) for one in template]
    try:
        # Not str.format: JMESPath has braces and brackets of its own, ours stand around a plain word.
        return "".join(
            text + (str(values[name]) if name else "") for text, name, *_ in string.Formatter().parse(template)
        )
    except KeyError as error:
        raise UnaskableError(f"the state does not tell its {error.args[0]}") from error


def _by_tagging_api(context: ProbeContext, resource: StackResource) -> dict[str, Any]:
    arn = resource.outputs.get("arn")
    if not isinstance(arn, str):
        raise UnaskableError(f"{resource.type} is not known here, and the state does not tell its ARN")
    client = context.client("resourcegroupstaggingapi", resource.region)
    found: list[dict[str, Any]] = client.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    mine = next((one for one in found if one["ResourceARN"] == arn), None)
    if mine is None:
        raise UnaskableError(f"{resource.type} is not known here, and the tagging API does not tell of it")
    return mine


def _pairs(raw: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags in any of AWS's shapes: a map, or a list of Key and Value or of TagKey and TagValue."""
    if isinstance(raw, Mapping):
        return dict(raw)
    return {one.get("Key") or one.get("TagKey", ""): one.get("Value") or one.get("TagValue", "") for one in raw or ()}

"""A thing at the target in; the AWS CLI command that removes it, out.

Most follow from the declaration: the CLI's words are botocore's operations and members with hyphens. What is irregular
stands in the table below, also for types that only the official provider makes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.providers.aws.registry import resources
from harness.providers.aws.shapes import fill, parse

_SERVICES: Final = {"s3": "s3api", "codedeploy": "deploy"}  # botocore's name of a service, where the CLI's is another

# Templates over `id`, the parts of the id, and outputs; without the program's name. Bash reads them after filling.
IRREGULAR: Final[Mapping[str, str]] = {
    # declared with a function for their delete
    "aws:cloudwatch/logGroup:LogGroup": "logs delete-log-group --log-group-name {id}",
    "aws:ec2/flowLog:FlowLog": "ec2 delete-flow-logs --flow-log-ids {id}",
    "aws:ec2/internetGateway:InternetGateway": "ec2 delete-internet-gateway --internet-gateway-id {id}",
    "aws:ec2/route:Route": "ec2 delete-route --route-table-id {routeTableId} --destination-cidr-block {destination}",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2 disassociate-route-table --association-id {id}",
    "aws:ec2/securityGroupRule:SecurityGroupRule": "ec2 describe-security-group-rules --filters "
    "Name=group-id,Values={securityGroupId}",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2 delete-vpc-endpoints --vpc-endpoint-ids {id}",
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": "ec2 modify-vpc-endpoint "
    "--vpc-endpoint-id {vpcEndpointId} --remove-route-table-ids {routeTableId}",
    "aws:ecr/repository:Repository": "ecr delete-repository --repository-name {id} --force",
    "aws:kms/key:Key": "kms schedule-key-deletion --key-id {id} --pending-window-in-days 7",
    "aws:rds/cluster:Cluster": "rds delete-db-cluster --db-cluster-identifier {id} --skip-final-snapshot",
    "aws:rds/parameterGroup:ParameterGroup": "rds delete-db-parameter-group --db-parameter-group-name {id}",
    "aws:s3/bucket:Bucket": "s3 rb s3://{id} --force",
    "aws:s3/bucketV2:BucketV2": "s3 rb s3://{id} --force",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3api delete-public-access-block --bucket {id}",
    "aws:s3/bucketVersioning:BucketVersioning": "s3api put-bucket-versioning --bucket {id} "
    "--versioning-configuration Status=Suspended",
    "aws:s3/bucketVersioningV2:BucketVersioningV2": "s3api put-bucket-versioning --bucket {id} "
    "--versioning-configuration Status=Suspended",
    "aws:secretsmanager/secret:Secret": "secretsmanager delete-secret --secret-id {id} --force-delete-without-recovery",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretsmanager delete-secret --secret-id {before_bar} "
    "--force-delete-without-recovery",
    "aws:sqs/queuePolicy:QueuePolicy": "sqs set-queue-attributes --queue-url {id} --attributes Policy=",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "ec2 delete-vpc --vpc-id {vpcId}",
    # what AWS leaves outside any state
    "aws:rds/clusterSnapshot:ClusterSnapshot": "rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier {id}",
    "aws:rds/clusterAutomatedBackup": "rds delete-db-cluster-automated-backup --db-cluster-resource-id {id}",
    "aws:rds/snapshot:Snapshot": "rds delete-db-snapshot --db-snapshot-identifier {id}",
    "aws:rds/instanceAutomatedBackup": "rds delete-db-instance-automated-backup --dbi-resource-id {id}",
    "aws:elasticache/snapshot": "elasticache delete-snapshot --snapshot-name {id}",
    "aws:ec2/networkInterface:NetworkInterface": "ec2 delete-network-interface --network-interface-id {id}",
    # frequent ones beside
    "aws:alb/targetGroupAttachment:TargetGroupAttachment": "elbv2 deregister-targets "
    "--target-group-arn {targetGroupArn} --targets Id={targetId}",
    "aws:appautoscaling/policy:Policy": "application-autoscaling delete-scaling-policy --policy-name {name} "
    "--resource-id {resourceId} --scalable-dimension {scalableDimension} --service-namespace {serviceNamespace}",
    "aws:appautoscaling/target:Target": "application-autoscaling deregister-scalable-target "
    "--resource-id {resourceId} --scalable-dimension {scalableDimension} --service-namespace {serviceNamespace}",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "logs delete-metric-filter --log-group-name {logGroupName} "
    "--filter-name {name}",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "ecs put-cluster-capacity-providers "
    "--cluster {clusterName} --capacity-providers --default-capacity-provider-strategy",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": "elbv2 deregister-targets "
    "--target-group-arn {targetGroupArn} --targets Id={targetId}",
    "aws:secretsmanager/secretRotation:SecretRotation": "secretsmanager cancel-rotate-secret --secret-id {id}",
    "aws:sns/topicPolicy:TopicPolicy": "sns delete-topic --topic-arn {id}",
    "aws:alb/listener:Listener": "elbv2 delete-listener --listener-arn {id}",
    "aws:alb/loadBalancer:LoadBalancer": "elbv2 delete-load-balancer --load-balancer-arn {id}",
    "aws:alb/targetGroup:TargetGroup": "elbv2 delete-target-group --target-group-arn {id}",
    "aws:autoscaling/group:Group": "autoscaling delete-auto-scaling-group --auto-scaling-group-name {id} "
    "--force-delete",
    "aws:cloudwatch/dashboard:Dashboard": "cloudwatch delete-dashboards --dashboard-names {id}",
    "aws:cloudwatch/eventRule:EventRule": "events delete-rule --name {id} --force",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch delete-alarms --alarm-names {id}",
    "aws:codebuild/project:Project": "codebuild delete-project --name {after_slash}",
    "aws:dynamodb/table:Table": "dynamodb delete-table --table-name {id}",
    "aws:ec2/instance:Instance": "ec2 terminate-instances --instance-ids {id}",
    "aws:ecs/cluster:Cluster": "ecs delete-cluster --cluster {id}",
    "aws:ecs/service:Service": "ecs delete-service --cluster {cluster} --service {id} --force",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs deregister-task-definition --task-definition {arn}",
    "aws:elasticache/cluster:Cluster": "elasticache delete-cache-cluster --cache-cluster-id {id}",
    "aws:elasticache/parameterGroup:ParameterGroup": "elasticache delete-cache-parameter-group "
    "--cache-parameter-group-name {id}",
    "aws:elasticache/replicationGroup:ReplicationGroup": "elasticache delete-replication-group "
    "--replication-group-id {id}",
    "aws:elasticache/subnetGroup:SubnetGroup": "elasticache delete-cache-subnet-group --cache-subnet-group-name {id}",
    "aws:kinesis/stream:Stream": "kinesis delete-stream --stream-name {name} --enforce-consumer-deletion",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "lambda delete-event-source-mapping --uuid {id}",
    "aws:lambda/function:Function": "lambda delete-function --function-name {id}",
    "aws:lb/listener:Listener": "elbv2 delete-listener --listener-arn {id}",
    "aws:lb/loadBalancer:LoadBalancer": "elbv2 delete-load-balancer --load-balancer-arn {id}",
    "aws:lb/targetGroup:TargetGroup": "elbv2 delete-target-group --target-group-arn {id}",
    "aws:rds/instance:Instance": "rds delete-db-instance --db-instance-identifier {identifier} --skip-final-snapshot",
    "aws:sns/topic:Topic": "sns delete-topic --topic-arn {id}",
    "aws:sns/topicSubscription:TopicSubscription": "sns unsubscribe --subscription-arn {id}",
}


def command(
    token: str,
    id: str,  # noqa: A002 - Pulumi's word
    region: str,
    outputs: Mapping[str, Any],
    endpoint: str | None = None,
) -> str:
    """The command, or empty for a type that nobody knows. `endpoint` is where an emulator answers."""
    words = IRREGULAR.get(token)
    values = _values(token, id, outputs)
    try:
        parts = shlex.split(words) if words else list(_declared(token))
        filled = [shlex.quote(str(fill(part, values))) for part in parts]
    except KeyError:  # an output that a thing known by its id alone does not have
        return ""
    if not filled:
        return ""
    where = [
        *(["--region", shlex.quote(region)] if region else []),
        *(["--endpoint-url", endpoint] if endpoint else []),
    ]
    return " ".join(["aws", *filled, *where])


def _declared(token: str) -> Iterator[str]:
    """The words of the declaration's own delete operation."""
    from botocore import xform_name

    declared = resources().get(token)
    if declared is None or declared.delete is None:
        return
    yield _SERVICES.get(declared.service, declared.service)
    yield xform_name(declared.delete.operation, "-")
    for member, value in declared.delete.params.items():
        option = f"--{xform_name(member, '-')}"
        if value is False:
            yield option.replace("--", "--no-", 1)
            continue
        yield option
        if value is not True:
            yield from (str(one) for one in (value if isinstance(value, list | tuple) else [value]))


def _values(token: str, id_: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a template may name. What nothing tells apart from the id is the id."""
    declared = resources().get(token)
    parts = parse(declared.id_parts, id_) if declared is not None and declared.id_parts else {}
    last = id_.rpartition("/")[2]
    own = {
        "id": id_,
        "after_slash": last,
        "before_bar": id_.rpartition("|")[0] or id_,
    }
    guessed = {"name": last, "arn": id_, "identifier": id_, "cluster": "default"}
    if outputs.get("destinationCidrBlock"):
        guessed["destination"] = outputs["destinationCidrBlock"]
    return {**guessed, **{key: one for key, one in outputs.items() if one is not None}, **parts, **own}

"""Tagged and named resources of the types that the systems are made of, as a stack would make them, by boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from probe_tags import LIST, LOWER, PAIRS, REGION, Client, two_subnets, vpc_of

SMALL = "BUILD_GENERAL1_SMALL"
TRUSTED = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}


def load_balancer(client: Client, name: str) -> dict[str, Any]:
    """A tagged load balancer."""
    made = client("elbv2").create_load_balancer(Name=name, Subnets=two_subnets(client, name), Tags=LIST)
    return {"id": made["LoadBalancers"][0]["LoadBalancerArn"]}


def target_group(client: Client, name: str) -> dict[str, Any]:
    """A tagged target group."""
    made = client("elbv2").create_target_group(
        Name=name, Protocol="HTTP", Port=80, TargetType="ip", VpcId=vpc_of(client, name)["id"], Tags=LIST
    )
    return {"id": made["TargetGroups"][0]["TargetGroupArn"]}


def listener(client: Client, name: str) -> dict[str, Any]:
    """A tagged listener; the name of its load balancer stands in its ARN."""
    made = client("elbv2").create_listener(
        LoadBalancerArn=load_balancer(client, name)["id"],
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group(client, name)["id"]}],
        Tags=LIST,
    )
    return {"id": made["Listeners"][0]["ListenerArn"]}


def _scaled(client: Client, name: str) -> dict[str, str]:
    """A service that may scale."""
    ecs = client("ecs")
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(family=name, containerDefinitions=[{"name": "app", "image": "app", "memory": 128}])
    ecs.create_service(cluster=name, serviceName=name, taskDefinition=name, desiredCount=1)
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{name}/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def scaling_target(client: Client, name: str) -> dict[str, Any]:
    """A tagged scalable target."""
    scaling, what = client("application-autoscaling"), _scaled(client, name)
    made = scaling.register_scalable_target(**what, MinCapacity=1, MaxCapacity=2, Tags=PAIRS)
    parts = {"serviceNamespace": what["ServiceNamespace"], "resourceId": what["ResourceId"]}
    return {"id": "/".join(what.values()), **parts, "arn": made["ScalableTargetARN"]}


def scaling_policy(client: Client, name: str) -> dict[str, Any]:
    """A policy of a scalable target."""
    target = scaling_target(client, name)
    client("application-autoscaling").put_scaling_policy(
        PolicyName=name,
        ServiceNamespace=target["serviceNamespace"],
        ResourceId=target["resourceId"],
        ScalableDimension="ecs:service:DesiredCount",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )
    return {**target, "name": name}


def put_alarm(cloudwatch: Any, name: str, **more: Any) -> None:
    """An alarm about a queue's messages, made or changed."""
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="NumberOfMessagesSent",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=1,
        **more,
    )


def alarm(client: Client, name: str) -> dict[str, Any]:
    """A tagged alarm."""
    cloudwatch = client("cloudwatch")
    put_alarm(cloudwatch, name, Tags=LIST)
    return {"id": name, "arn": cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]}


def stream(client: Client, name: str) -> dict[str, Any]:
    """A tagged stream."""
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.add_tags_to_stream(StreamName=name, Tags=PAIRS)  # the emulator takes none with the create
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    return {"id": arn, "name": name}


def cache(client: Client, name: str) -> dict[str, Any]:
    """A tagged replication group."""
    made = client("elasticache").create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="d",
        Engine="redis",
        CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        Tags=LIST,
    )
    return {"id": name, "arn": made["ReplicationGroup"]["ARN"]}


def cache_subnets(client: Client, name: str) -> dict[str, Any]:
    """A tagged subnet group of ElastiCache."""
    made = client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=name,
        CacheSubnetGroupDescription="d",
        SubnetIds=two_subnets(client, name),
        Tags=LIST,
    )
    return {"id": name, "arn": made["CacheSubnetGroup"]["ARN"]}


def cache_parameters(client: Client, name: str) -> dict[str, Any]:
    """A tagged parameter group of ElastiCache."""
    made = client("elasticache").create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="d", Tags=LIST
    )
    return {"id": name, "arn": made["CacheParameterGroup"]["ARN"]}


def project(client: Client, name: str) -> dict[str, Any]:
    """A tagged build."""
    made = client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": SMALL},
        serviceRole="arn:aws:iam::111122223333:role/any",
        tags=LOWER,
    )["project"]
    return {"id": made["arn"], "name": name}


def pipeline(client: Client, name: str) -> dict[str, Any]:
    """A tagged pipeline of two stages."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUSTED]})
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    source = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    build = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    stages = [
        {
            "name": "source",
            "actions": [
                {
                    "name": "source",
                    "actionTypeId": source,
                    "outputArtifacts": [{"name": "a"}],
                    "configuration": {"S3Bucket": "bucket", "S3ObjectKey": "k"},
                }
            ],
        },
        {
            "name": "build",
            "actions": [
                {
                    "name": "build",
                    "actionTypeId": build,
                    "inputArtifacts": [{"name": "a"}],
                    "configuration": {"ProjectName": "p"},
                }
            ],
        },
    ]
    asked = {"name": name, "roleArn": role, "artifactStore": {"type": "S3", "location": "bucket"}, "stages": stages}
    made = client("codepipeline").create_pipeline(pipeline=asked, tags=LOWER)
    account = role.split(":")[4]
    return {"id": made["pipeline"]["name"], "arn": f"arn:aws:codepipeline:{REGION}:{account}:{name}"}


def ecs_cluster(client: Client, name: str) -> dict[str, Any]:
    """A tagged cluster."""
    made = client("ecs").create_cluster(clusterName=name, tags=LOWER)["cluster"]["clusterArn"]
    return {"id": made, "arn": made}


def task_definition(client: Client, name: str) -> dict[str, Any]:
    """A tagged revision; Pulumi's id of it is its family."""
    container = {"name": "app", "image": "app", "memory": 128}
    made = client("ecs").register_task_definition(family=name, containerDefinitions=[container], tags=LOWER)
    return {"id": name, "arn": made["taskDefinition"]["taskDefinitionArn"]}


def ecs_service(client: Client, name: str) -> dict[str, Any]:
    """A tagged service of no tasks."""
    cluster = ecs_cluster(client, f"{name}-cluster")["id"]
    task_definition(client, f"{name}-task")
    asked = {"serviceName": name, "taskDefinition": f"{name}-task", "desiredCount": 0, "tags": LOWER}
    made = client("ecs").create_service(cluster=cluster, **asked)["service"]["serviceArn"]
    return {"id": made, "cluster": cluster}


SYSTEM_MAKERS: dict[str, Callable[[Client, str], dict[str, Any]]] = {
    "aws:lb/loadBalancer:LoadBalancer": load_balancer,
    "aws:lb/targetGroup:TargetGroup": target_group,
    "aws:lb/listener:Listener": listener,
    "aws:appautoscaling/target:Target": scaling_target,
    "aws:appautoscaling/policy:Policy": scaling_policy,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
    "aws:ecs/cluster:Cluster": ecs_cluster,
    "aws:ecs/service:Service": ecs_service,
    "aws:ecs/taskDefinition:TaskDefinition": task_definition,
    "aws:kinesis/stream:Stream": stream,
    "aws:elasticache/replicationGroup:ReplicationGroup": cache,
    "aws:elasticache/subnetGroup:SubnetGroup": cache_subnets,
    "aws:elasticache/parameterGroup:ParameterGroup": cache_parameters,
    "aws:codebuild/project:Project": project,
    "aws:codepipeline/pipeline:Pipeline": pipeline,
}

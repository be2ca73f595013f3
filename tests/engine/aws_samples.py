"""Nothing in; for every declared AWS type a sample out: inputs, a change in place, a change that replaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import CheckRequest, CreateRequest, Secret

REGION = "eu-central-1"


def policy(action: str, **more: Any) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def trust(service: str) -> str:
    """A trust policy."""
    return policy("sts:AssumeRole", Principal={"Service": f"{service}.amazonaws.com"})


def plain(props: dict[str, Any]) -> dict[str, Any]:
    """Outputs without their Secret marks, as the engine gives them back."""
    return {key: one.value if isinstance(one, Secret) else one for key, one in props.items()}


@dataclass
class World:
    """The provider, and what samples stand on, made when first needed."""

    provider: AwsProvider
    made: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    count: int = 0

    def checked(
        self, token: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Checked inputs; none may be refused."""
        request = CheckRequest(f"urn:pulumi:s::p::{token}::{name}", token, name, inputs, old or {}, name.encode())
        answer = self.provider.check(request)
        assert not answer.failures
        return answer.inputs

    def make(self, token: str, inputs: dict[str, Any]) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
        """Create one: its logical name, id, checked inputs and outputs."""
        self.count += 1
        name = f"thing{self.count}"
        checked = self.checked(token, name, inputs)
        state = self.provider.create(CreateRequest(f"urn:pulumi:s::p::{token}::{name}", token, name, checked))
        return name, state.id, checked, plain(state.outputs)

    def need(self, key: str, *, out: str = "id") -> Any:
        """Id (or an output) of something that samples share."""
        if key not in self.made:
            token, inputs = SHARED[key](self)
            _, identifier, _, outputs = self.make(token, inputs)
            self.made[key] = (identifier, {**outputs, "id": identifier})
        return self.made[key][1][out]


def fargate(world: World, family: str) -> dict[str, Any]:
    """A task definition with one container."""
    container = {
        "name": "web",
        "image": "nginx:alpine",
        "portMappings": [{"containerPort": 80}],
        "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g", "awslogs-region": REGION}},
    }
    return {
        "family": family,
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": world.need("role", out="arn"),
        "taskRoleArn": world.need("role", out="arn"),
        "containerDefinitions": json.dumps([container]),
    }


SHARED: dict[str, Callable[[World], tuple[str, dict[str, Any]]]] = {
    "vpc": lambda _: ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.9.0.0/16"}),
    "bare": lambda _: ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.8.0.0/16"}),
    **{
        f"subnet{zone}": lambda w, zone=zone: (  # type: ignore[misc]
            "aws:ec2/subnet:Subnet",
            {
                "vpcId": w.need("vpc"),
                "cidrBlock": f"10.9.{'abc'.index(zone)}.0/24",
                "availabilityZone": f"{REGION}{zone}",
            },
        )
        for zone in "abc"
    },
    "gateway": lambda w: ("aws:ec2/internetGateway:InternetGateway", {"vpcId": w.need("vpc")}),
    "loose": lambda _: ("aws:ec2/internetGateway:InternetGateway", {}),
    "address": lambda _: ("aws:ec2/eip:Eip", {"domain": "vpc"}),
    "nat": lambda w: (
        "aws:ec2/natGateway:NatGateway",
        {"subnetId": w.need("subneta"), "connectivityType": "private"},
    ),
    "table": lambda w: ("aws:ec2/routeTable:RouteTable", {"vpcId": w.need("vpc")}),
    "table2": lambda w: ("aws:ec2/routeTable:RouteTable", {"vpcId": w.need("vpc")}),
    "group": lambda w: ("aws:ec2/securityGroup:SecurityGroup", {"vpcId": w.need("vpc")}),
    "group2": lambda w: ("aws:ec2/securityGroup:SecurityGroup", {"vpcId": w.need("vpc")}),
    "endpoint": lambda w: (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {"vpcId": w.need("vpc"), "serviceName": f"com.amazonaws.{REGION}.s3"},
    ),
    "key": lambda _: ("aws:kms/key:Key", {}),
    "key2": lambda _: ("aws:kms/key:Key", {}),
    "logs": lambda _: ("aws:cloudwatch/logGroup:LogGroup", {}),
    "repository": lambda _: ("aws:ecr/repository:Repository", {}),
    "secret": lambda _: ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}),
    "bucket": lambda _: ("aws:s3/bucket:Bucket", {}),
    "queue": lambda _: ("aws:sqs/queue:Queue", {}),
    "role": lambda _: ("aws:iam/role:Role", {"assumeRolePolicy": trust("ec2"), "forceDetachPolicies": True}),
    "policy": lambda _: ("aws:iam/policy:Policy", {"policy": policy("s3:GetObject", Resource="*")}),
    "subnets": lambda w: (
        "aws:rds/subnetGroup:SubnetGroup",
        {"subnetIds": [w.need("subneta"), w.need("subnetb")]},
    ),
    "pipelineRole": lambda _: ("aws:iam/role:Role", {"assumeRolePolicy": trust("codepipeline")}),
    "service": lambda w: (
        "aws:ecs/service:Service",
        {"cluster": w.need("tasks"), "taskDefinition": w.need("task", out="arn"), "desiredCount": 1},
    ),
    "topic": lambda _: ("aws:sns/topic:Topic", {}),
    "stream": lambda _: ("aws:kinesis/stream:Stream", {"shardCount": 1}),
    "cacheSubnets": lambda w: ("aws:elasticache/subnetGroup:SubnetGroup", {"subnetIds": [w.need("subneta")]}),
    "cacheParameters": lambda _: ("aws:elasticache/parameterGroup:ParameterGroup", {"family": "redis7"}),
    "balancer": lambda w: (
        "aws:lb/loadBalancer:LoadBalancer",
        {"internal": True, "subnets": [w.need("subneta"), w.need("subnetb")], "securityGroups": [w.need("group")]},
    ),
    **{
        name: lambda w: (
            "aws:lb/targetGroup:TargetGroup",
            {"port": 80, "protocol": "HTTP", "targetType": "ip", "vpcId": w.need("vpc")},
        )
        for name in ("targets", "targets2")
    },
    "listener": lambda w: (
        "aws:lb/listener:Listener",
        {"loadBalancerArn": w.need("balancer"), "port": 8080, "protocol": "HTTP"}
        | {"defaultActions": [{"type": "forward", "targetGroupArn": w.need("targets")}]},
    ),
    "tasks": lambda _: ("aws:ecs/cluster:Cluster", {}),
    "task": lambda w: ("aws:ecs/taskDefinition:TaskDefinition", fargate(w, "shared")),
    "task2": lambda w: ("aws:ecs/taskDefinition:TaskDefinition", fargate(w, "shared2")),
    "cluster": lambda w: (
        "aws:rds/cluster:Cluster",
        {"engine": "aurora-postgresql", "masterUsername": "u", "masterPassword": "hunter22", "skipFinalSnapshot": True}
        | {"dbSubnetGroupName": w.need("subnets")},
    ),
}


@dataclass(frozen=True)
class Sample:
    """Inputs of one type; a change in place; a change that replaces."""

    inputs: Callable[[World], dict[str, Any]]
    change: Callable[[World], dict[str, Any]] | None = None
    replace: dict[str, Any] | None = None


def rule(port: int, cidr: str) -> dict[str, Any]:
    """One block of a security group."""
    return {"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": [cidr], "description": "in"}


def expiry(days: int) -> list[dict[str, Any]]:
    """Rules of a bucket's lifecycle."""
    return [{"id": "old", "status": "Enabled", "filter": {"prefix": "a/"}, "expiration": {"days": days}}]


def keep(count: int) -> str:
    """A lifecycle policy of ECR."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def deny(bucket: str, action: str) -> str:
    """A bucket policy."""
    return policy(action, Principal="*", Resource=f"arn:aws:s3:::{bucket}/*")


def publish(topic: str, action: str) -> str:
    """A topic policy."""
    return policy(action, Principal={"Service": "cloudwatch.amazonaws.com"}, Resource=topic)


def scalable(world: World) -> dict[str, Any]:
    """A service that can scale, as Application Auto Scaling names it."""
    path = world.need("service").partition(":service/")[2]
    return {
        "serviceNamespace": "ecs",
        "resourceId": f"service/{path}",
        "scalableDimension": "ecs:service:DesiredCount",
    }


def pipeline(world: World, branch: str) -> dict[str, Any]:
    """A pipeline with a source and a build."""
    source = {
        "name": "Source",
        "category": "Source",
        "owner": "ThirdParty",
        "provider": "GitHub",
        "version": "1",
        "outputArtifacts": ["source"],
        "configuration": {"Owner": "o", "Repo": "r", "Branch": branch, "OAuthToken": "hunter22"},
    }
    build = {
        "name": "Build",
        "category": "Build",
        "owner": "AWS",
        "provider": "CodeBuild",
        "version": "1",
        "runOrder": 1,
        "inputArtifacts": ["source"],
        "configuration": {"ProjectName": "p"},
    }
    return {
        "roleArn": world.need("pipelineRole", out="arn"),
        "pipelineType": "V2",
        "artifactStores": [{"location": world.need("bucket"), "type": "S3"}],
        "stages": [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}],
        "tags": {"a": "b"},
    }


def text_widget(text: str) -> dict[str, Any]:
    """A widget of a dashboard."""
    return {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": text}}


ANY = {"Principal": {"AWS": "*"}, "Resource": "*"}
SAMPLES: dict[str, Sample] = {
    "appautoscaling/policy": Sample(
        lambda w: {
            **scalable(w),
            "policyType": "TargetTrackingScaling",
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 60,
                "scaleInCooldown": 60,
                "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"},
            },
        },
        lambda _: {
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 70,
                "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageMemoryUtilization"},
            }
        },
        {"name": "other"},
    ),
    "appautoscaling/target": Sample(
        lambda w: {**scalable(w), "minCapacity": 1, "maxCapacity": 4},
        lambda _: {"minCapacity": 2, "maxCapacity": 8},
        {"resourceId": "service/other/other"},
    ),
    "cloudwatch/logGroup": Sample(lambda _: {"retentionInDays": 30}, lambda _: {"retentionInDays": 7}, {"name": "/b"}),
    "cloudwatch/dashboard": Sample(
        lambda _: {"dashboardName": "round", "dashboardBody": json.dumps({"widgets": []})},
        lambda _: {"dashboardBody": json.dumps({"widgets": [text_widget("one")]})},
        {"dashboardName": "other"},
    ),
    "cloudwatch/logMetricFilter": Sample(
        lambda w: {
            "logGroupName": w.need("logs"),
            "pattern": "ERROR",
            "metricTransformation": {"name": "Errors", "namespace": "App", "value": "1", "defaultValue": "0"},
        },
        lambda _: {"pattern": "FATAL"},
        {"logGroupName": "other"},
    ),
    "cloudwatch/metricAlarm": Sample(
        lambda w: {
            "alarmDescription": "too much",
            "namespace": "AWS/ECS",
            "metricName": "CPUUtilization",
            "dimensions": {"ClusterName": "c", "ServiceName": "s"},
            "statistic": "Average",
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 80,
            "period": 60,
            "evaluationPeriods": 5,
            "datapointsToAlarm": 3,
            "treatMissingData": "notBreaching",
            "alarmActions": [w.need("topic")],
            "okActions": [w.need("topic")],
        },
        lambda _: {"threshold": 90.5, "okActions": None, "dimensions": {"ClusterName": "c"}},
        {"name": "other"},
    ),
    "codebuild/project": Sample(
        lambda w: {
            "description": "one",
            "serviceRole": w.need("role", out="arn"),
            "buildTimeout": 20,
            "encryptionKey": w.need("key", out="arn"),
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": {
                "computeType": "BUILD_GENERAL1_SMALL",
                "image": "aws/codebuild/standard:7.0",
                "type": "LINUX_CONTAINER",
                "privilegedMode": True,
                "environmentVariables": [{"name": "A", "value": "1", "type": "PLAINTEXT"}],
            },
            "source": {"type": "CODEPIPELINE", "buildspec": "version: 0.2"},
            "logsConfig": {"cloudwatchLogs": {"groupName": "/g", "streamName": "s", "status": "ENABLED"}},
            "tags": {"a": "b"},
        },
        lambda _: {"buildTimeout": 30, "source": {"type": "CODEPIPELINE", "buildspec": "version: 0.1"}},
        {"name": "other"},
    ),
    "codeconnections/connection": Sample(
        lambda _: {"providerType": "GitHub", "tags": {"a": "b"}}, None, {"name": "other"}
    ),
    "codepipeline/pipeline": Sample(
        lambda w: pipeline(w, "main"),
        lambda w: {"stages": pipeline(w, "other")["stages"]},
        {"name": "other"},
    ),
    "codestarconnections/connection": Sample(
        lambda _: {"providerType": "GitHub", "tags": {"a": "b"}}, None, {"name": "other"}
    ),
    "ec2/defaultSecurityGroup": Sample(
        lambda w: {"vpcId": w.need("bare")}, lambda _: {"ingress": [rule(22, "10.0.0.0/8")]}
    ),
    "ec2/eip": Sample(lambda _: {"domain": "vpc", "tags": {"a": "b"}}),
    "ec2/flowLog": Sample(
        lambda w: {
            "vpcId": w.need("vpc"),
            "trafficType": "ALL",
            "logDestination": w.need("logs", out="arn"),
            "iamRoleArn": w.need("role", out="arn"),
        },
        None,
        {"trafficType": "REJECT"},
    ),
    "ec2/internetGateway": Sample(lambda w: {"vpcId": w.need("bare")}),
    "ec2/internetGatewayAttachment": Sample(
        lambda w: {"vpcId": w.need("bare"), "internetGatewayId": w.need("loose")}, None, {"vpcId": "vpc-0"}
    ),
    "ec2/natGateway": Sample(
        lambda w: {"subnetId": w.need("subneta"), "allocationId": w.need("address")}, None, {"subnetId": "subnet-0"}
    ),
    "ec2/route": Sample(
        lambda w: {
            "routeTableId": w.need("table"),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": w.need("gateway"),
        },
        lambda w: {"gatewayId": None, "natGatewayId": w.need("nat")},
        {"destinationCidrBlock": "1.0.0.0/8"},
    ),
    "ec2/routeTable": Sample(
        lambda w: {"vpcId": w.need("vpc"), "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": w.need("gateway")}]},
        lambda w: {"routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": w.need("nat")}]},
        {"vpcId": "vpc-0"},
    ),
    "ec2/routeTableAssociation": Sample(
        lambda w: {"routeTableId": w.need("table"), "subnetId": w.need("subnetc")}, None, {"routeTableId": "rtb-0"}
    ),
    "ec2/securityGroup": Sample(
        lambda w: {"vpcId": w.need("vpc"), "ingress": [rule(443, "10.0.0.0/8")], "egress": [rule(80, "0.0.0.0/0")]},
        lambda _: {"ingress": [rule(443, "10.0.0.0/8"), rule(80, "10.0.0.0/8")]},
        {"description": "other"},
    ),
    "ec2/securityGroupRule": Sample(
        lambda w: {
            "securityGroupId": w.need("group"),
            "sourceSecurityGroupId": w.need("group2"),
            "type": "ingress",
            "protocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
            "description": "db",
        },
        None,
        {"toPort": 5433},
    ),
    "ec2/subnet": Sample(
        lambda w: {"vpcId": w.need("vpc"), "cidrBlock": "10.9.77.0/24", "availabilityZone": f"{REGION}a"},
        lambda _: {"mapPublicIpOnLaunch": True},
        {"cidrBlock": "10.9.78.0/24"},
    ),
    "ec2/vpc": Sample(
        lambda _: {"cidrBlock": "10.7.0.0/16", "enableDnsHostnames": False, "tags": {"Name": "x"}},
        lambda _: {"enableDnsHostnames": True},
        {"cidrBlock": "10.6.0.0/16"},
    ),
    "ec2/vpcEndpoint": Sample(
        lambda w: {
            "vpcId": w.need("vpc"),
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "routeTableIds": [w.need("table")],
        },
        lambda w: {"routeTableIds": [w.need("table"), w.need("table2")]},
        {"serviceName": "com.amazonaws.x.dynamodb"},
    ),
    "ec2/vpcEndpointRouteTableAssociation": Sample(
        lambda w: {"vpcEndpointId": w.need("endpoint"), "routeTableId": w.need("table2")},
        None,
        {"routeTableId": "rtb-0"},
    ),
    "ecr/lifecyclePolicy": Sample(
        lambda w: {"repository": w.need("repository"), "policy": keep(10)}, lambda _: {"policy": keep(5)}
    ),
    "ecr/repository": Sample(
        lambda _: {"imageScanningConfiguration": {"scanOnPush": True}},
        lambda _: {"imageScanningConfiguration": {"scanOnPush": False}, "imageTagMutability": "IMMUTABLE"},
        {"name": "other"},
    ),
    "ecr/repositoryPolicy": Sample(
        lambda w: {"repository": w.need("repository"), "policy": policy("ecr:BatchGetImage", Principal="*")},
        lambda _: {"policy": policy("ecr:ListImages", Principal="*")},
    ),
    "ecs/cluster": Sample(
        lambda _: {"settings": [{"name": "containerInsights", "value": "enabled"}], "tags": {"a": "b"}},
        lambda _: {"settings": [{"name": "containerInsights", "value": "disabled"}]},
        {"name": "other"},
    ),
    "ecs/clusterCapacityProviders": Sample(
        lambda w: {
            "clusterName": w.need("tasks", out="name"),
            "capacityProviders": ["FARGATE_SPOT", "FARGATE"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}],
        },
        lambda _: {"capacityProviders": ["FARGATE"]},
        {"clusterName": "other"},
    ),
    "ecs/service": Sample(
        lambda w: {
            "cluster": w.need("tasks"),
            "taskDefinition": w.need("task", out="arn"),
            "desiredCount": 1,
            "launchType": "FARGATE",
            "waitForSteadyState": True,
            "healthCheckGracePeriodSeconds": 120,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 50,
            "networkConfiguration": {
                "subnets": [w.need("subneta"), w.need("subnetb")],
                "securityGroups": [w.need("group")],
                "assignPublicIp": False,
            },
            "loadBalancers": [{"targetGroupArn": w.need("targets"), "containerName": "web", "containerPort": 80}],
        },
        lambda w: {
            "taskDefinition": w.need("task2", out="arn"),
            "desiredCount": 2,
            "deploymentMinimumHealthyPercent": 100,
            "networkConfiguration": {"subnets": [w.need("subnetc")], "securityGroups": [w.need("group2")]},
        },
        {"name": "other"},
    ),
    "ecs/taskDefinition": Sample(lambda w: fargate(w, "round"), None, {"cpu": "512", "containerDefinitions": "[]"}),
    "lb/listener": Sample(
        lambda w: {
            "loadBalancerArn": w.need("balancer"),
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [{"type": "forward", "targetGroupArn": w.need("targets")}],
        },
        lambda _: {
            "port": 81,
            "defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}],
        },
        {"loadBalancerArn": "other"},
    ),
    "lb/listenerRule": Sample(
        lambda w: {
            "listenerArn": w.need("listener"),
            "priority": 10,
            "actions": [{"type": "forward", "targetGroupArn": w.need("targets")}],
            "conditions": [{"pathPattern": {"values": ["/api/*"]}}, {"hostHeader": {"values": ["a.example"]}}],
        },
        lambda w: {
            "priority": 20,
            "actions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [
                            {"arn": w.need("targets"), "weight": 1},
                            {"arn": w.need("targets2"), "weight": 2},
                        ]
                    },
                }
            ],
            "conditions": [{"httpHeader": {"httpHeaderName": "X", "values": ["1"]}}],
        },
        {"listenerArn": "other"},
    ),
    "lb/loadBalancer": Sample(
        lambda w: {
            "internal": True,
            "securityGroups": [w.need("group")],
            "subnets": [w.need("subneta"), w.need("subnetb")],
            "idleTimeout": 60,
            "dropInvalidHeaderFields": True,
        },
        lambda w: {
            "idleTimeout": 120,
            "dropInvalidHeaderFields": False,
            "securityGroups": [w.need("group2")],
            "subnets": [w.need("subneta"), w.need("subnetc")],
        },
        {"internal": False},
    ),
    "lb/targetGroup": Sample(
        lambda w: {
            "port": 5000,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": w.need("vpc"),
            "deregistrationDelay": 30,
            "healthCheck": {"path": "/health", "port": "5000", "matcher": "200-299", "interval": 15, "timeout": 5},
        },
        lambda _: {
            "deregistrationDelay": 60,
            "healthCheck": {"path": "/healthy", "port": "5000", "matcher": "200", "interval": 20, "timeout": 5},
            "stickiness": {"enabled": True, "type": "lb_cookie", "cookieDuration": 600},
        },
        {"port": 5001},
    ),
    "lb/targetGroupAttachment": Sample(
        lambda w: {"targetGroupArn": w.need("targets"), "targetId": "10.9.0.20", "port": 80}, None, {"port": 81}
    ),
    "elasticache/parameterGroup": Sample(
        lambda _: {"family": "redis7", "parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]},
        lambda _: {"parameters": [{"name": "timeout", "value": "60"}]},
        {"family": "redis6.x"},
    ),
    "elasticache/replicationGroup": Sample(
        lambda w: {
            "description": "round trip",
            "engine": "redis",
            "engineVersion": "7.1",
            "nodeType": "cache.t4g.micro",
            "numCacheClusters": 2,
            "port": 6379,
            "subnetGroupName": w.need("cacheSubnets"),
            "parameterGroupName": w.need("cacheParameters"),
            "securityGroupIds": [w.need("group")],
            "atRestEncryptionEnabled": True,
            "kmsKeyId": w.need("key", out="arn"),
            "transitEncryptionEnabled": True,
            "authToken": "hunter22hunter22",
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "snapshotRetentionLimit": 1,
            "applyImmediately": True,
            "autoMinorVersionUpgrade": False,
            "logDeliveryConfigurations": [
                {
                    "destination": w.need("logs"),
                    "destinationType": "cloudwatch-logs",
                    "logFormat": "json",
                    "logType": "slow-log",
                }
            ],
        },
        lambda _: {"description": "changed", "snapshotRetentionLimit": 3, "numCacheClusters": 3},
        {"subnetGroupName": "other"},
    ),
    "elasticache/subnetGroup": Sample(
        lambda w: {"subnetIds": [w.need("subneta"), w.need("subnetb")], "description": "one"},
        lambda w: {"subnetIds": [w.need("subneta"), w.need("subnetc")], "description": "two"},
        {"name": "other"},
    ),
    "iam/instanceProfile": Sample(lambda w: {"role": w.need("role")}, None, {"path": "/x/"}),
    "iam/policy": Sample(
        lambda _: {"policy": policy("s3:GetObject", Resource="*")},
        lambda _: {"policy": policy("s3:PutObject", Resource="*")},
        {"path": "/x/"},
    ),
    "iam/role": Sample(
        lambda _: {"assumeRolePolicy": trust("ec2")},
        lambda _: {"assumeRolePolicy": trust("ecs-tasks"), "maxSessionDuration": 7200},
        {"path": "/x/"},
    ),
    "iam/rolePolicy": Sample(
        lambda w: {"role": w.need("role"), "policy": policy("s3:GetObject", Resource="*")},
        lambda _: {"policy": policy("s3:PutObject", Resource="*")},
        {"role": "other"},
    ),
    "iam/rolePolicyAttachment": Sample(
        lambda w: {"role": w.need("role"), "policyArn": w.need("policy")}, None, {"role": "other"}
    ),
    "kinesis/stream": Sample(
        lambda w: {
            "shardCount": 1,
            "retentionPeriod": 48,
            "encryptionType": "KMS",
            "kmsKeyId": w.need("key", out="arn"),
            "shardLevelMetrics": ["IncomingBytes"],
            "streamModeDetails": {"streamMode": "PROVISIONED"},
            "tags": {"a": "b"},
        },
        lambda w: {"shardCount": 2, "retentionPeriod": 24, "kmsKeyId": w.need("key2", out="arn")},
        {"name": "other"},
    ),
    "kinesis/streamConsumer": Sample(lambda w: {"streamArn": w.need("stream", out="arn")}, None, {"name": "other"}),
    "kms/alias": Sample(
        lambda w: {"name": "alias/round", "targetKeyId": w.need("key")},
        lambda w: {"targetKeyId": w.need("key2")},
        {"name": "alias/other"},
    ),
    "kms/key": Sample(
        lambda _: {"description": "one", "enableKeyRotation": True, "deletionWindowInDays": 7},
        lambda _: {"description": "two", "enableKeyRotation": False},
        {"keyUsage": "SIGN_VERIFY"},
    ),
    "rds/cluster": Sample(
        lambda w: {
            "engine": "aurora-postgresql",
            "engineVersion": "15.10",
            "masterUsername": "u",
            "masterPassword": "hunter22",
            "storageEncrypted": True,
            "kmsKeyId": w.need("key", out="arn"),
            "skipFinalSnapshot": True,
            "serverlessv2ScalingConfiguration": {"minCapacity": 0.5, "maxCapacity": 1},
            "backupRetentionPeriod": 30,
            "dbSubnetGroupName": w.need("subnets"),
            "vpcSecurityGroupIds": [w.need("group")],
            "databaseName": "db",
            "copyTagsToSnapshot": True,
            "applyImmediately": True,
        },
        lambda _: {"backupRetentionPeriod": 7, "copyTagsToSnapshot": False},
        {"storageEncrypted": False},
    ),
    "rds/clusterInstance": Sample(
        lambda w: {
            "clusterIdentifier": w.need("cluster"),
            "engine": "aurora-postgresql",
            "instanceClass": "db.serverless",
            "applyImmediately": True,
            "performanceInsightsEnabled": True,
            "performanceInsightsKmsKeyId": w.need("key", out="arn"),
        },
        lambda _: {"instanceClass": "db.r6g.large"},
        {"clusterIdentifier": "other"},
    ),
    "rds/clusterParameterGroup": Sample(
        lambda _: {"family": "aurora-postgresql15", "parameters": [{"name": "log_statement", "value": "all"}]},
        lambda _: {"parameters": [{"name": "log_statement", "value": "ddl"}]},
        {"family": "aurora-postgresql16"},
    ),
    "rds/parameterGroup": Sample(
        lambda _: {"family": "aurora-postgresql15", "parameters": [{"name": "log_statement", "value": "all"}]},
        lambda _: {"parameters": [{"name": "log_statement", "value": "ddl"}]},
        {"family": "aurora-postgresql16"},
    ),
    "rds/subnetGroup": Sample(
        lambda w: {"subnetIds": [w.need("subneta"), w.need("subnetb")]},
        lambda w: {"subnetIds": [w.need("subneta"), w.need("subnetb"), w.need("subnetc")]},
        {"name": "other"},
    ),
    "s3/bucket": Sample(
        lambda _: {"forceDestroy": True, "versioning": {"enabled": True}},
        lambda _: {"versioning": {"enabled": False}},
        {"bucket": "other"},
    ),
    "s3/bucketLifecycleConfiguration": Sample(
        lambda w: {"bucket": w.need("bucket"), "rules": expiry(30)}, lambda _: {"rules": expiry(7)}, {"bucket": "other"}
    ),
    "s3/bucketOwnershipControls": Sample(
        lambda w: {"bucket": w.need("bucket"), "rule": {"objectOwnership": "BucketOwnerPreferred"}},
        lambda _: {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"bucket": "other"},
    ),
    "s3/bucketPolicy": Sample(
        lambda w: {"bucket": w.need("bucket"), "policy": deny(w.need("bucket"), "s3:GetObject")},
        lambda w: {"policy": deny(w.need("bucket"), "s3:PutObject")},
    ),
    "s3/bucketPublicAccessBlock": Sample(
        lambda w: {"bucket": w.need("bucket"), "blockPublicAcls": True}, lambda _: {"blockPublicPolicy": True}
    ),
    "s3/bucketServerSideEncryptionConfiguration": Sample(
        lambda w: {
            "bucket": w.need("bucket"),
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        lambda w: {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": w.need("key", out="arn"),
                    },
                    "bucketKeyEnabled": True,
                }
            ]
        },
    ),
    "s3/bucketVersioning": Sample(
        lambda w: {"bucket": w.need("bucket"), "versioningConfiguration": {"status": "Enabled"}},
        lambda _: {"versioningConfiguration": {"status": "Suspended"}},
    ),
    "secretsmanager/secret": Sample(
        lambda w: {"recoveryWindowInDays": 0, "description": "one", "kmsKeyId": w.need("key", out="arn")},
        lambda _: {"description": "two"},
        {"name": "other"},
    ),
    "secretsmanager/secretPolicy": Sample(
        lambda w: {"secretArn": w.need("secret"), "policy": policy("secretsmanager:GetSecretValue", **ANY)},
        lambda _: {"policy": policy("secretsmanager:DescribeSecret", **ANY)},
    ),
    "secretsmanager/secretRotation": Sample(
        lambda w: {
            "secretId": w.need("secret"),
            "rotationLambdaArn": f"arn:aws:lambda:{REGION}:333344445555:function:rotate",
            "rotationRules": {"automaticallyAfterDays": 30},
        },
        lambda _: {"rotationRules": {"automaticallyAfterDays": 7}},
        {"secretId": "other"},
    ),
    "secretsmanager/secretVersion": Sample(
        lambda w: {"secretId": w.need("secret"), "secretString": "one"}, None, {"secretString": "two"}
    ),
    "sns/topic": Sample(
        lambda w: {"displayName": "one", "kmsMasterKeyId": w.need("key")},
        lambda _: {"displayName": "two"},
        {"name": "other"},
    ),
    "sns/topicPolicy": Sample(
        lambda w: {"arn": w.need("topic"), "policy": publish(w.need("topic"), "sns:Publish")},
        lambda w: {"policy": publish(w.need("topic"), "sns:Subscribe")},
        {"arn": "other"},
    ),
    "sns/topicSubscription": Sample(
        lambda w: {
            "topic": w.need("topic"),
            "protocol": "sqs",
            "endpoint": w.need("queue", out="arn"),
            "rawMessageDelivery": True,
        },
        lambda _: {"rawMessageDelivery": False, "filterPolicy": json.dumps({"kind": ["a"]})},
        {"endpoint": f"arn:aws:sqs:{REGION}:333344445555:other"},
    ),
    "sqs/queue": Sample(
        lambda _: {"visibilityTimeoutSeconds": 60}, lambda _: {"visibilityTimeoutSeconds": 90}, {"name": "other"}
    ),
    "sqs/queuePolicy": Sample(
        lambda w: {"queueUrl": w.need("queue"), "policy": policy("sqs:SendMessage", **ANY)},
        lambda _: {"policy": policy("sqs:ReceiveMessage", **ANY)},
    ),
    "ssm/parameter": Sample(
        lambda _: {"type": "String", "value": "one"}, lambda _: {"value": "two"}, {"name": "/other"}
    ),
    "vpc/securityGroupEgressRule": Sample(
        lambda w: {"securityGroupId": w.need("group"), "ipProtocol": "-1", "cidrIpv4": "10.1.0.0/16"},
        lambda _: {"description": "out"},
        {"securityGroupId": "sg-0"},
    ),
    "vpc/securityGroupIngressRule": Sample(
        lambda w: {
            "securityGroupId": w.need("group"),
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
            "cidrIpv4": "10.1.0.0/16",
        },
        lambda _: {"fromPort": 81, "toPort": 81},
        {"securityGroupId": "sg-0"},
    ),
}

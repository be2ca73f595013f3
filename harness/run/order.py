"""A resource type in; when its turn comes among things that are removed without an engine, out.

A state knows what depends on what; a tag search does not. What is named here carries others and goes after them; what
is not named goes first. A wrong turn costs a round, never a resource: who removes goes over what is left again.
"""

from __future__ import annotations

from typing import Final

_ORDER: Final = (
    # What others run in, or are reached through.
    "aws:ecs/service:Service aws:autoscaling/group:Group aws:lambda/function:Function",
    "aws:lb/listener:Listener aws:alb/listener:Listener aws:rds/clusterInstance:ClusterInstance",
    (
        "aws:lb/loadBalancer:LoadBalancer aws:alb/loadBalancer:LoadBalancer aws:rds/cluster:Cluster "
        "aws:rds/instance:Instance aws:elasticache/replicationGroup:ReplicationGroup aws:elasticache/cluster:Cluster "
        "aws:ec2/natGateway:NatGateway aws:ec2/vpcEndpoint:VpcEndpoint aws:ec2/instance:Instance"
    ),
    (
        "aws:lb/targetGroup:TargetGroup aws:alb/targetGroup:TargetGroup aws:ecs/cluster:Cluster "
        "aws:ecs/taskDefinition:TaskDefinition aws:ec2/eip:Eip aws:rds/subnetGroup:SubnetGroup "
        "aws:rds/parameterGroup:ParameterGroup aws:rds/clusterParameterGroup:ClusterParameterGroup "
        "aws:elasticache/subnetGroup:SubnetGroup aws:elasticache/parameterGroup:ParameterGroup"
    ),
    # The network, from the inside.
    "aws:ec2/networkInterface:NetworkInterface",
    "aws:ec2/securityGroup:SecurityGroup aws:ec2/routeTable:RouteTable aws:ec2/networkAcl:NetworkAcl",
    "aws:ec2/subnet:Subnet aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/vpc:Vpc",
    # What everything else may write to, act as, or be encrypted with.
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/role:Role aws:iam/user:User aws:iam/group:Group",
    "aws:iam/policy:Policy",
    (
        "aws:s3/bucket:Bucket aws:s3/bucketV2:BucketV2 aws:sns/topic:Topic aws:sqs/queue:Queue "
        "aws:cloudwatch/logGroup:LogGroup aws:kinesis/stream:Stream aws:secretsmanager/secret:Secret"
    ),
    "aws:kms/alias:Alias",
    "aws:kms/key:Key",
)
_TURNS: Final = {token: turn for turn, tokens in enumerate(_ORDER, 1) for token in tokens.split()}


def turn(token: str) -> int:
    """When things of this type are removed; lower goes first."""
    return _TURNS.get(token, 0)

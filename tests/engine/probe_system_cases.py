"""Cases of the kinds of probes that the systems brought: what each needs, its table, and ways to break it."""

from __future__ import annotations

import json
from typing import Any

from probe_case import REGION, Aws, Case

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": f"sha256:{'0' * 64}",
        },
        "layers": [],
    }
)


def a_vpc(aws: Aws) -> tuple[str, list[str]]:
    """One with a subnet in two zones."""
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for number, zone in enumerate("ab")
    ]
    return str(vpc), [one["Subnet"]["SubnetId"] for one in subnets]


def a_group(aws: Aws, vpc: str, name: str) -> str:
    """A security group."""
    return str(aws.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"])


def define(aws: Aws, port: int = 80, image: str = "app:1") -> str:
    """Another revision of the task definition."""
    container = {"name": "app", "image": image, "memory": 128, "portMappings": [{"containerPort": port}]}
    return str(
        aws.ecs.register_task_definition(
            family="task",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[container],
        )["taskDefinition"]["taskDefinitionArn"]
    )


def a_service(aws: Aws) -> dict[str, Any]:
    """A service with one task, behind a load balancer that asks /health on port 80."""
    vpc, subnets = a_vpc(aws)
    elb = aws.elbv2
    groups = [a_group(aws, vpc, name) for name in ("tasks", "strangers", "balancer")]
    [made] = elb.create_load_balancer(Name="alb", Subnets=subnets, SecurityGroups=[groups[2]])["LoadBalancers"]
    balancer = made["LoadBalancerArn"]

    def group(name: str) -> str:
        made = elb.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=80,
            TargetType="ip",
            VpcId=vpc,
            HealthCheckPath="/health",
            HealthCheckPort="80",
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    mine, other = group("mine"), group("other")
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": mine}],
    )["Listeners"][0]["ListenerArn"]
    aws.ecs.create_cluster(clusterName="cluster", settings=[{"name": "containerInsights", "value": "enabled"}])
    aws.ecs.create_service(
        cluster="cluster",
        serviceName="service",
        taskDefinition=define(aws),
        desiredCount=1,
        launchType="FARGATE",
        loadBalancers=[{"targetGroupArn": mine, "containerName": "app", "containerPort": 80}],
        networkConfiguration=where(subnets, groups[0]),
    )
    place = {"subnets": subnets, "groups": groups}
    return {"listener": listener, "mine": mine, "other": other, "image": "app:1", "balancer": balancer, **place}


def where(subnets: list[str], group: str, public: str = "DISABLED") -> dict[str, Any]:
    """Where the tasks of a service stand."""
    return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group], "assignPublicIp": public}}


def move(aws: Aws, *, alone: bool = False, group: int = 0, public: str = "DISABLED") -> None:
    """The tasks elsewhere: in one subnet, in another group, or with public addresses."""
    place = where(aws["subnets"][:1] if alone else aws["subnets"], aws["groups"][group], public)
    aws.ecs.update_service(cluster="cluster", service="service", networkConfiguration=place)


def forward(aws: Aws, group: str) -> None:
    """The listener to another group."""
    aws.elbv2.modify_listener(
        ListenerArn=aws["listener"], DefaultActions=[{"Type": "forward", "TargetGroupArn": aws[group]}]
    )


def release(aws: Aws, **how: Any) -> None:
    """Another revision for the service."""
    aws.ecs.update_service(cluster="cluster", service="service", taskDefinition=define(aws, **how))


def a_scaled_service(aws: Aws) -> dict[str, Any]:
    """One to three tasks, by a policy."""
    a_service(aws)
    what = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/cluster/service",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = aws.context.client("application-autoscaling")
    scaling.register_scalable_target(**what, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **what,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )
    return {"what": what}


def rescale(aws: Aws, operation: str, **more: Any) -> None:
    """One call about the scalable target."""
    getattr(aws.context.client("application-autoscaling"), operation)(**aws["what"], **more)


def an_image(aws: Aws) -> dict[str, Any]:
    """A repository with an image of the tag 1."""
    aws.ecr.create_repository(repositoryName="repository")
    aws.ecr.put_image(repositoryName="repository", imageManifest=MANIFEST, imageTag="1")
    return {}


def a_role(aws: Aws) -> dict[str, Any]:
    """One that may read a secret."""
    arn = aws.iam.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    secret = aws.secretsmanager.create_secret(Name="secret", SecretString="hunter2")["ARN"]
    aws.made.update(secret=secret)
    grant(aws, secret)
    return {"role": arn, "secret": secret}


def grant(aws: Aws, resource: str, action: str = "secretsmanager:GetSecretValue") -> None:
    """Put the role's policy."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.iam.put_role_policy(RoleName="role", PolicyName="may", PolicyDocument=document)


def flows(aws: Aws) -> dict[str, Any]:
    """A VPC whose traffic is logged."""
    vpc, _ = a_vpc(aws)
    aws.logs.create_log_group(logGroupName="/vpc/flows")
    return {"vpc": vpc, "log": log_flows(aws, vpc, "ALL")}


def log_flows(aws: Aws, vpc: str, traffic: str) -> str:
    """A flow log of the VPC."""
    made = aws.ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType=traffic,
        LogGroupName="/vpc/flows",
        DeliverLogsPermissionArn="arn:aws:iam::111122223333:role/any",
    )
    return str(made["FlowLogIds"][0])


def fewer_flows(aws: Aws) -> None:
    """Only what is refused."""
    aws.ec2.delete_flow_logs(FlowLogIds=[aws["log"]])
    log_flows(aws, aws["vpc"], "REJECT")


def some_groups(aws: Aws) -> dict[str, Any]:
    """The web reaches the application, which reaches the database and anything by HTTPS; another group stands apart."""
    vpc, _ = a_vpc(aws)
    groups = {
        name: aws.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"]
        for name in ("web", "app", "data", "other")
    }
    apart = groups.pop("other")
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    for group in groups.values():  # what a new group may do by itself
        aws.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    aws.made.update(groups=groups, apart=apart)
    rule(aws, "ingress", "web", 80)
    rule(aws, "egress", "app", 443)
    for source, target, port in (("web", "app", 5000), ("app", "data", 5432)):
        rule(aws, "egress", source, port, groups[target])
        rule(aws, "ingress", target, port, groups[source])
    rule(aws, "ingress", "data", 443, groups["app"])  # out of the application goes what goes anywhere
    return {"groups": groups, "apart": apart}


def rule(aws: Aws, direction: str, of: str, port: int, other: str = "0.0.0.0/0", *, off: bool = False) -> None:
    """Put a rule of a group, or take it off; the other end is a group's id or a block."""
    ends = {"UserIdGroupPairs": [{"GroupId": other}]} if other.startswith("sg-") else {"IpRanges": [{"CidrIp": other}]}
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **ends}
    call = getattr(aws.ec2, f"{'revoke' if off else 'authorize'}_security_group_{direction}")
    call(GroupId=aws["groups"][of], IpPermissions=[permission])


def a_stream(aws: Aws) -> dict[str, Any]:
    """One that is encrypted."""
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    aws.kinesis.create_stream(StreamName="stream", ShardCount=1)
    aws.kinesis.start_stream_encryption(StreamName="stream", EncryptionType="KMS", KeyId=key)
    return {"stream": "stream", "key": key, "other": aws.kms.create_key()["KeyMetadata"]["Arn"]}


def a_topic(aws: Aws) -> dict[str, Any]:
    """A queue that is subscribed to it."""
    topic = aws.sns.create_topic(Name="topic")["TopicArn"]
    queue = aws.sqs.create_queue(QueueName="queue")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    return {"topic": topic, "queue": queue, "subscription": made["SubscriptionArn"]}


def a_cache(aws: Aws) -> dict[str, Any]:
    """A primary and a replica, in two subnets of their own, behind a group."""
    vpc, subnets = a_vpc(aws)
    aws.made.update(groups=[a_group(aws, vpc, name) for name in ("cache", "other")])
    aws.elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="subnets", CacheSubnetGroupDescription="d", SubnetIds=subnets
    )
    cache_nodes(aws)
    return {"group": "cache", "failover": "enabled", "groups": aws["groups"], "subnets": subnets}


def cache_nodes(aws: Aws, nodes: int = 2, group: int = 0) -> None:
    """The replication group."""
    aws.elasticache.create_replication_group(
        ReplicationGroupId="cache",
        ReplicationGroupDescription="d",
        Engine="redis",
        CacheNodeType="cache.t4g.micro",
        NumCacheClusters=nodes,
        AutomaticFailoverEnabled=nodes > 1,
        CacheSubnetGroupName="subnets",
        SecurityGroupIds=[aws["groups"][group]],
    )


def another_cache(aws: Aws, **how: int) -> None:
    """The same group, made again by somebody else, otherwise."""
    aws.elasticache.delete_replication_group(ReplicationGroupId="cache")
    cache_nodes(aws, **how)


SYSTEM_CASES = {
    "target-chain": Case(
        a_service,
        "listener = '${listener}'\ntarget-group = '${mine}'\nport = 80\npath = '/health'\n"
        "cluster = 'cluster'\nservice = 'service'\nsecurity-groups = '${groups[2]}'\nsubnets = '${subnets}'",
        {
            "balancer in the wrong group": (
                lambda aws: aws.elbv2.set_security_groups(
                    LoadBalancerArn=aws["balancer"], SecurityGroups=[aws["groups"][1]]
                ),
                "the load balancer must stand elsewhere; security groups",
            ),
            "balancer in other subnets": (
                lambda aws: aws["subnets"].pop(),
                "the load balancer must stand elsewhere; subnets",
            ),
            "forwards elsewhere": (lambda aws: forward(aws, "other"), "does not forward to the target group"),
            "other path": (
                lambda aws: aws.elbv2.modify_target_group(TargetGroupArn=aws["mine"], HealthCheckPath="/"),
                "asks path /, wanted /health",
            ),
            "other check port": (
                lambda aws: aws.elbv2.modify_target_group(TargetGroupArn=aws["mine"], HealthCheckPort="8080"),
                "asks port 8080, wanted 80",
            ),
            "container on another port": (lambda aws: release(aws, port=5000), "has ports [5000], wanted 80"),
            "service gone": (
                lambda aws: aws.ecs.delete_service(cluster="cluster", service="service", force=True),
                "registers nothing with the target group",
            ),
        },
    ),
    "ecs-steady": Case(
        a_service,
        "cluster = 'cluster'\nservice = 'service'\nimage = '${image}'\ninsights = true\n"
        "security-groups = '${groups[0]}'\nsubnets = '${subnets}'\npublic = false",
        {
            "nothing runs": (
                lambda aws: aws.ecs.update_service(cluster="cluster", service="service", desiredCount=0),
                "is not steady: 0 of 1 tasks run",
            ),
            "in another group": (lambda aws: move(aws, group=1), "tasks of service must stand elsewhere"),
            "in one subnet": (lambda aws: move(aws, alone=True), "must stand elsewhere"),
            "open to the internet": (lambda aws: move(aws, public="ENABLED"), "tasks of service get public addresses"),
            "other image": (lambda aws: release(aws, image="app:2"), "runs app:2, wanted app:1"),
            "no insights": (
                lambda aws: aws.ecs.update_cluster_settings(
                    cluster="cluster", settings=[{"name": "containerInsights", "value": "disabled"}]
                ),
                "no Container Insights",
            ),
            "gone": (
                lambda aws: aws.ecs.delete_service(cluster="cluster", service="service", force=True),
                "is not active",
            ),
        },
    ),
    "ecs-scaling": Case(
        a_scaled_service,
        "cluster = 'cluster'\nservice = 'service'\nfewest = 1\nmost = 3",
        {
            "other limits": (
                lambda aws: rescale(aws, "register_scalable_target", MinCapacity=1, MaxCapacity=9),
                "scales from 1 to 9, wanted 1 to 3",
            ),
            "no policy": (
                lambda aws: rescale(aws, "delete_scaling_policy", PolicyName="cpu"),
                "has 0 scaling policies",
            ),
            "no target": (lambda aws: rescale(aws, "deregister_scalable_target"), "does not scale"),
        },
    ),
    "ecr-image": Case(
        an_image,
        "repository = 'repository'\ntag = '1'",
        {
            "image gone": (
                lambda aws: aws.ecr.batch_delete_image(repositoryName="repository", imageIds=[{"imageTag": "1"}]),
                "repository",
            ),
            "deleted": (
                lambda aws: aws.ecr.delete_repository(repositoryName="repository", force=True),
                "RepositoryNotFound",
            ),
        },
    ),
    "role-may": Case(
        a_role,
        "role = '${role}'\nactions = ['secretsmanager:GetSecretValue']\nresources = ['${secret}']",
        {
            "not any more": (
                lambda aws: aws.iam.delete_role_policy(RoleName="role", PolicyName="may"),
                "may not secretsmanager:GetSecretValue",
            ),
            "another secret": (
                lambda aws: grant(aws, f"arn:aws:secretsmanager:{REGION}:111122223333:secret:other-a1b2c3"),
                "may not secretsmanager:GetSecretValue",
            ),
            "another action": (
                lambda aws: grant(aws, "*", "secretsmanager:DescribeSecret"),
                "may not secretsmanager:GetSecretValue",
            ),
        },
    ),
    "flow-logs": Case(
        flows,
        "vpc = '${vpc}'",
        {
            "off": (lambda aws: aws.ec2.delete_flow_logs(FlowLogIds=[aws["log"]]), "no flow log takes the traffic"),
            "refused traffic only": (fewer_flows, "takes REJECT, wanted ALL"),
            "group gone": (lambda aws: aws.logs.delete_log_group(logGroupName="/vpc/flows"), "which is not there"),
        },
    ),
    "security-groups": Case(
        some_groups,
        "groups = '${groups}'\nways = [['', 'web', 80], ['web', 'app', 5000], ['app', 'data', 5432],\n"
        "['app', 'data', 443], ['app', '', 443]]",
        {
            "database in the open": (
                lambda aws: rule(aws, "ingress", "data", 5432),
                'unwanted in: ["anywhere to data on 5432"]',
            ),
            "another port": (
                lambda aws: rule(aws, "ingress", "app", 22, aws["groups"]["web"]),
                'unwanted in: ["web to app on 22"]',
            ),
            "a stranger": (lambda aws: rule(aws, "ingress", "data", 5432, aws["apart"]), 'unwanted in: ["sg-'),
            "out to anywhere": (
                lambda aws: rule(aws, "egress", "data", 443),
                'unwanted out: ["data to anywhere on 443"]',
            ),
            "no way out of the source": (
                lambda aws: rule(aws, "egress", "app", 5432, aws["groups"]["data"], off=True),
                'missing out: ["app to data on 5432"]',
            ),
            "no way into the target": (
                lambda aws: rule(aws, "ingress", "app", 5000, aws["groups"]["web"], off=True),
                'missing in: ["web to app on 5000"]',
            ),
            "closed to the internet": (
                lambda aws: rule(aws, "ingress", "web", 80, off=True),
                'missing in: ["anywhere to web on 80"]',
            ),
            "a group gone": (lambda aws: aws["groups"].update(data="sg-0123456789abcdef0"), "InvalidGroup"),
        },
    ),
    "stream-round-trip": Case(
        a_stream,
        "stream = '${stream}'\nkey = '${key}'",
        {
            "another key": (
                lambda aws: aws.kinesis.start_stream_encryption(
                    StreamName="stream", EncryptionType="KMS", KeyId=aws["other"]
                ),
                "the stream stream is under arn:aws:kms:",
            ),
            "deleted": (lambda aws: aws.kinesis.delete_stream(StreamName="stream"), "stream"),
            "in plain": (
                lambda aws: aws.kinesis.stop_stream_encryption(
                    StreamName="stream", EncryptionType="KMS", KeyId=aws["key"]
                ),
                "is not encrypted",
            ),
        },
    ),
    "topic-round-trip": Case(
        a_topic,
        "topic = '${topic}'\nqueue = '${queue}'\ntimeout = 0.2",
        {
            "not subscribed": (lambda aws: aws.sns.unsubscribe(SubscriptionArn=aws["subscription"]), "did not arrive"),
            "topic deleted": (lambda aws: aws.sns.delete_topic(TopicArn=aws["topic"]), "NotFound"),
            "queue deleted": (lambda aws: aws.sqs.delete_queue(QueueUrl=aws["queue"]), "NonExistentQueue"),
        },
    ),
    "cache-available": Case(
        a_cache,
        "group = '${group}'\nnodes = 2\nequals = { AutomaticFailover = '${failover}' }\n"
        "security-groups = '${groups[0]}'\nsubnets = '${subnets}'",
        {
            "deleted": (
                lambda aws: aws.elasticache.delete_replication_group(ReplicationGroupId="cache"),
                "ReplicationGroupNotFound",
            ),
            "a replica less": (lambda aws: another_cache(aws, nodes=1), "has 1 members"),
            "in the wrong group": (lambda aws: another_cache(aws, group=1), "must stand elsewhere"),
            "in other subnets": (lambda aws: aws["subnets"].pop(), "cache-0001-001 must stand elsewhere"),
            "as not asked": (lambda aws: aws.made.update(failover="disabled"), "AutomaticFailover"),
        },
    ),
}

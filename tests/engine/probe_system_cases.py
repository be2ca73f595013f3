"""Cases of the other kinds of probes that the systems brought: what each needs, its table, and ways to break it."""

from __future__ import annotations

import json
from typing import Any

from probe_case import Aws, Case
from probe_ecs_cases import a_group, a_vpc
from probe_tags import REGION

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


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

"""What AWS answers to the probes of `platform`, when all is well and when it is not; out as cases."""

from __future__ import annotations

import json
from typing import Any

from probe_answers import Case


def gateways(*zones: str, state: str = "available") -> dict[str, Any]:
    """EC2's answer: NAT gateways nat-0, nat-1 and so on in the public subnets of these zones."""
    described = [
        {"NatGatewayId": f"nat-{number}", "SubnetId": f"public-{zone}", "State": state}
        for number, zone in enumerate(zones)
    ]
    return {"NatGateways": described}


def leading(**zones: str) -> dict[str, Any]:
    """EC2's answer: the private subnet of each zone leads to this NAT gateway."""
    tables = [
        {
            "Associations": [{"SubnetId": f"private-{zone}"}],
            "Routes": [
                {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
                {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": gateway},
            ],
        }
        for zone, gateway in zones.items()
    ]
    return {"RouteTables": tables}


def redrive(arn: str) -> list[dict[str, Any]]:
    """SQS's two answers: where dead letters go, and the ARN of that queue."""
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    return [{"Attributes": {"RedrivePolicy": policy}}, {"Attributes": {"QueueArn": "arn:dead"}}]


def logging(enabled: str, bucket: str) -> dict[str, Any]:
    """ELB's answer."""
    told = {"access_logs.s3.enabled": enabled, "access_logs.s3.bucket": bucket, "idle_timeout.timeout_seconds": "60"}
    return {"Attributes": [{"Key": key, "Value": value} for key, value in told.items()]}


def admitted(service: str = "logdelivery.elasticloadbalancing", tls: str = "false") -> dict[str, str]:
    """S3's answer: who may write, and who must use TLS."""
    writes = {
        "Sid": "LoadBalancersOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::b/alb/AWSLogs/111122223333/*",
    }
    refuses = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        "Condition": {"Bool": {"aws:SecureTransport": tls}},
    }
    return {"Policy": json.dumps({"Statement": [writes, refuses]})}


SUBNETS = {f"{tier}-{zone}": zone for tier in ("public", "private") for zone in ("a", "b")}
PLATFORM = [
    Case(
        "platform",
        "every zone has a NAT gateway of its own",
        {
            "natGatewayIds": ["nat-0", "nat-1"],
            "publicSubnetIds": ["public-a", "public-b"],
            "privateSubnetIds": ["private-a", "private-b"],
        },
        {
            "ec2.describe_subnets": {
                "Subnets": [{"SubnetId": one, "AvailabilityZone": zone} for one, zone in SUBNETS.items()]
            },
            "ec2.describe_nat_gateways": gateways("a", "b"),
            "ec2.describe_route_tables": leading(a="nat-0", b="nat-1"),
        },
        (
            (("answers", "ec2.describe_nat_gateways"), gateways("a", "a"), "{'private-b in b': 'a'}"),
            (("answers", "ec2.describe_nat_gateways"), gateways("a", "b", state="failed"), "'private-a in a': None"),
            (("answers", "ec2.describe_route_tables"), leading(a="nat-0", b="nat-0"), "{'private-b in b': 'a'}"),
            (("answers", "ec2.describe_route_tables"), leading(a="nat-0"), "{'private-b in b': None}"),
        ),
        "2 NAT gateways",
    ),
    Case(
        "platform",
        "dead letters have a queue",
        {"queueUrl": "https://queue", "deadLetterQueueUrl": "https://dead"},
        {"sqs.get_queue_attributes": redrive("arn:dead")},
        ((("answers", "sqs.get_queue_attributes"), redrive("arn:other"), "dead letters: {"),),
        "after 5 tries",
    ),
    Case(
        "platform",
        "access logs are written, and by load balancers only",
        {
            "accessLogBucket": "b",
            "loadBalancerArn": "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/x/1",
        },
        {
            "elbv2.describe_load_balancer_attributes": logging("true", "b"),
            "s3.get_bucket_policy": admitted(),
        },
        (
            (("answers", "elbv2.describe_load_balancer_attributes"), logging("false", "b"), "access logs: {"),
            (("answers", "elbv2.describe_load_balancer_attributes"), logging("true", "other"), "access logs: {"),
            (("answers", "s3.get_bucket_policy"), admitted("ec2"), "statements: {"),
            (("answers", "s3.get_bucket_policy"), admitted(tls="true"), "statements: {"),
        ),
        "plain HTTP refused",
    ),
]

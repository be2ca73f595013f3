"""Probes that the systems have as functions: what passes, and that each thing they look at can fail them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from probe_stubs import Aws

from harness.plan.discovery import load_program
from harness.probes.registry import Probe, ProbeResult, StackResource, load

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"


def probe(program: str, name: str) -> Probe:
    """The one of this name."""
    return next(one for one in load(load_program(PROGRAMS / program)) if one.name == name)


def action(stage: str, provider: str, **configuration: str) -> dict[str, Any]:
    """A stage with its only action."""
    kind = {"category": "Build", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": stage, "actions": [{"name": stage, "actionTypeId": kind, "configuration": configuration}]}


SOURCE = action("Source", "GitHub", PollForSourceChanges="false")
CONNECTED = action("Source", "CodeStarSourceConnection", DetectChanges="false")
BUILD = action("Build", "CodeBuild", ProjectName="build")
DEPLOY = action("Deploy", "ECS", ClusterName="cluster", ServiceName="service")
DELIVERY = {"pipelineName": "p", "buildProject": "build", "ecsService": "service", "ecsCluster": "cluster"}


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([SOURCE, BUILD, DEPLOY], ""),
        ([CONNECTED, BUILD, DEPLOY], ""),
        ([BUILD, SOURCE, DEPLOY], "stages: "),
        ([SOURCE, action("Build", "Jenkins", ProjectName="build"), DEPLOY], "stages: "),
        ([CONNECTED, BUILD, action("Deploy", "CodeDeploy")], "stages: "),
        ([SOURCE, BUILD], "stages: "),
        ([action("Source", "GitHub", PollForSourceChanges="true"), BUILD, DEPLOY], "a push would start"),
        ([SOURCE, BUILD, action("Deploy", "ECS", ClusterName="x", ServiceName="service")], "deploys to cluster x"),
    ],
)
def test_the_pipeline_is_of_these_stages_in_this_order(stages: list[dict[str, Any]], said: str) -> None:
    """By token or by connection; other stages, providers and clusters fail the probe."""
    aws = Aws(outputs={**DELIVERY, "artifactBucket": "artifacts"})
    found = {"name": "p", "roleArn": "arn:aws:iam::111122223333:role/r", "stages": stages}
    store = {"type": "S3", "location": "artifacts"}
    aws.answer("codepipeline", ("get_pipeline", {"pipeline": {**found, "artifactStore": store}}))
    judge(aws.ask(probe("payments", "pipeline goes from source over build to deployment")), said)


def judge(result: ProbeResult, said: str) -> None:
    """Passed without a word, else failed with it; a mistake in the probe is neither."""
    assert result.status == ("failed" if said else "passed"), result.detail
    assert said in result.detail


PASS = {
    "Effect": "Allow",
    "Action": ["iam:PassRole"],
    "Resource": ["task", "execution"],
    "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
}


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([PASS], ""),
        (None, "its policies: []"),
        ([], "0 statements let it pass roles"),
        ([{**PASS, "Resource": ["*"]}], "it passes ['*']"),
        ([{key: value for key, value in PASS.items() if key != "Condition"}], "it passes them to None"),
    ],
)
def test_the_pipeline_passes_two_roles_to_one_service(statements: list[dict[str, Any]] | None, said: str) -> None:
    """A role without a policy, or with one that passes nothing, fails the probe; it is no mistake in it."""
    outputs = {"pipelineRoleArn": "arn:aws:iam::1:role/r", "executionRoleArn": "execution", "taskRoleArn": "task"}
    aws = Aws(outputs=outputs)
    aws.answer("iam", ("list_role_policies", {"PolicyNames": [] if statements is None else ["policy"]}))
    document = json.dumps({"Statement": statements})
    policy = {"RoleName": "role", "PolicyName": "policy", "PolicyDocument": document}
    aws.answer("iam", ("get_role_policy", policy))
    judge(aws.ask(probe("payments", "pipeline may pass the roles of the service, to ECS only")), said)


LOG = {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/build"}}
STATED = {"cloudwatchLogs": {"status": "ENABLED", "groupName": "/build"}}
EMULATOR = "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    ("endpoint", "told", "stated", "said"),
    [
        (None, LOG, STATED, ""),
        (None, None, STATED, "its log: {}"),
        (None, {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/other"}}, STATED, "it logs to /other"),
        (None, {"cloudWatchLogs": {"status": "DISABLED"}}, STATED, "its log: "),
        (EMULATOR, None, STATED, ""),
        (EMULATOR, None, None, "its log: {}"),
        (EMULATOR, {"cloudWatchLogs": {"status": "DISABLED"}}, STATED, "its log: "),
    ],
)
def test_builds_log_where_logs_expire(endpoint: str | None, told: Any, stated: Any, said: str) -> None:
    """A project without logging fails on an emulator that does not tell, too; and there it is told as not looked at."""
    project = StackResource(
        type="aws:codebuild/project:Project", id="build", name="build", outputs={"logsConfig": stated} if stated else {}
    )
    outputs = {"buildProject": "build", "logGroupNames": ["/build"]}
    aws = Aws(outputs=outputs, endpoint=endpoint, resources=(project,))
    answer = {"name": "build", "logsConfig": told} if told else {"name": "build"}
    aws.answer("codebuild", ("batch_get_projects", {"projects": [answer]}))
    result = aws.ask(probe("payments", "build logs where logs expire"))
    judge(result, said)
    assert ("not looked at" in result.detail) == (endpoint is not None and not said)


@pytest.mark.parametrize(
    ("way", "said"), [("nat-b", ""), ("nat-a", "subnet-b in zone-b"), (None, "subnet-b in zone-b")]
)
def test_each_zone_goes_out_by_its_own_gateway(way: str | None, said: str) -> None:
    """A private subnet that leads to another zone's gateway, or to none, fails the probe."""
    outputs = {"publicSubnetIds": ["out-a", "out-b"], "privateSubnetIds": ["subnet-a", "subnet-b"]}
    aws = Aws(outputs={**outputs, "natGatewayIds": ["nat-a", "nat-b"]})
    subnets = [
        {"SubnetId": f"{sort}-{zone}", "AvailabilityZone": f"zone-{zone}"}
        for sort in ("out", "subnet")
        for zone in "ab"
    ]
    gateways = [{"NatGatewayId": f"nat-{zone}", "SubnetId": f"out-{zone}", "State": "available"} for zone in "ab"]
    tables = [
        {
            "Associations": [{"SubnetId": f"subnet-{zone}"}],
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": to}] if to else [],
        }
        for zone, to in (("a", "nat-a"), ("b", way))
    ]
    aws.answer(
        "ec2",
        ("describe_subnets", {"Subnets": subnets}),
        ("describe_nat_gateways", {"NatGateways": gateways}),
        ("describe_route_tables", {"RouteTables": tables}),
    )
    judge(aws.ask(probe("platform", "every zone has a NAT gateway of its own")), said)


WRITE = {
    "Sid": "LoadBalancersOfThisAccount",
    "Effect": "Allow",
    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::logs/alb/AWSLogs/111122223333/*",
}
TLS = {
    "Sid": "OnlyByTls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("enabled", "bucket", "statements", "said"),
    [
        ("true", "logs", [WRITE, TLS], ""),
        ("false", "logs", [WRITE, TLS], "access logs: "),
        ("true", "other", [WRITE, TLS], "access logs: "),
        ("true", "logs", [{**WRITE, "Principal": "*"}, TLS], "statements: "),
        ("true", "logs", [{**WRITE, "Action": "s3:*"}, TLS], "statements: "),
        ("true", "logs", [{**WRITE, "Resource": "arn:aws:s3:::logs/*"}, TLS], "statements: "),
        ("true", "logs", [WRITE, {**TLS, "Resource": ["arn:aws:s3:::logs"]}], "statements: "),
        ("true", "logs", [WRITE], "statements: "),
    ],
)
def test_access_logs_are_written_by_load_balancers_only(
    enabled: str, bucket: str, statements: list[dict[str, Any]], said: str
) -> None:
    """The balancer has them switched on, into that bucket; its policy is read whole, not by its names."""
    balancer = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/alb/0123456789abcdef"
    aws = Aws(outputs={"accessLogBucket": "logs", "loadBalancerArn": balancer})
    told = {"access_logs.s3.enabled": enabled, "access_logs.s3.bucket": bucket, "idle_timeout.timeout_seconds": "60"}
    attributes = [{"Key": key, "Value": value} for key, value in told.items()]
    aws.answer("elbv2", ("describe_load_balancer_attributes", {"Attributes": attributes}))
    aws.answer("s3", ("get_bucket_policy", {"Policy": json.dumps({"Statement": statements})}))
    judge(aws.ask(probe("platform", "access logs are written, and by load balancers only")), said)

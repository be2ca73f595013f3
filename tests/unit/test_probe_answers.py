"""What AWS answers to probes and no emulator does: botocore's own stubs stand for AWS, and refuse what it would not."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from probe_stubs import Aws

VPC = "vpc-0123456789abcdef0"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/mine/0123456789abcdef"


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Without any answer yet."""
    made = Aws()
    yield made
    made.context.close()


def flow(number: int, **more: str) -> dict[str, Any]:
    """A flow log of the VPC."""
    said = {"FlowLogId": f"fl-{number}", "ResourceId": VPC, "TrafficType": "ALL", "FlowLogStatus": "ACTIVE"}
    return {**said, "LogGroupName": "/vpc/flows", "LogDestinationType": "cloud-watch-logs", **more}


FAILED = {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}
BUCKET = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::flows"}


def test_a_flow_log_that_delivers_nothing_is_caught(aws: Aws) -> None:
    """Its own status is ACTIVE all the time; the delivery's tells, and why."""
    aws.answer("ec2", ("describe_flow_logs", {"FlowLogs": [flow(1, **FAILED)]}))
    result = aws.ask(f"kind = 'flow-logs'\nvpc = '{VPC}'\n")
    assert result.status == "failed"
    assert "fl-1: delivers nothing: Access error" in result.detail


def test_a_flow_log_may_write_to_a_bucket(aws: Aws) -> None:
    """Then no log group is asked for; and one that fails beside it, on an earlier page, does not count."""
    pages = [{"FlowLogs": [flow(1, **FAILED)], "NextToken": "2"}, {"FlowLogs": [flow(2, **BUCKET)]}]
    aws.answer("ec2", *(("describe_flow_logs", page) for page in pages))
    aws.answer("logs")
    result = aws.ask(f"kind = 'flow-logs'\nvpc = '{VPC}'\n")
    assert result.status == "passed", result.detail
    assert result.detail == "flow log: fl-2; to: arn:aws:s3:::flows"


ROLE = "arn:aws:iam::111122223333:role/role"
MAY = f"kind = 'role-may'\nrole = '{ROLE}'\nactions = ['s3:GetObject', 's3:PutObject']\nresources = ['*']\n"


def decided(action: str) -> dict[str, Any]:
    """What the simulation says of one that is allowed."""
    return {"EvalActionName": action, "EvalDecision": "allowed"}


def test_what_the_simulation_does_not_tell_is_not_allowed(aws: Aws) -> None:
    """An answer without results, or without one of the actions, is no permission."""
    aws.answer(
        "iam",
        ("simulate_principal_policy", {"EvaluationResults": []}),
        ("simulate_principal_policy", {"EvaluationResults": [decided("s3:GetObject")]}),
    )
    assert "may not s3:GetObject on *, s3:PutObject on *" in aws.ask(MAY).detail
    result = aws.ask(MAY)
    assert (result.status, "may not s3:PutObject on *" in result.detail) == ("failed", True), result.detail


def test_the_simulation_is_read_to_its_last_page(aws: Aws) -> None:
    """The second action is on the second one."""
    first = {"EvaluationResults": [decided("s3:GetObject")], "IsTruncated": True, "Marker": "m"}
    last = {"EvaluationResults": [decided("s3:PutObject")], "IsTruncated": False}
    aws.answer("iam", ("simulate_principal_policy", first), ("simulate_principal_policy", last))
    result = aws.ask(MAY)
    assert result.status == "passed", result.detail


def service() -> tuple[str, dict[str, Any]]:
    """One task of one completed deployment."""
    said = {
        "status": "ACTIVE",
        "runningCount": 1,
        "desiredCount": 1,
        "taskDefinition": "task:1",
        "deployments": [{"rolloutState": "COMPLETED"}],
        "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}],
    }
    return "describe_services", {"services": [said]}


def definition() -> tuple[str, dict[str, Any]]:
    """Without a size of the task's own, which tasks on EC2 need not have."""
    container = {"name": "app", "image": "app:1", "portMappings": [{"containerPort": 80}]}
    return "describe_task_definition", {"taskDefinition": {"containerDefinitions": [container]}}


def test_a_task_need_not_have_a_size(aws: Aws) -> None:
    """Its containers may have one each."""
    aws.answer("ecs", service(), definition())
    result = aws.ask("kind = 'ecs-steady'\ncluster = 'c'\nservice = 's'\n")
    assert (result.status, "size: -/-" in result.detail) == ("passed", True), result.detail


def chain(aws: Aws, *states: dict[str, Any]) -> None:
    """Everything fits, and the targets have these states."""
    forward = {"Type": "forward", "TargetGroupArn": GROUP}
    group = {"Port": 80, "HealthCheckPort": "traffic-port", "HealthCheckPath": "/"}
    targets = [{"Target": {"Id": f"10.0.0.{n}"}, "TargetHealth": state} for n, state in enumerate(states)]
    aws.answer(
        "elbv2",
        ("describe_listeners", {"Listeners": [{"DefaultActions": [forward]}]}),
        ("describe_target_groups", {"TargetGroups": [group]}),
        ("describe_target_health", {"TargetHealthDescriptions": targets}),
    )
    aws.answer("ecs", service(), definition())


CHAIN = f"kind = 'target-chain'\nlistener = 'l'\ntarget-group = '{GROUP}'\nport = 80\npath = '/'\ncluster = 'c'\n"
CHAIN += "service = 's'\n"


def test_targets_that_are_not_healthy_are_told_with_the_reason(aws: Aws) -> None:
    """The load balancer's own; without targets it is a failure on AWS, too."""
    chain(aws, {"State": "healthy"}, {"State": "unhealthy", "Reason": "Target.Timeout"})
    result = aws.ask(f"{CHAIN}healthy = 2\n")
    assert result.status == "failed"
    assert "1 targets are healthy, wanted 2" in result.detail
    assert '"10.0.0.1": "Target.Timeout"' in result.detail


def test_without_targets_the_chain_is_broken_on_aws(aws: Aws) -> None:
    """There is no emulator to be excused."""
    chain(aws)
    result = aws.ask(CHAIN)
    assert (result.status, "0 targets are healthy" in result.detail) == ("failed", True), result.detail


class Site(http.server.BaseHTTPRequestHandler):
    """Answers 200 at /, 404 elsewhere."""

    def log_message(self, *_args: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        """Answer by path."""
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()


def test_the_url_is_asked_once_targets_are_healthy(aws: Aws) -> None:
    """What answers otherwise than with 200 is a failure."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            for path, status in (("", "passed"), ("gone", "failed")):
                chain(aws, {"State": "healthy"})
                result = aws.ask(f"{CHAIN}url = 'http://127.0.0.1:{server.server_port}/{path}'\n")
                assert (result.status, "status" in result.detail) == (status, True), result.detail
        finally:
            server.shutdown()
            thread.join()


def test_a_database_is_reached_where_the_stack_says(aws: Aws) -> None:
    """On AWS no other host will do, not even this one."""
    cluster = {"Status": "available", "Engine": "e", "EngineVersion": "15.10", "ReaderEndpoint": "reader"}
    table = "kind = 'rds-available'\ncluster = 'c'\ninstances = 0\nendpoint = 'writer'\nreader-endpoint = 'reader'\n"
    for host, status in (("writer", "passed"), ("another", "failed"), ("localhost", "failed")):
        aws.answer(
            "rds",
            ("describe_db_clusters", {"DBClusters": [{**cluster, "Endpoint": host}]}),
            ("describe_db_instances", {"DBInstances": []}),
        )
        result = aws.ask(table)
        assert result.status == status, result.detail
        assert ("ReaderEndpoint" in result.detail, "Endpoint" in result.detail) == (False, status == "failed")


def test_a_database_that_is_no_cluster_tells_its_subnets_itself(aws: Aws) -> None:
    """Its group is not asked for by name, as that of a cluster is."""
    group = {"DBSubnetGroupName": "g", "Subnets": [{"SubnetIdentifier": one} for one in ("subnet-1", "subnet-2")]}
    told = {"DBInstanceIdentifier": "i", "DBInstanceStatus": "available", "Engine": "e", "EngineVersion": "15.10"}
    told |= {"DBInstanceClass": "c", "DBSubnetGroup": group, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}]}
    table = "kind = 'rds-available'\ninstance = 'i'\nsecurity-groups = 'sg-1'\n"
    for subnets, status in (("'subnet-2', 'subnet-1'", "passed"), ("'subnet-1'", "failed")):
        aws.answer("rds", ("describe_db_instances", {"DBInstances": [told]}))
        result = aws.ask(f"{table}subnets = [{subnets}]\n")
        assert (result.status, "instance i must stand elsewhere" in result.detail) == (status, status == "failed"), (
            result.detail
        )


def test_the_key_of_a_cache_is_told_by_aws_only(aws: Aws) -> None:
    """There another key, or none, is caught."""
    group = {"ReplicationGroupId": "c", "Status": "available", "MemberClusters": ["c-1"]}
    table = f"kind = 'cache-available'\ngroup = 'c'\nkms-key = '{KEY}'\n"
    for told, status in (({"KmsKeyId": KEY}, "passed"), ({"KmsKeyId": f"{KEY}1"}, "failed"), ({}, "failed")):
        aws.answer("elasticache", ("describe_replication_groups", {"ReplicationGroups": [{**group, **told}]}))
        for key in (*told.values(), KEY) if told and KEY not in told.values() else ():
            aws.answer("kms", ("describe_key", {"KeyMetadata": {"KeyId": "k", "Arn": key}}))
        result = aws.ask(table)
        assert (result.status, "under" in result.detail) == (status, status == "failed"), result.detail

"""AWS does not yet show everywhere what it has just made, and lets nobody change it: what a create does about that."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeAlias

import pytest
from aws_wire import Wire, package

from harness.providers.contract import CreateRequest
from harness.world.emulator import Emulator

Answer: TypeAlias = tuple[int, list[tuple[str, str]], bytes]
GROUP, OWN_GROUP = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
VPC, STREAM = "aws:ec2/vpc:Vpc", "aws:kinesis/stream:Stream"
NOT_YET = b"<Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>m</Message></Error></Errors></Response>"


@pytest.mark.parametrize("token", [GROUP, OWN_GROUP])
@pytest.mark.parametrize("times", [1, 3])
def test_a_group_that_is_not_shown_yet_keeps_no_rule_of_aws(line: Wire, account: str, token: str, times: int) -> None:
    """AWS lets everything out of a new group; what the program did not ask for goes, also when it comes late."""
    provider = package(line.url, account).configure({})
    vpc = provider.create(CreateRequest("u", VPC, "v", {"cidrBlock": "10.0.0.0/16"})).id
    named: dict[str, Any] = {"name": "g", "description": "d"} if token == GROUP else {}
    line.operation, line.delivers, line.answers, line.body = b"GroupId.1=", False, 400, NOT_YET
    line.times = times
    made = provider.create(CreateRequest("u", token, "g", {**named, "vpcId": vpc}))
    assert line.broken == times
    seen = provider.clients.client("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"]
    assert [(one["IpPermissions"], one["IpPermissionsEgress"]) for one in seen] == [([], [])]


class Growing(Wire):
    """A way to a target whose streams are made slowly: while one is, it lets nobody tag it, as AWS does."""

    looks = 2  # after which it is active

    def ask(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """What AWS would say."""
        operation = str(request.headers.get("X-Amz-Target")).rpartition(".")[2]
        if operation == "CreateStream":
            self.made = json.loads(body)
        elif operation == "AddTagsToStream" and self.looks:
            busy = {"__type": "ResourceInUseException", "message": "Stream s under account 1 not ACTIVE"}
            return 400, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(busy).encode()
        status, headers, answer = super().ask(request, body)
        if operation == "DescribeStreamSummary" and status == HTTPStatus.OK and self.looks:
            self.looks -= 1
            answer = answer.replace(b'"ACTIVE"', b'"CREATING"')
        return status, headers, answer


def test_a_stream_with_tags_is_made_though_it_takes_none_yet(emulator: Emulator, account: str) -> None:
    """They go with the create, so that it is never without them; a target that ignores them gets them when it can."""
    slow = Growing(emulator.url)
    try:
        provider = package(slow.url, account).configure({})
        inputs = {"name": "s", "shardCount": 1, "tagsAll": {"mark": "young"}}
        made = provider.create(CreateRequest("u", STREAM, "s", inputs))
        assert slow.made["Tags"] == made.outputs["tagsAll"] == {"mark": "young"}
        assert slow.looks == 0
    finally:
        slow.close()

"""AWS does not yet show everywhere what it has just made, and lets nobody change it: what a create does about that."""

from __future__ import annotations

from typing import Any

import pytest
from aws_wire import Wire, package

from harness.providers.contract import CreateRequest

GROUP, OWN_GROUP = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
VPC = "aws:ec2/vpc:Vpc"
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

"""What a resource's own policy lets a service do, read statement by statement."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.probes.admission import Asked, refused

TOPIC = "arn:aws:sns:eu-central-1:111122223333:alarms"
ALARM = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:[prod] too slow"
ASKED = Asked("cloudwatch.amazonaws.com", TOPIC, {"aws:SourceAccount": "111122223333", "aws:SourceArn": ALARM})
PUBLISH = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
}


def may(*statements: dict[str, Any]) -> bool:
    """Whether CloudWatch may publish by a policy of these."""
    return not refused(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), ASKED, ["sns:Publish"])


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    """The statement with one condition."""
    return {**PUBLISH, "Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    "statement",
    [
        PUBLISH,
        {**PUBLISH, "Principal": "*"},
        {**PUBLISH, "Principal": {"AWS": ["*"]}},
        {**PUBLISH, "Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]}},
        {**PUBLISH, "Action": ["SNS:Subscribe", "SNS:Publish"]},
        {**PUBLISH, "Action": "sns:*"},
        {**PUBLISH, "Resource": "arn:aws:sns:*:alarms"},
        {**PUBLISH, "Resource": "*"},
        when("StringEquals", "AWS:SourceAccount", "111122223333"),
        when("ArnLike", "aws:SourceArn", "arn:aws:cloudwatch:*:111122223333:alarm:*"),
        when("ArnLike", "aws:SourceArn", "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:[prod]*"),
        when("StringNotEquals", "aws:SourceAccount", "444455556666"),
        when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"),
        when("Bool", "aws:SecureTransport", "true"),
    ],
    ids=str,
)
def test_what_lets_the_service_in(statement: dict[str, Any]) -> None:
    """By name or with everybody; what nobody can judge from here is taken to hold."""
    assert may(statement)


@pytest.mark.parametrize(
    "statement",
    [
        {**PUBLISH, "Principal": {"Service": "events.amazonaws.com"}},
        {**PUBLISH, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {**PUBLISH, "Action": ["sns:Subscribe"]},
        {**PUBLISH, "Resource": f"{TOPIC}-others"},
        {**PUBLISH, "Effect": "Deny"},
        when("StringEquals", "aws:SourceAccount", "444455556666"),
        when("ArnLike", "aws:SourceArn", "arn:aws:cloudwatch:*:111122223333:alarm:other"),
        when("StringEquals", "aws:PrincipalOrgID", "o-1"),
        when("StringEquals", "kms:CallerAccount", "111122223333"),
    ],
    ids=str,
)
def test_what_does_not(statement: dict[str, Any]) -> None:
    """Another service, principals of the account, another action, topic, account or alarm; and no statement at all."""
    assert not may(statement)
    assert not may()


def test_a_refusal_wins() -> None:
    """Of everybody, of this service, or of all but others; not one whose condition may not hold."""
    deny = {**PUBLISH, "Effect": "Deny"}
    assert not may(PUBLISH, deny)
    assert not may(PUBLISH, {**deny, "Principal": "*"})
    assert may(PUBLISH, {**deny, "Principal": {"Service": "events.amazonaws.com"}})
    assert may(PUBLISH, {**deny, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})


def test_every_action_is_told_that_is_not_allowed() -> None:
    """One statement may stand alone, without a list around it."""
    policy = json.dumps({"Statement": {**PUBLISH, "Action": "kms:GenerateDataKey*", "Resource": "*"}})
    assert refused(policy, ASKED, ["kms:Decrypt", "kms:GenerateDataKey"]) == ["kms:Decrypt"]

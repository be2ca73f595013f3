"""Which calls of the aws provider are sent again after a failure, for how long, and what the user reads in the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_wire import Wire, create, package

from harness.providers.contract import CreateRequest, DeleteRequest, ProviderError, UpdateRequest

VPC, QUEUE, ROLE = "aws:ec2/vpc:Vpc", "aws:sqs/queue:Queue", "aws:iam/role:Role"
KEY, SECRET = "aws:kms/key:Key", "aws:secretsmanager/secret:Secret"
TRUST = '{"Version":"2012-10-17","Statement":[]}'


@pytest.mark.parametrize("answers", [0, 500])
@pytest.mark.parametrize(
    ("token", "inputs", "operation", "sent"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16"}, b"Action=CreateVpc", 1),
        (KEY, {"description": "d"}, b"TrentService.CreateKey", 1),
        (ROLE, {"name": "again", "assumeRolePolicy": TRUST}, b"Action=CreateRole", 3),
        (SECRET, {"name": "token", "recoveryWindowInDays": 0}, b"secretsmanager.CreateSecret", 3),
    ],
)
def test_a_lost_create_is_sent_again_only_where_that_makes_no_second(
    line: Wire, account: str, tmp_path: Path, token, inputs, operation, sent, answers
) -> None:
    """No second try without a name known beforehand or a token that makes the two one."""
    line.operation, line.answers = operation, answers
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert "not known" in said
    assert line.broken == sent
    assert len(journal.open_intents()) == 1


def test_a_throttled_create_is_sent_again(line: Wire, account: str, tmp_path: Path) -> None:
    """Nothing was made: the second try is the first that counts."""
    line.operation, line.times, line.delivers, line.answers = b"Action=CreateVpc", 1, False, 503
    line.body = (
        b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>"
    )
    said, journal = create(line.url, account, tmp_path, VPC, {"cidrBlock": "10.0.0.0/16"})
    assert (said, line.broken) == ("", 1)
    assert len(journal.standing()) == 1


def test_a_target_where_nobody_listens_is_told_soon() -> None:
    """However many tries the program asks for, refused connections end within seconds; every verb names the cause."""
    provider = package("http://127.0.0.1:9", "111122223333").configure({"maxRetries": 25})
    state = {"cidrBlock": "10.0.0.0/16"}
    more = {**state, "enableDnsHostnames": True}
    acts: list[Callable[[], object]] = [
        lambda: provider.create(CreateRequest("urn", QUEUE, "q", {"name": "q"})),
        lambda: provider.update(UpdateRequest("urn", VPC, "vpc-1", state, {**state, "arn": "a"}, more)),
        lambda: provider.delete(DeleteRequest("urn", VPC, "vpc-1", state, {**state, "arn": "a"})),
    ]
    for act in acts:
        start = time.monotonic()
        with pytest.raises(ProviderError, match=r"the endpoint does not answer: http://127\.0\.0\.1:9"):
            act()
        assert time.monotonic() - start < 20


def test_a_line_that_breaks_under_an_update_or_delete_names_the_endpoint(line: Wire, account: str) -> None:
    """Cut in the middle, not refused: the user reads which target fell silent."""
    provider = package(line.url, account).configure({})
    inputs = {"cidrBlock": "10.0.0.0/16"}
    made = provider.create(CreateRequest("urn", VPC, "v", inputs))
    line.operation = b"Action=DeleteVpc"
    with pytest.raises(ProviderError, match=f"the endpoint does not answer: {line.url}"):
        provider.delete(DeleteRequest("urn", VPC, made.id, inputs, made.outputs))
    line.operation = b"Action=ModifyVpcAttribute"
    wanted = {**inputs, "enableDnsHostnames": True}
    with pytest.raises(ProviderError, match=f"the endpoint does not answer: {line.url}"):
        provider.update(UpdateRequest("urn", VPC, made.id, inputs, made.outputs, wanted))

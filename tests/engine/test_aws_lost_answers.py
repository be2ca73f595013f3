"""Creates whose answer is lost on the way, at the engine's door: the journal keeps asking, the target is asked."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest
from aws_wire import MARK, Wire, create, package

from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import CreateRequest, DeleteRequest, PartialError, Presence, ProviderError
from harness.providers.journal import Journal
from harness.world.emulator import Emulator

VPC, ROLE, BUCKET = "aws:ec2/vpc:Vpc", "aws:iam/role:Role", "aws:s3/bucket:Bucket"
GROUP, QUEUE = "aws:ec2/securityGroup:SecurityGroup", "aws:sqs/queue:Queue"
TRUST = '{"Version":"2012-10-17","Statement":[]}'


def there(url: str, account: str, token: str, journal: Journal) -> list[str]:
    """What the target holds: by the id that the journal knows, or else by tags."""
    provider = package(url, account).configure({})
    [intent] = journal.intents
    if intent.id is None:
        return [one.id for one in provider.find([token], MARK)]
    return [intent.id] if provider.presence(token, intent.id, {})[0] is Presence.EXISTS else []


LOST = [
    (VPC, {"cidrBlock": "10.0.0.0/16"}, b"Action=CreateVpc"),
    (ROLE, {"name": "lost-role", "assumeRolePolicy": TRUST}, b"Action=CreateRole"),
    (BUCKET, {"bucket": "lost-bucket"}, b"PUT /lost-bucket"),
    (QUEUE, {"name": "lost-queue"}, b"AmazonSQS.CreateQueue"),
]


@pytest.mark.parametrize("answers", [0, 500])
@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize(("token", "inputs", "operation"), LOST)
def test_a_lost_answer_leaves_the_intent_open(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation, delivers, answers
) -> None:
    """Whether it arrived or not, nobody knows: the journal says so, the target tells, and what is there can go."""
    line.operation, line.delivers, line.answers = operation, delivers, answers
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert line.broken, "the line did not break"
    assert "not known" in said
    assert [one.type for one in journal.open_intents()] == [token]
    found = there(emulator.url, account, token, journal)
    assert bool(found) is delivers
    provider = package(emulator.url, account).configure({})
    for one in found:
        provider.delete(DeleteRequest("", token, one, {}, {}))
    assert there(emulator.url, account, token, journal) == []


@pytest.mark.parametrize(("token", "inputs", "operation"), [LOST[0], LOST[1], LOST[3]])
def test_an_answer_that_says_nothing_leaves_the_intent_open(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation
) -> None:
    """A success without a word of what was made: it is made all the same."""
    line.operation, line.answers = operation, 200
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert "not known" in said
    assert len(journal.open_intents()) == 1
    assert there(emulator.url, account, token, journal)


@pytest.mark.parametrize(("token", "inputs", "operation"), LOST[1:3])
def test_a_second_try_that_meets_the_first_ones_work_is_no_refusal(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation
) -> None:
    """The answer to the first attempt is lost, botocore tries again, `exists already` comes back: it is ours."""
    line.operation, line.times = operation, 1
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert "not known" in said
    assert len(journal.open_intents()) == 1
    assert there(emulator.url, account, token, journal)


def test_what_the_target_refused_or_never_heard_is_closed(line: Wire, account: str, tmp_path: Path) -> None:
    """A refusal, a name that is taken, a target that is down: nothing was made, and the journal knows it."""
    jobs = [
        (
            line.url,
            "aws:rds/cluster:Cluster",
            {"clusterIdentifier": "c", "engine": "aurora-postgresql", "engineVersion": "15.3"},
        ),
        ("http://127.0.0.1:9", VPC, {"cidrBlock": "10.0.0.0/16"}),
    ]
    for index, (url, token, inputs) in enumerate(jobs):
        folder = tmp_path / str(index)
        folder.mkdir()
        said, journal = create(url, account, folder, token, inputs)
        assert said
        assert (len(journal.intents), journal.open_intents()) == (1, ())


def test_a_lookup_before_the_create_that_fails_made_nothing(line: Wire, account: str, tmp_path: Path) -> None:
    """A queue's name is looked up first: an answer lost there is no doubt about the create."""
    line.operation = b"AmazonSQS.GetQueueUrl"
    said, journal = create(line.url, account, tmp_path, QUEUE, {"name": "never"})
    assert said
    assert journal.open_intents() == ()


def test_what_a_first_step_made_is_kept_with_its_id(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path
) -> None:
    """A security group exists before its rules: when those are lost the journal holds the group."""
    provider = package(emulator.url, account).configure({})
    vpc = provider.create(CreateRequest("urn", VPC, "v", {"cidrBlock": "10.0.0.0/16"})).id
    line.operation = b"Action=AuthorizeSecurityGroupIngress"
    block = {"protocol": "tcp", "fromPort": 1, "toPort": 2, "cidrBlocks": ["10.0.0.0/8"]}
    inputs = {"name": "half", "description": "d", "vpcId": vpc, "ingress": [block]}
    _, journal = create(line.url, account, tmp_path, GROUP, inputs)
    [made] = journal.standing()
    assert made.partial
    assert provider.presence(GROUP, made.id, {})[0] is Presence.EXISTS


def test_a_call_that_hangs_ends_with_the_operations_time(
    line: Wire, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No further attempt after the time-out that the program gave, and none after a cancel."""
    monkeypatch.setattr("harness.providers.aws.clients._READ", 0.5)
    provider = package(line.url, account).configure({})
    provider.create(CreateRequest("urn", VPC, "warm", {"cidrBlock": "10.0.0.0/16"}))
    line.operation = b"Action=CreateVpc"
    line.hang.clear()
    for timeout in (0.1, 0):
        line.broken = 0
        if not timeout:
            Thread(target=_cancel_when, args=(provider, line)).start()
        with pytest.raises(ProviderError, match="not known"):
            provider.create(CreateRequest("urn", VPC, "slow", {"cidrBlock": "10.0.0.0/16"}, timeout=timeout))
        assert line.broken == 1


def _cancel_when(provider: AwsProvider, line: Wire) -> None:
    while not line.broken:
        time.sleep(0.01)
    provider.cancel()


def test_a_wait_whose_question_hangs_ends_with_the_operations_time(
    line: Wire, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create is through, the target falls silent: what exists is handed over, soon."""
    monkeypatch.setattr("harness.providers.aws.clients._READ", 0.5)
    provider = package(line.url, account).configure({})
    provider.create(CreateRequest("urn", VPC, "warm", {"cidrBlock": "10.0.0.0/16"}))
    line.operation = b"Action=DescribeVpcs"
    line.hang.clear()
    start = time.monotonic()
    with pytest.raises(PartialError):
        provider.create(CreateRequest("urn", VPC, "silent", {"cidrBlock": "10.0.0.0/16"}, timeout=0.2))
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_wait_for_what_never_leaves_ends(line: Wire, account: str, cancelled: bool) -> None:
    """A delete that the target takes and forgets: the time that was given counts, and so does a cancel."""
    provider = package(line.url, account).configure({})
    bucket = provider.create(CreateRequest("urn", BUCKET, "stays", {"bucket": f"stays-{account}"})).id
    line.operation, line.delivers, line.answers = b"DELETE /stays", False, 204
    if cancelled:
        Thread(target=_cancel_when, args=(provider, line)).start()
    start = time.monotonic()
    with pytest.raises(ProviderError, match="cancelled" if cancelled else r"timed out after 1 s .*still"):
        provider.delete(DeleteRequest("urn", BUCKET, bucket, {"bucket": bucket}, {}, timeout=30 if cancelled else 1))
    assert time.monotonic() - start < 10


def test_a_find_in_the_way_of_another_does_not_hold_up_the_round(emulator: Emulator, account: str) -> None:
    """Without a state there is no order: what is blocked says so soon, and goes in the next round."""
    provider = package(emulator.url, account).configure({})
    vpc = provider.create(CreateRequest("urn", VPC, "v", {"cidrBlock": "10.0.0.0/16"})).id
    inputs = {"name": "blocks", "description": "d", "vpcId": vpc}
    group = provider.create(CreateRequest("urn", GROUP, "g", inputs)).id
    start = time.monotonic()
    with pytest.raises(ProviderError, match="DependencyViolation"):
        provider.delete(DeleteRequest("", VPC, vpc, {}, {}))
    assert time.monotonic() - start < 15
    for token, one in ((GROUP, group), (VPC, vpc)):
        provider.delete(DeleteRequest("", token, one, {}, {}))

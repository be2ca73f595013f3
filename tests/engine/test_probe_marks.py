"""`tags` and `suffix` ask the target about each resource: every type, what is not there, what nobody can ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from probe_tags import LIST, PAIRS, REGION, SUFFIX, Client
from probe_things import MAKERS, made

from harness.probes.questions import ROWS
from harness.probes.registry import ProbeContext, ProbeResult, StackResource

NEITHER = {  # parts of something else
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicSubscription:TopicSubscription",
}


def test_every_row_has_a_resource_to_be_tried_on() -> None:
    """A row that is added needs one; EC2's types without a row share one way, tried on a VPC."""
    assert MAKERS.keys() == (ROWS.keys() - NEITHER) | {"aws:ec2/vpc:Vpc"}


@pytest.mark.parametrize("type_", MAKERS)
def test_the_target_tells_the_tags_of_every_type(client: Client, ask: Callable[..., ProbeResult], type_: str) -> None:
    """All three are there; another value, and a tag that is not there, are caught."""
    thing = made(client, type_)
    if type_ in ROWS and ROWS[type_].tags is None:
        assert "nothing that could be asked" in ask("kind = 'tags'\n", thing).detail
        return
    good = ask("kind = 'tags'\ntags = { Project = 'shop', Environment = '*', CostCenter = '42' }\n", thing)
    assert (good.status, good.detail.partition(";")[0]) == ("passed", "tagged: 1"), good.detail
    other = ask("kind = 'tags'\ntags = { Project = 'other' }\n", thing)
    assert "lacks Project ('shop', wanted 'other')" in other.detail
    missing = ask("kind = 'tags'\ntags = ['Project', 'Owner']\n", thing)
    assert missing.status == "failed"
    assert "lacks Owner" in missing.detail


@pytest.mark.parametrize("type_", MAKERS)
def test_the_target_tells_the_name_of_every_type(client: Client, ask: Callable[..., ProbeResult], type_: str) -> None:
    """One with the suffix passes; one without is caught, with its name."""
    good = ask("kind = 'suffix'\n", made(client, type_))
    assert (good.status, good.detail.partition(";")[0]) == ("passed", "named: 1"), good.detail
    bad = ask("kind = 'suffix'\n", made(client, type_, "shop-thing-other"))
    assert bad.status == "failed"
    assert "shop-thing-other" in bad.detail
    assert f"without {SUFFIX}" in bad.detail


@pytest.mark.parametrize("kind", ["tags", "suffix"])
def test_what_was_deleted_behind_the_stack_is_caught(
    client: Client, ask: Callable[..., ProbeResult], kind: str
) -> None:
    """The state still has it; the target does not."""
    queue = made(client, "aws:sqs/queue:Queue")
    group = made(client, "aws:cloudwatch/logGroup:LogGroup")
    client("sqs").delete_queue(QueueUrl=queue.id)
    client("logs").delete_log_group(logGroupName=group.id)
    result = ask(f"kind = '{kind}'\n", queue, group, made(client, "aws:iam/role:Role"))
    assert result.status == "failed"
    assert result.detail.startswith("2 of 3 resources: LogGroup 'thing' (")
    assert "; Queue 'thing' (http" in result.detail


def test_tags_and_names_that_were_taken_away_are_caught(client: Client, ask: Callable[..., ProbeResult]) -> None:
    """Of one among several, and only that one is named."""
    vpc, queue = made(client, "aws:ec2/vpc:Vpc"), made(client, "aws:sqs/queue:Queue")
    client("ec2").delete_tags(Resources=[vpc.id], Tags=[{"Key": "CostCenter"}, {"Key": "Name"}])
    tags, suffix = ask("kind = 'tags'\n", vpc, queue), ask("kind = 'suffix'\n", vpc, queue)
    assert tags.detail.startswith(f"1 of 2 resources: Vpc 'thing' ({vpc.id}) lacks CostCenter (")
    assert suffix.detail.startswith(
        f"1 of 2 resources: Vpc 'thing' ({vpc.id}) could not be asked: its Name tag is gone"
    )


def test_what_nobody_can_ask_about_is_told_and_fails(client: Client, ask: Callable[..., ProbeResult]) -> None:
    """Not passed over in silence; whoever knows better ignores the type by name."""
    queue = made(client, "aws:sqs/queue:Queue")
    arn = f"arn:aws:mars:{REGION}:111122223333:rover/r-{SUFFIX}"
    rover = StackResource("aws:mars/rover:Rover", "r-1", "rover", outputs={"arn": arn, "tagsAll": PAIRS})
    for kind in ("tags", "suffix"):
        result = ask(f"kind = '{kind}'\n", queue, rover)
        assert result.status == "failed"
        assert "1 of 2 resources: Rover 'rover' (r-1) could not be asked" in result.detail
        assert "tagging API does not tell of it" in result.detail
        assert ask(f"kind = '{kind}'\nignore = 'aws:mars/*'\n", queue, rover).status == "passed"


def test_a_type_without_a_row_is_asked_of_the_tagging_api(client: Client, ask: Callable[..., ProbeResult]) -> None:
    """By its ARN, which tells its name as well."""
    topic = client("sns").create_topic(Name=f"topic-{SUFFIX}", Tags=LIST)["TopicArn"]
    strange = StackResource("aws:sns/strange:Strange", "t", "t", outputs={"arn": topic, "tagsAll": {}})
    assert ask("kind = 'tags'\ntags = { Project = 'shop' }\n", strange).status == "passed"
    assert "lacks Project" in ask("kind = 'tags'\ntags = { Project = 'other' }\n", strange).detail
    assert ask("kind = 'suffix'\n", strange).status == "passed"


def test_only_what_can_be_at_the_target_is_asked_about(client: Client, ask: Callable[..., ProbeResult]) -> None:
    """Random values, parts of other things, and things in another region of their own."""
    queue = made(client, "aws:sqs/queue:Queue")
    pet = StackResource("random:index/randomPet:RandomPet", "pet", "pet", outputs={"id": "pet"})
    part = StackResource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "b", "b", outputs={"bucket": "b"})
    assert ask("kind = 'tags'\n", queue, pet, part).detail.startswith("tagged: 1")
    assert ask("kind = 'suffix'\n", queue, pet, part).detail.startswith("named: 1")


def test_a_resource_in_another_region_is_asked_there(context: ProbeContext, ask: Callable[..., ProbeResult]) -> None:
    """The region in the state, not that of the cell."""
    elsewhere = context.client("logs", "eu-west-1")
    elsewhere.create_log_group(logGroupName=f"g-{SUFFIX}", tags=PAIRS)
    arn = elsewhere.describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")
    group = StackResource("aws:cloudwatch/logGroup:LogGroup", f"g-{SUFFIX}", "g", "eu-west-1", outputs={"arn": arn})
    assert ask("kind = 'suffix'\n", group).status == "passed"
    assert ask("kind = 'tags'\n", group).status == "passed"


def test_many_problems_are_counted_and_the_first_are_told(client: Client, ask: Callable[..., ProbeResult]) -> None:
    """A message that a person can read."""
    queue = made(client, "aws:sqs/queue:Queue", "plain")
    detail = ask("kind = 'suffix'\n", *[queue] * 10).detail
    assert detail.startswith("10 of 10 resources: ")
    assert "; and 2 more" in detail

"""A search for a run's tag in an account that is not ours alone: what refuses to be looked at, and what that hides."""

from __future__ import annotations

import json

import pytest
from aws_samples import SAMPLES, World
from aws_wire import Wire

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry
from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import CreateRequest

KEY, BUCKET, QUEUE = "aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:sqs/queue:Queue"
MARK = {"harness:run": "r-1"}
DECLARED = {one.token: one for one in registry.resources().values()}
INDEXED = sorted(one.token for one in DECLARED.values() if one.find and one.find.arn)
REGION = "eu-central-1"
DENIED = json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode()


def bundled(url: str, account: str) -> AwsProvider:
    """The provider over that account of the emulator."""
    return AwsPackage(Ambient(endpoint=url, region=REGION, access_key=account, secret_key="x")).configure({})


def on_aws(url: str, account: str) -> AwsProvider:
    """The same, which takes that way for AWS itself: an endpoint for each service, and none for all."""
    services = dict.fromkeys((*(one.service for one in DECLARED.values()), "sts", "resourcegroupstaggingapi"), url)
    ambient = Ambient(endpoint=None, region=REGION, access_key=account, secret_key="x", tags=MARK)
    return AwsPackage(ambient).configure({"endpoints": [services], "s3UsePathStyle": True})


def key(provider: AwsProvider, tags: dict[str, str]) -> str:
    """A key with these tags."""
    return provider.create(CreateRequest("u", KEY, "k", {"description": "d", "tagsAll": tags})).id


def bucket(provider: AwsProvider, name: str, tags: dict[str, str]) -> str:
    """A bucket with these tags."""
    return provider.create(CreateRequest("u", BUCKET, "b", {"bucket": name, "tagsAll": tags})).id


def refuse(line: Wire, what: str, *, status: int = 400, body: bytes = DENIED) -> None:
    """From now on every request that names it is refused."""
    line.operation, line.delivers, line.answers, line.body = what.encode(), False, status, body


def count(line: Wire, what: str) -> None:
    """From now on count the requests that name it."""
    line.operation, line.times, line.met = what.encode(), 0, 0


def test_a_key_that_refuses_costs_neither_the_others_nor_their_type(line: Wire, account: str) -> None:
    """Ours is found beside it; that one could not be looked at is told, and is no failure of the search."""
    provider = bundled(line.url, account)
    ours, theirs = key(provider, MARK), key(provider, {})
    refuse(line, theirs)
    seen = provider.search([KEY], MARK)
    assert [one.id for one in seen.found] == [ours]
    assert (seen.searched, dict(seen.failed)) == ([], {})
    assert "AccessDenied" in seen.unseen[KEY]
    assert theirs in seen.unseen[KEY]


def test_a_bucket_that_answers_forbidden_is_passed_over(line: Wire, account: str) -> None:
    """A HEAD has no room for a word of AWS's."""
    provider = bundled(line.url, account)
    ours, theirs = bucket(provider, f"ours-{account}", MARK), bucket(provider, f"theirs-{account}", {})
    refuse(line, f"HEAD /{theirs}", status=403, body=b"")
    seen = provider.search([BUCKET], MARK)
    assert [one.id for one in seen.found] == [ours]
    assert (dict(seen.failed), set(seen.unseen)) == ({}, {BUCKET})


@pytest.mark.parametrize(
    ("what", "code"),
    [("TrentService.ListKeys", "AccessDeniedException"), ("TrentService.DescribeKey", "ExpiredTokenException")],
)
def test_what_keeps_all_of_a_type_from_being_seen_is_a_failure(line: Wire, account: str, what: str, code: str) -> None:
    """A listing that is refused, credentials that have ended: then nothing was searched."""
    provider = bundled(line.url, account)
    key(provider, MARK)
    refuse(line, what, body=json.dumps({"__type": code, "message": "no"}).encode())
    seen = provider.search([KEY], MARK)
    assert (list(seen.found), list(seen.searched), dict(seen.unseen)) == ([], [], {})
    assert code in seen.failed[KEY]


def test_on_aws_the_tagging_api_says_whose_it_is(line: Wire, account: str) -> None:
    """It knows the tags of what refuses: a stranger's hides nothing, and ours is found all the same."""
    provider = on_aws(line.url, account)
    theirs = key(provider, {"harness:run": "r-2"})
    refuse(line, theirs)
    seen = provider.search([KEY], MARK, thorough=[KEY])
    assert (list(seen.found), list(seen.searched), dict(seen.failed), dict(seen.unseen)) == ([], [KEY], {}, {})
    seen = provider.search([KEY], {"harness:run": "r-2"}, thorough=[KEY])
    assert [(one.id, one.tags["harness:run"]) for one in seen.found] == [(theirs, "r-2")]
    assert (list(seen.searched), dict(seen.unseen)) == ([KEY], {})


def test_where_the_tagging_api_refuses_too_nobody_knows(line: Wire, account: str) -> None:
    """A permission that is missing there proves nothing."""
    provider = on_aws(line.url, account)
    key(provider, {})
    refuse(line, "X-Amz-Target: ")
    line.after = 1  # the listing itself passes
    seen = provider.search([KEY], MARK, thorough=[KEY])
    assert (list(seen.searched), dict(seen.failed), set(seen.unseen)) == ([], {}, {KEY})


def test_on_aws_only_what_its_index_names_is_looked_at(line: Wire, account: str) -> None:
    """However many keys the account has, and whatever they allow; and what the index alone says is no proof."""
    provider = on_aws(line.url, account)
    ours, gone = key(provider, MARK), key(provider, MARK)
    for _ in range(3):
        key(provider, {})
    provider.clients.client("kms").schedule_key_deletion(KeyId=gone)
    count(line, "TrentService.")
    seen = provider.search([KEY], MARK)
    assert ([one.id for one in seen.found], list(seen.searched)) == ([ours], [KEY])
    assert line.met == 3, "the state of both, the tags of one"


def test_what_the_index_names_and_nobody_may_look_at_is_found(line: Wire, account: str) -> None:
    """It is ours by AWS's word."""
    provider = on_aws(line.url, account)
    ours = key(provider, MARK)
    refuse(line, ours)
    seen = provider.search([KEY], MARK)
    assert [(one.id, one.tags) for one in seen.found] == [(ours, MARK)]
    assert (list(seen.searched), dict(seen.failed), dict(seen.unseen)) == ([KEY], {}, {})


@pytest.mark.parametrize("thorough", [(), (KEY,)])
def test_where_an_index_will_not_do_every_thing_is_asked(line: Wire, account: str, thorough: tuple[str, ...]) -> None:
    """We may not ask it; or it may not know yet what a create without an answer has made."""
    provider = on_aws(line.url, account)
    ours = key(provider, MARK)
    if thorough:
        refuse(line, "GetResources", status=200, body=b'{"ResourceTagMappingList": []}')
    else:
        refuse(line, "GetResources")
    seen = provider.search([KEY], MARK, thorough=thorough)
    assert [one.id for one in seen.found] == [ours]
    assert (list(seen.searched), line.broken) == ([KEY], 0 if thorough else 1)


@pytest.mark.parametrize("token", INDEXED)
def test_an_arn_of_the_index_is_taken_for_what_it_names(line: Wire, account: str, token: str) -> None:
    """By each type's own form, and for no other's; where an id does not follow from it all are looked at."""
    world = World(on_aws(line.url, account))
    made = [world.make(token, SAMPLES[token.split(":")[1]].inputs(world)) for _ in range(2)]
    (_, first, _, outputs), (_, second, _, _) = made
    others = ["arn:aws:sqs:us-west-2:1:other", f"arn:aws:glue:{REGION}:{account}:database/other"]
    told = [{"ResourceARN": arn, "Tags": [{"Key": "harness:run", "Value": "r-1"}]} for arn in (*others, outputs["arn"])]
    refuse(line, "GetResources", status=200, body=json.dumps({"ResourceTagMappingList": told}).encode())
    seen = world.provider.search([token], MARK)
    assert (list(seen.searched), dict(seen.failed)) == ([token], {})
    assert [one.id for one in seen.found] == ([first, second] if token == QUEUE else [first])


def test_a_queue_that_refuses_is_told_by_its_name(line: Wire, account: str) -> None:
    """Its id is an URL, of which the ARN tells the end."""
    provider = on_aws(line.url, account)
    inputs = {"name": "ours", "tagsAll": MARK}
    ours = provider.create(CreateRequest("u", QUEUE, "q", inputs)).id
    provider.create(CreateRequest("u", QUEUE, "q", {**inputs, "name": "theirs", "tagsAll": {}}))
    refuse(line, "AmazonSQS.GetQueueAttributes")
    seen = provider.search([QUEUE], MARK)
    assert [one.id for one in seen.found] == [ours]
    assert (list(seen.searched), line.broken) == ([QUEUE], 2)


def test_a_search_asks_for_tags_and_for_nothing_else(line: Wire, account: str) -> None:
    """Thousands of things that are not ours may be there: each costs what its tags cost, and no call more."""
    provider = bundled(line.url, account)
    ours = key(provider, MARK)
    count(line, "TrentService.")
    assert [one.id for one in provider.search([KEY], MARK).found] == [ours]
    assert line.met == 3, "the listing, the key's state, its tags"

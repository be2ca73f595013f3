"""A search for a run's tag in an account that is not ours alone: what refuses to be looked at, and what that hides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_wire import Wire

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage
from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import CreateRequest

KEY, BUCKET = "aws:kms/key:Key", "aws:s3/bucket:Bucket"
MARK = {"harness:run": "r-1"}
REGION = "eu-central-1"
DENIED = json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode()


def bundled(url: str, account: str) -> AwsProvider:
    """The provider over that account of the emulator."""
    return AwsPackage(Ambient(endpoint=url, region=REGION, access_key=account, secret_key="x")).configure({})


def on_aws(url: str, account: str) -> AwsProvider:
    """The same, which takes that way for AWS itself: an endpoint for each service, and none for all."""
    services = dict.fromkeys(("kms", "s3", "sts", "resourcegroupstaggingapi"), url)
    ambient = Ambient(endpoint=None, region=REGION, access_key=account, secret_key="x")
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
    seen = provider.search([KEY], MARK)
    assert (list(seen.found), list(seen.searched), dict(seen.failed), dict(seen.unseen)) == ([], [KEY], {}, {})
    seen = provider.search([KEY], {"harness:run": "r-2"})
    assert [(one.id, one.tags["harness:run"]) for one in seen.found] == [(theirs, "r-2")]
    assert (list(seen.searched), dict(seen.unseen)) == ([KEY], {})


def test_where_the_tagging_api_refuses_too_nobody_knows(line: Wire, account: str) -> None:
    """A permission that is missing there proves nothing."""
    provider = on_aws(line.url, account)
    key(provider, {})
    refuse(line, "X-Amz-Target: ")
    line.after = 1  # the listing itself passes
    seen = provider.search([KEY], MARK)
    assert (list(seen.searched), dict(seen.failed), set(seen.unseen)) == ([], {}, {KEY})


def test_a_search_asks_for_tags_and_for_nothing_else(line: Wire, account: str) -> None:
    """Thousands of things that are not ours may be there: each costs what its tags cost, and no call more."""
    provider = bundled(line.url, account)
    ours: dict[str, Any] = {"kind": key(provider, MARK)}
    line.operation, line.times = b"X-Amz-Target: TrentService.", 0  # counts only
    line.met = 0
    assert [one.id for one in provider.search([KEY], MARK).found] == [ours["kind"]]
    assert line.met == 3, "the listing, the key's state, its tags"

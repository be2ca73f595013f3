"""`encrypted` asks the target about the key of each resource: every type, another key, none, and what is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from probe_encrypted_things import MAKERS, made
from probe_tags import Client

from harness.probes.questions_of_keys import KEYS
from harness.probes.registry import ProbeResult, StackResource

QUEUE = "aws:sqs/queue:Queue"


@pytest.fixture
def key(client: Client) -> str:
    """The key of ours."""
    return str(client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def under(ask: Callable[..., ProbeResult], key: str) -> Callable[..., ProbeResult]:
    """One attempt about these resources, by type; more of the table first."""

    def one(more: str, *resources: StackResource) -> ProbeResult:
        types = sorted({each.type for each in resources})
        return ask(f"kind = 'encrypted'\nkey = '{key}'\ntypes = {types}\n{more}", *resources)

    return one


def test_every_type_has_a_resource_to_be_tried_on() -> None:
    """A row that is added needs one."""
    assert MAKERS.keys() == KEYS.keys()


@pytest.mark.parametrize("type_", MAKERS)
def test_the_target_tells_the_key_of_every_type(
    client: Client, key: str, under: Callable[..., ProbeResult], type_: str
) -> None:
    """Ours passes; another key is caught with its name, and so is none."""
    other = client("kms").create_key()["KeyMetadata"]["Arn"]
    good = under("", made(client, type_, key))
    assert (good.status, "encrypted: 1" in good.detail) == ("passed", True), good.detail
    bad = under("", made(client, type_, other, "other"))
    assert bad.status == "failed"
    assert f"1 of 1 resources: {type_.rpartition(':')[2]} 'other' (" in bad.detail
    assert f"is under {other}" in bad.detail
    none = under("", made(client, type_, None, "plain"))
    assert none.status == "failed", none.detail
    assert "is under no key of ours" in none.detail or "alias/aws/" in none.detail


def test_a_key_may_be_called_by_any_of_its_names(client: Client, key: str, under: Callable[..., ProbeResult]) -> None:
    """What it was called by at the resource: its id, its ARN, an alias; one that is nobody's is told as it is."""
    client("kms").create_alias(AliasName="alias/mine", TargetKeyId=key)
    names = [key.rpartition("/")[2], key, "alias/mine"]
    queues = [made(client, QUEUE, name, f"q{number}") for number, name in enumerate(names)]
    good = under("", *queues)
    assert (good.status, "encrypted: 3" in good.detail) == ("passed", True), good.detail
    bad = under("", *queues, made(client, QUEUE, "alias/aws/sqs", "plain"))
    assert bad.detail.startswith("1 of 4 resources: Queue 'plain' (")
    assert "is under alias/aws/sqs" in bad.detail


def test_those_that_are_meant_may_be_named(client: Client, key: str, under: Callable[..., ProbeResult]) -> None:
    """By the program's own names; others of the type may lie elsewhere."""
    ours, others = made(client, QUEUE, key, "events"), made(client, QUEUE, None, "open")
    assert "1 of 2" in under("", ours, others).detail
    assert under("names = 'eve*'\n", ours, others).status == "passed"


def test_what_is_not_there_is_not_encrypted(client: Client, key: str, under: Callable[..., ProbeResult]) -> None:
    """A type or a name of which the stack made nothing; a queue that somebody deleted."""
    queue = made(client, QUEUE, key, "events")
    assert "the stack made no aws:sqs/queue:Queue" in under("names = 'other'\n", queue).detail
    client("sqs").delete_queue(QueueUrl=queue.id)
    gone = under("", queue)
    assert (gone.status, "Queue 'events' (" in gone.detail) == ("failed", True), gone.detail
    assert "could not be asked" in gone.detail

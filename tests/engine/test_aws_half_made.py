"""A create that breaks at any of its calls, at the engine's door: whatever exists then is known, and can be removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_samples import REGION, SAMPLES, World
from aws_wire import Wire
from cut import cut

from harness.protostubs import load
from harness.providers import wire as values
from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry
from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import DeleteRequest, Presence, ProviderError
from harness.providers.door import Door
from harness.providers.journal import Journal, JournalWriter, read_journal
from harness.world.emulator import Emulator, start_emulator
from harness.world.home import HOME_VARIABLE, open_home

(_pb,) = load("provider_pb2")
MARK = {"mark": "half-made"}
MOST = 12  # calls of one create that are broken in turn
FEW = {"maxRetries": "0"}
# Those of `starter` and `financial`; how a type is made is the same code for all. One emulator ignores the tags that a
# flow log is made with, so that one whose answer is lost cannot be found there: it is not among them.
TOKENS = sorted(
    token
    for token, declared in registry.resources().items()
    if declared.destructive
    and token.split(":")[1]
    in {
        *("cloudwatch/logGroup", "ec2/eip", "ec2/internetGateway", "ec2/natGateway", "ec2/route", "ec2/routeTable"),
        *("ec2/routeTableAssociation", "ec2/securityGroup", "ec2/subnet", "ec2/vpc", "ec2/vpcEndpoint"),
        *("ecr/lifecyclePolicy", "ecr/repository", "kms/alias", "kms/key", "rds/cluster", "rds/clusterInstance"),
        *("rds/clusterParameterGroup", "rds/subnetGroup", "s3/bucket", "s3/bucketPublicAccessBlock"),
        *("secretsmanager/secret", "sqs/queue", "vpc/securityGroupIngressRule"),
    }
)
# Two fifths of the time of all 24.
LONGEST = {"aws:ec2/vpc:Vpc", "aws:kms/key:Key", "aws:rds/clusterInstance:ClusterInstance"}


@pytest.fixture(scope="module")
def target(harness_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of its own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def world(target: Emulator) -> World:
    """What the samples stand on, made on a way that does not break."""
    return World(bundled(target.url).configure({}))


@pytest.fixture(scope="module")
def broken(target: Emulator) -> Iterator[Wire]:
    """The way that breaks."""
    way = Wire(target.url)
    yield way
    way.close()


def bundled(url: str) -> AwsPackage:
    """The package over one account."""
    return AwsPackage(Ambient(endpoint=url, region=REGION, access_key="444455556666", secret_key="x", tags=MARK))


def everything(provider: AwsProvider, token: str) -> set[str]:
    """Ids of all of this type that are there."""
    return {one.id for one in provider.find([token], {})}


def is_there(provider: AwsProvider, token: str, id_: str | None) -> bool:
    """Whether the target has it."""
    return id_ is not None and provider.presence(token, id_, {})[0] is Presence.EXISTS


def plain(id_: str) -> str:
    """The URL of a queue holds the way by which it was asked for."""
    return id_.rpartition("/")[2] if id_.startswith("http") else id_


def attempt(url: str, folder: Path, token: str, name: str, inputs: dict[str, Any]) -> tuple[bool, Journal]:
    """One create; whether it succeeded, and the journal."""
    path = folder / f"{name}.jsonl"
    writer = JournalWriter(path)
    door = Door(bundled(url), writer)
    try:
        door.configure(_pb.ConfigureRequest(args=values.encode(FEW)))
        asked = values.encode(inputs)
        door.create(_pb.CreateRequest(urn=f"urn::{token}::{name}", type=token, name=name, properties=asked))
    except ProviderError:
        return False, read_journal(path)
    finally:
        writer.close()
    return True, read_journal(path)


@pytest.mark.parametrize("token", cut(TOKENS, lambda token: token not in LONGEST))
def test_what_a_broken_create_made_is_known(world: World, broken: Wire, tmp_path: Path, token: str) -> None:
    """Each call refused, and each call done with its answer lost: by id in the journal, by a name, or by its tags."""
    provider, declared = world.provider, registry.resources()[token]
    sample = SAMPLES[token.split(":")[1]].inputs(world)
    for status, delivers in ((403, False), (500, True)):
        for number in range(MOST):
            name = f"half{status}x{number}"
            inputs = world.checked(token, name, sample)
            foreseen = provider.identify(token, inputs)
            before = everything(provider, token) if declared.searchable else set()
            was_there = not declared.searchable and is_there(provider, token, foreseen)
            broken.operation, broken.delivers, broken.answers = b" ", delivers, status
            broken.after, broken.met, broken.broken, broken.times = number, 0, 0, 1
            succeeded, journal = attempt(broken.url, tmp_path, token, name, inputs)
            broken.operation = b""
            standing = {plain(one.id) for one in journal.standing()}
            lost = journal.open_intents()
            if declared.searchable:
                tagged = {one.id for one in provider.find([token], MARK)}
                for made in everything(provider, token) - before:
                    named = lost and plain(lost[0].id or "") == plain(made)
                    found = plain(made) in standing or named or (lost and made in tagged)
                    assert found, f"{token}: call {number} with {status}: {made} is known to nobody"
                    provider.delete(DeleteRequest("", token, made, {}, {}, forced=True))
            else:
                there = is_there(provider, token, foreseen) and not was_there
                assert not there or standing or lost, f"{token}: call {number} with {status}: known to nobody"
                for one in {*standing, *([foreseen] if there and foreseen else [])}:
                    provider.delete(DeleteRequest("", token, one, {}, {}, forced=True))
            if succeeded and not broken.broken:
                break
        else:
            pytest.fail(f"{token} makes more than {MOST} calls")

"""What the official provider made, by its own ids and outputs: asked about, and removed, as the leak check does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from aws_samples import REGION, SAMPLES, World

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry
from harness.providers.aws.commands import command
from harness.providers.contract import DeleteRequest, Presence
from harness.world.emulator import start_emulator
from harness.world.home import HOME_VARIABLE, open_home

Outputs = Mapping[str, Any]
# Types whose id there is none of ours: most hold a number of its own instead of what they name.
OFFICIAL: Final[dict[str, Callable[[Outputs], str]]] = {
    "aws:appautoscaling/policy:Policy": lambda it: it["name"],
    "aws:appautoscaling/target:Target": lambda it: it["resourceId"],
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": lambda it: it["name"],
    "aws:ec2/route:Route": lambda it: f"r-{it['routeTableId']}1080289494",
    "aws:ec2/securityGroupRule:SecurityGroupRule": lambda it: "sgrule-2401286034",
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": lambda it: (
        f"a-{it['vpcEndpointId']}1080289494"
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda it: f"{it['role']}-20261126024645123400000001",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": lambda it: (
        f"{it['targetGroupArn']}-20261126024645123400000001"
    ),
}
DECLARED = {one.token: one for one in registry.resources().values()}


@pytest.fixture(scope="module")
def world(harness_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A provider over an emulator of its own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as emulator:
        ambient = Ambient(endpoint=emulator.url, region=REGION, access_key="333344446666", secret_key="x")
        yield World(AwsPackage(ambient).configure({}))


def made(world: World, token: str) -> tuple[str, str, dict[str, Any]]:
    """One of that type: our id and the official one, and outputs as the official provider writes them."""
    _, ours, _, outputs = world.make(token, SAMPLES[token.split(":")[1]].inputs(world))
    blank = {name: "" for name in DECLARED[token].arguments if name not in outputs}  # it keeps what is not set as empty
    return ours, OFFICIAL[token](outputs), {**blank, **outputs}


@pytest.mark.parametrize("token", sorted(OFFICIAL))
def test_what_the_official_provider_made_is_found_and_removed(world: World, token: str) -> None:
    """Its outputs name it: it exists, the delete takes that very thing away, and only then it is gone."""
    ours, official, outputs = made(world, token)
    assert world.provider.presence(token, official, outputs)[0] is Presence.EXISTS
    world.provider.delete(DeleteRequest("", token, official, {}, outputs, forced=True))
    for id_, known in ((ours, {}), (official, outputs)):
        assert world.provider.presence(token, id_, known)[0] is Presence.GONE


@pytest.mark.parametrize("token", sorted(OFFICIAL))
def test_an_official_id_without_its_outputs_is_never_called_gone(world: World, token: str) -> None:
    """It does not tell what to ask for."""
    ours, official, outputs = made(world, token)
    answer, said = world.provider.presence(token, official, {})
    assert answer is Presence.UNVERIFIED, said
    world.provider.delete(DeleteRequest("", token, ours, {}, outputs))


@pytest.mark.parametrize("token", sorted(OFFICIAL))
def test_the_command_for_an_official_id_is_that_for_ours(world: World, token: str) -> None:
    """By the outputs; without them there is none, rather than a wrong one."""
    ours, official, outputs = made(world, token)
    assert command(token, official, REGION, outputs) == command(token, ours, REGION, outputs) != ""
    assert command(token, official, REGION, {}) == ""
    world.provider.delete(DeleteRequest("", token, ours, {}, outputs))

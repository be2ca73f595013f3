"""Every declared AWS type, once round at the provider's door against a real emulator. A type without a sample fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_samples import REGION, SAMPLES, World, plain

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry
from harness.providers.contract import (
    Change,
    DeleteRequest,
    DiffRequest,
    Presence,
    ReadRequest,
    UpdateRequest,
)
from harness.world.emulator import start_emulator
from harness.world.home import HOME_VARIABLE, open_home

MARK = {"mark": "round-trip"}
REPLACING = {Change.ADD_REPLACE, Change.DELETE_REPLACE, Change.UPDATE_REPLACE}
DECLARED = {one.token: one for one in registry.resources().values()}


@pytest.fixture(scope="module")
def world(harness_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A provider over an emulator of its own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as emulator:
        ambient = Ambient(endpoint=emulator.url, region=REGION, access_key="333344445555", secret_key="x", tags=MARK)
        yield World(AwsPackage(ambient).configure({}))


def short(token: str) -> str:
    """`aws:ec2/vpc:Vpc` is `ec2/vpc`."""
    return token.split(":")[1]


@pytest.mark.parametrize("token", sorted(DECLARED))
def test_round_trip(world: World, token: str) -> None:
    """Create, read, no difference, import, found by tag, changed, drift seen, replacement foreseen, deleted, gone."""
    sample, declared, provider = SAMPLES[short(token)], DECLARED[token], world.provider
    name, id_, inputs, outputs = world.make(token, sample.inputs(world))
    urn = f"urn:pulumi:s::p::{token}::{name}"
    foreseen = provider.identify(token, inputs)
    same = foreseen in {None, id_} or provider.presence(token, str(foreseen), {})[0] is not Presence.GONE
    assert same, "an id foreseen is the id, finds the thing as well, or names what it is part of"

    state = provider.read(ReadRequest(urn, token, id_, inputs, outputs))
    assert state is not None
    assert state.inputs == inputs, "drift right after the create"
    assert not provider.diff(DiffRequest(urn, token, id_, state.inputs, plain(state.outputs), inputs)).changes

    imported = provider.read(ReadRequest(urn, token, id_, {}, {}))
    assert imported is not None
    hidden = {*declared.write_only.split(), *declared.inert.split(), *declared.untold.split(), "region"}
    asked = {key for key, one in sample.inputs(world).items() if one is not None} - hidden
    assert asked - set(imported.inputs) <= {"versioning", "description"}, "an import must tell what was asked for"

    moved = provider.diff(DiffRequest(urn, token, id_, imported.inputs, plain(imported.outputs), inputs)).changes
    assert not set(moved.values()) & REPLACING, "an import must not replace what it takes over"
    assert set(moved) <= {*hidden, "versioning"}, "what the target tells is no difference"
    if moved:
        provider.update(UpdateRequest(urn, token, id_, imported.inputs, plain(imported.outputs), inputs))
        adopted = provider.read(ReadRequest(urn, token, id_, inputs, outputs))
        assert adopted is not None
        assert adopted.inputs == inputs, "drift after the import was brought to the program"

    presence, said = provider.presence(token, id_, {})
    assert presence is (Presence.EXISTS if declared.destructive else Presence.GONE), said
    if declared.find:
        assert id_ in [one.id for one in provider.find([token], MARK)]
        assert provider.find([token], {"mark": "other"}) == []

    if sample.change:
        changed = {key: one for key, one in {**inputs, **sample.change(world)}.items() if one is not None}
        new = world.checked(token, name, changed, inputs)
        diff = provider.diff(DiffRequest(urn, token, id_, inputs, outputs, new))
        assert set(diff.changes) == set(sample.change(world))
        assert not set(diff.changes.values()) & REPLACING
        provider.update(UpdateRequest(urn, token, id_, inputs, outputs, new))
        after = provider.read(ReadRequest(urn, token, id_, new, outputs))
        assert after is not None
        assert after.inputs == new, "drift right after the update"
        behind = provider.read(ReadRequest(urn, token, id_, inputs, outputs))  # as if someone else had made the change
        assert behind is not None
        drifted = DiffRequest(urn, token, id_, behind.inputs, plain(behind.outputs), inputs)
        assert provider.diff(drifted).changes, "drift not seen"
        inputs = new

    if sample.replace:
        diff = provider.diff(DiffRequest(urn, token, id_, inputs, outputs, {**inputs, **sample.replace}))
        assert {diff.changes[key] for key in sample.replace} <= REPLACING

    provider.delete(DeleteRequest(urn, token, id_, inputs, outputs))
    assert provider.presence(token, id_, {})[0] is Presence.GONE
    provider.delete(DeleteRequest(urn, token, id_, inputs, outputs))  # gone already is success


@pytest.mark.parametrize("token", sorted(token for token, one in DECLARED.items() if one.find))
def test_a_find_can_be_deleted_knowing_only_its_id(world: World, token: str) -> None:
    """The orphan search removes what no state tells of."""
    _, id_, _, _ = world.make(token, SAMPLES[short(token)].inputs(world))
    world.provider.delete(DeleteRequest("", token, id_, {}, {}))
    assert world.provider.presence(token, id_, {})[0] is Presence.GONE
    assert id_ not in [one.id for one in world.provider.find([token], MARK)]

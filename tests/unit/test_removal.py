"""What is removed without an engine goes in turns, newest first, and again as long as that frees something."""

from __future__ import annotations

from typing import Any

from harness.errors import WorldError
from harness.providers.contract import Presence
from harness.run.ledger import Known
from harness.run.removal import ROUNDS, remove

VPC, SUBNET, QUEUE, KEY = (
    "aws:ec2/vpc:Vpc",
    "aws:ec2/subnet:Subnet",
    "aws:x/unknown:Unknown",
    "aws:kms/key:Key",
)


def known(type_: str, id_: str) -> Known:
    """Something of ours."""
    return Known(type_, id_, "eu-west-1")


class Target:
    """Stands in for the provider process: holds things, each of which may stand in another's way."""

    def __init__(self, there: set[str], held: dict[str, str] | None = None) -> None:
        self.there = set(there)
        self.held = held or {}
        self.deleted: list[str] = []

    def presence(self, _region: str, items: Any, *, timeout: float) -> list[tuple[Presence, str]]:
        assert timeout
        return [(Presence.EXISTS if one.id in self.there else Presence.GONE, "") for one in items]

    def delete(self, _region: str, item: Any, *, timeout: float) -> tuple[str, ...]:
        assert timeout
        if self.held.get(item.id) in self.there:
            raise WorldError(f"{item.id} is held", hint="")
        self.there.discard(item.id)
        self.deleted.append(item.id)
        return ("lifted",)


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.held: list[str] = []

    def removed(self, one: Known, lifted: tuple[str, ...]) -> None:
        assert lifted == ("lifted",)
        self.gone.append(one.id)

    def refused(self, one: Known, reason: str) -> None:
        assert "held" in reason
        self.held.append(one.id)


def clear(target: Target, things: list[Known], ear: Ear, stop: str | None = None) -> tuple[Known, ...]:
    """Remove them."""
    provider: Any = target
    return remove(lambda: provider, things, ear, stop=lambda: stop, remaining=lambda: 9.0, patience=lambda: 9.0)


def test_the_network_goes_from_the_inside_and_keys_go_last() -> None:
    """In whatever order it was learnt, as by a search for tags."""
    things = [known(KEY, "key"), known(VPC, "vpc"), known(QUEUE, "queue"), known(SUBNET, "subnet")]
    target, ear = Target({one.id for one in things}), Ear()
    assert clear(target, things, ear) == ()
    assert target.deleted == ["queue", "subnet", "vpc", "key"]
    assert ear.gone == target.deleted


def test_what_is_held_is_tried_again_in_the_next_round() -> None:
    """The order is only a guess: what was in the way is gone then."""
    things = [known(QUEUE, "a"), known(QUEUE, "b")]
    target, ear = Target({"a", "b"}, held={"b": "a"}), Ear()
    target.deleted = []
    assert clear(target, things, ear) == ()
    assert set(ear.gone) == {"a", "b"}


def test_what_cannot_be_removed_is_returned() -> None:
    """After so many rounds, each of which told why."""
    things = [known(QUEUE, "a"), known(QUEUE, "gone")]
    target, ear = Target({"a", "other"}, held={"a": "other"}), Ear()
    assert [one.id for one in clear(target, things, ear)] == ["a"]
    assert ear.held == ["a"] * ROUNDS


def test_nothing_is_removed_when_we_must_stop() -> None:
    """What is there is returned all the same."""
    target, ear = Target({"a"}), Ear()
    assert [one.id for one in clear(target, [known(QUEUE, "a")], ear, stop="time is over")] == ["a"]
    assert target.deleted == []

"""What a destroy works by is never taken for more than it is, and evidence that nobody could check is never dropped."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import WorldError
from harness.model import Cell, Program
from harness.providers.contract import Presence, Search
from harness.run import destroy
from harness.run.destroy import Destroyer
from harness.world.checkpoint import empty_stack, state_file
from harness.world.command import EngineCommand
from harness.world.files import CellFiles
from harness.world.stack import Stack

BUCKET = "aws:s3/bucket:Bucket"


class Target:
    """Stands in for the provider process: nothing is there, and of every type that is asked for it says so."""

    def __init__(self) -> None:
        self.searched: set[str] = set()

    def search(self, _region: str, types: list[str], _tags: dict[str, str], **_limits: Any) -> Search:
        self.searched |= set(types)
        return Search([], list(types), {})

    def presence(self, _region: str, items: list[Any], *, timeout: float) -> list[tuple[Presence, str]]:
        return [(Presence.GONE, "") for _ in items]


class Cleared(Stack):
    """A stack of real files, without an engine: remembers that its pending operations were dropped."""

    cleared = False

    def clear_pending(self) -> None:
        self.cleared = True


@pytest.fixture
def dead(tmp_path: Path) -> SimpleNamespace:
    """A cell whose engine died: `destroy()` works by what it left; `notes`, `stack`, `target` tell what was done."""
    files = CellFiles(tmp_path / "cell")
    files.make()
    program = Program(name="shop", directory=tmp_path, main=tmp_path)
    cell = Cell(
        name="c", program=program, stack="s", suffix="x", region="us-east-1", config={}, stack_config=None, tags={}
    )
    empty_stack(files.state, "shop", "s")
    stack = Cleared(cell, files, EngineCommand(tmp_path / "none", "3.255.0", {}, files.engine_pid), {}, None)
    notes: list[str] = []
    target = Target()
    spec = SimpleNamespace(cell=cell, url=None, run="r-1", provider="official", whole_run=True, target="url")
    destroyer = Destroyer(
        SimpleNamespace(stack=stack, files=files, provider=lambda: target),
        SimpleNamespace(spec=spec, note=notes.append, phases=[]),
        SimpleNamespace(remaining=60.0, stop=lambda: None),
    )
    return SimpleNamespace(
        path=state_file(files.state, "shop", "s"),
        stack=stack,
        notes=notes,
        target=target,
        destroy=destroyer._destroy,
        estate=destroyer._estate,
    )


def write(path: Path, **latest: Any) -> None:
    """A state file."""
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))


@pytest.mark.parametrize("backup", [True, False])
def test_a_state_that_is_not_the_last_one_widens_the_search_to_every_type(dead: SimpleNamespace, backup: bool) -> None:
    """The backup knows nothing of what came after it; the next destroy is told the same."""
    good = dead.path.read_bytes()
    dead.path.write_bytes(good[:20])
    if backup:
        dead.path.with_name("s.json.bak").write_bytes(good)
    dead.destroy()
    assert {"aws:ec2/vpc:Vpc", BUCKET} <= dead.target.searched
    assert ("last good copy" in dead.notes[0], "cannot be read" in dead.notes[0]) == (backup, not backup)
    assert dead.path.read_bytes() == (good if backup else good[:20])
    dead.target.searched.clear()
    dead.destroy()
    assert BUCKET in dead.target.searched


def test_a_whole_state_is_worth_no_word(dead: SimpleNamespace) -> None:
    """And no search."""
    dead.destroy()
    assert (dead.notes, dead.target.searched) == ([], set())


@pytest.mark.parametrize("profile", [None, "dr"])
def test_pending_operations_stay_where_nobody_could_ask(dead: SimpleNamespace, profile: str | None) -> None:
    """The target denied, with our credentials, what was begun in another account: that is no reason to forget it."""
    reference = "urn:pulumi:s::shop::pulumi:providers:aws::dr"
    provider = {"urn": reference, "type": "pulumi:providers:aws", "id": "p", "custom": True}
    begun = {"urn": "u", "type": BUCKET, "id": "b", "custom": True, "provider": f"{reference}::p"}
    write(
        dead.path,
        resources=[{**provider, "inputs": {"profile": profile} if profile else {}}],
        pending_operations=[{"resource": begun, "type": "creating"}],
    )
    dead.destroy()
    assert dead.stack.cleared == (profile is None)


def test_what_a_stage_made_and_the_whole_removed_is_asked_about(dead: SimpleNamespace) -> None:
    """With the official provider no journal has it, and the last state not any more; it goes with the cell's files."""
    write(dead.path, resources=[{"urn": "u", "type": BUCKET, "id": "early", "custom": True}])
    dead.stack.keep_state("first")
    [kept] = dead.stack.files.states_after
    assert kept.stat().st_mode & 0o777 == 0o600
    write(dead.path, resources=[])
    dead.estate.learn()
    assert [one.id for one in dead.estate.ledger.known] == ["early"]
    dead.stack.files.forget()
    assert not kept.exists()


def test_what_stands_last_counts_not_what_a_stage_had_made_of_it(dead: SimpleNamespace) -> None:
    """A definition that the whole has replaced under the same id: the last is asked about, however often we learn."""
    found = {"urn": "u", "type": "aws:ecs/taskDefinition:TaskDefinition", "id": "web", "custom": True}
    for name, revision in (("first", "web:1"), ("another", "web:2"), ("whole", "web:3")):
        write(dead.path, resources=[{**found, "outputs": {"arn": revision}}])
        dead.stack.keep_state(name)
    dead.estate.learn()
    write(dead.path, resources=[])
    dead.estate.learn()
    assert [one.outputs for one in dead.estate.ledger.known] == [{"arn": "web:3"}]


@pytest.mark.parametrize(("alive", "answers"), [(False, [None]), (False, [WorldError("again", hint="")]), (True, [])])
def test_a_provider_that_dies_over_the_leak_check_is_replaced_once(
    monkeypatch, dead, alive: bool, answers: list
) -> None:
    """What it was asked nobody knows then; one that lives and cannot answer, or a second one, is told."""
    said = iter([WorldError("ended", hint=""), *answers])

    def check(*_: object) -> None:
        if (answer := next(said)) is not None:
            raise answer

    monkeypatch.setattr(destroy, "check_leaks", check)
    destroyer = Destroyer.__new__(Destroyer)
    destroyer._world = SimpleNamespace(provider=lambda: SimpleNamespace(ends_within=lambda _seconds: not alive))
    destroyer._record = SimpleNamespace(note=lambda _text: None)
    destroyer._estate = dead.estate
    if answers == [None]:
        destroyer._check_leaks()
    else:
        with pytest.raises(WorldError):
            destroyer._check_leaks()
    assert list(said) == []

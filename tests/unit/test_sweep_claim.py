"""What a sweep deletes by a tag it claims first, and looks once more whether somebody's lease stands for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from lease_samples import lease

from harness.errors import TargetError
from harness.model import EXPIRES_TAG, RUN_TAG, STACK_TAG, LeaseState
from harness.providers.contract import Found
from harness.sweep.apply import Apply
from harness.sweep.judge import LONGEST, ORPHANS, Seen, judge_lease, judge_orphans
from harness.sweep.model import Action, Item, Outcome, Place, Scope
from harness.sweep.survey import Survey, Surveyed
from harness.world.identity import Alive
from harness.world.leases import Leases, open_leases

URL = "http://127.0.0.1:1"
ACCOUNT = "100000000001"
CELL = f"{ORPHANS}-{ACCOUNT}-us-east-1"


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Leases]:
    """A database's leases."""
    leases = open_leases(tmp_path / "db.sqlite")
    yield leases
    leases.close()


def found(**changed) -> Item:
    """What a survey found by the tag of a run without an open lease."""
    facts = {"kind": "orphans", "run": "r-1", "cell": CELL, "stack": "a, b", "target": URL, "region": "us-east-1"}
    facts |= {"account": ACCOUNT, "action": Action.DELETE, "reason": "because"}
    return Item(**{**facts, **changed})


@pytest.fixture
def world(table: Leases, tmp_path: Path) -> SimpleNamespace:
    """All that a sweep stands on."""
    home = SimpleNamespace(run=lambda run: tmp_path / run)
    engine = SimpleNamespace(path=tmp_path, version="3", origin="path")
    return SimpleNamespace(home=home, engine=engine, hosts=tmp_path, leases=table, account=None)


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> list:
    """Leases that a destroy was begun for."""
    begun: list = []
    monkeypatch.setattr("harness.sweep.apply.release_specs", lambda wanted, *_, **__: begun.extend(wanted))
    monkeypatch.setattr("harness.sweep.apply.hosted_executable", lambda *_: Path("/x"))
    return begun


def applied(item: Item, world: SimpleNamespace, *seen) -> Item:
    """What became of it, when the survey saw these leases."""
    surveyed = Surveyed(leases={(one.run, one.cell): one for one in seen})
    quiet = SimpleNamespace(hear=lambda *_: None)
    [done] = Apply(surveyed, world.leases, {}, quiet, lambda _: None)._release([item], {item.cell: None}, world)
    return done


@pytest.mark.parametrize("facts", [{}, {"state": LeaseState.KEPT}, {"run": "r-2", "stack": "b"}, {"project": ORPHANS}])
def test_a_cell_that_began_since_the_survey_is_left(table: Leases, world, released: list, facts: dict) -> None:
    """The claim is given back, and nothing of the run is deleted; also when an earlier sweep's claim was seen."""
    table.open(lease(cell="new", **{"run": "r-1", **facts}))
    done = applied(found(), world)
    assert (done.outcome, released) == (Outcome.LEFT, [])
    assert "a lease stands for it: new" in done.detail
    states = {one.cell: one.state for one in table.listed()}
    assert states == {"new": facts.get("state", LeaseState.OPEN), CELL: LeaseState.CLOSED}
    for kind in ("orphans", "lease"):
        [claim] = [one for one in table.listed() if one.cell == CELL]
        assert "a lease stands for it" in applied(found(kind=kind), world, claim).detail
    assert released == []


def test_what_is_deleted_by_a_tag_says_since_when_it_can_be_ours(table: Leases, world, released: list) -> None:
    """Not since the sweep began: what AWS kept of it is older. A lease knows its stack, what has none does not."""
    expires = datetime.now(UTC) - timedelta(hours=2)
    members = [
        Found("aws:sqs/queue:Queue", name, "us-east-1", {EXPIRES_TAG: (expires + more).isoformat(), STACK_TAG: name})
        for name, more in (("a", timedelta(0)), ("b", timedelta(hours=1)))
    ]
    place = Place(target=URL, account=ACCOUNT, region="us-east-1")
    facts = {"scope": Scope(), "finished": False, "protects": lambda _: None}
    applied(judge_orphans(place, "r-1", members, datetime.now(UTC), **facts), world)
    seen = Seen(owner=Alive.NO, held=False, result=None, emulator_gone=False, has_state=False)
    for number, target in enumerate((URL, "aws")):
        old = lease(created=expires, target=target, run=f"r-{number}")
        table.open(old)
        applied(judge_lease(old, seen, datetime.now(UTC), Scope(), lambda _: None), world, old)
    [orphans, emulated, ours] = [spec for _, spec in released]
    assert (orphans.whole_run, orphans.since) == (True, (expires - LONGEST).timestamp())
    assert (emulated.whole_run, emulated.cell.stack) == (True, "c"), "all that the account has of the run is the cell's"
    assert (ours.whole_run, ours.since, ours.cell.stack) == (False, expires.timestamp(), "c")


@pytest.mark.parametrize("stack", ["../../x", "a, b", "/x", "..", ""])
def test_a_strangers_tag_is_no_path(world, released: list, stack: str) -> None:
    """A stack is called what Pulumi would call it, or as if it had no name."""
    applied(found(stack=stack), world)
    assert released[0][1].cell.stack == ORPHANS


def test_a_run_that_is_no_run_of_ours_is_ignored(tmp_path: Path) -> None:
    """And told: its name would be that of a folder."""
    place = Place(target=URL, account=ACCOUNT, region="us-east-1", named=True)
    survey = Survey(Scope(), {}, lambda _: None, datetime.now(UTC))
    tags = {EXPIRES_TAG: "2026-01-01T00:00:00+00:00"}
    names = ("../../x", "r-0123456789")
    members = [Found("aws:sqs/queue:Queue", "q", "us-east-1", {**tags, RUN_TAG: run}) for run in names]
    survey._judge(place, members, [])
    assert [item.run for item in survey._found.items] == ["r-0123456789"]
    [told] = survey._found.unasked
    assert ("../../x" in told.reason, told.matters) == (True, False)


def test_an_emulator_that_refuses_is_told_with_the_way_out(table: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is closed, and a person can say that it will not come back."""

    def refuse(*_: object, **__: object) -> None:
        raise TargetError("cannot be reached", hint="start it") from ConnectionRefusedError()

    monkeypatch.setattr("harness.sweep.apply.open_world", refuse)
    [done] = Apply(Surveyed(), table, {}, SimpleNamespace(), lambda _: None).run([found()])
    assert done.outcome is Outcome.LEFT
    assert "--run r-1 --emulator-gone" in done.detail


def test_what_nothing_stands_for_is_deleted(table: Leases, world, released: list) -> None:
    """Closed leases do not, nor those of other targets, nor a claim of another region."""
    table.open(lease(cell="old", state=LeaseState.CLOSED))
    table.open(lease(cell="other", target="aws"))
    table.open(lease(cell=f"{ORPHANS}-{ACCOUNT}-eu-west-1", region="eu-west-1", project=ORPHANS))
    applied(found(), world)
    assert [one.cell for one, _ in released] == [CELL]
    assert table.take_over(released[0][0])  # as it is by now
    released.clear()
    assert applied(found(), world).detail == "somebody else has begun to delete it"
    assert released == []

"""What a sweep deletes by a tag it claims first, and looks once more whether somebody's lease stands for it."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from lease_samples import lease

from harness.model import LeaseState
from harness.sweep.apply import Apply
from harness.sweep.judge import ORPHANS
from harness.sweep.model import Action, Item, Outcome
from harness.sweep.survey import Surveyed
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

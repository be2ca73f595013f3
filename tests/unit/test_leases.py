"""A lease outlives whoever wrote it."""

import os
import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import HomeError
from harness.model import Lease, LeaseState
from harness.world import leases as room
from harness.world.leases import open_leases, owner


def lease(run: str = "r-1", cell: str = "c") -> Lease:
    """One that is open."""
    now = datetime.now(UTC)
    return Lease(
        run=run,
        cell=cell,
        stack=cell,
        program="p",
        target="http://127.0.0.1:1",
        region="us-east-1",
        account="100000000001",
        directory="/x",
        created=now,
        expires=now + timedelta(hours=1),
        **owner(),
    )


def test_a_lease_is_on_disk_when_open_returns(tmp_path: Path) -> None:
    """Its writer may be killed right after."""
    path = tmp_path / "db.sqlite"
    child = os.fork()
    if child == 0:
        open_leases(path).open(lease())
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    [found] = open_leases(path).listed()
    assert (found.run, found.state, found.process) == ("r-1", LeaseState.OPEN, child)


def test_only_what_is_closed_is_not_listed_as_open(tmp_path: Path) -> None:
    """Kept and leaked environments stay visible."""
    table = open_leases(tmp_path / "db.sqlite")
    for number, state in enumerate(LeaseState):
        table.open(lease(cell=f"c{number}"))
        table.settle("r-1", f"c{number}", state, state.value)
    assert {found.state for found in table.listed(only_open=True)} == set(LeaseState) - {LeaseState.CLOSED}
    assert len(table.listed(run="r-1")) == len(LeaseState)
    assert table.listed(run="r-2") == []
    table.close()


def test_a_locked_database_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lease nothing may be made."""
    monkeypatch.setattr(room, "BUSY", 0.01)
    path = tmp_path / "db.sqlite"
    table = open_leases(path)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeError, match="locked") as refused:
        table.open(lease())
    assert "HARNESS_HOME" in refused.value.hint
    blocker.close()
    table.close()


def test_a_file_that_is_no_database_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """Never a traceback."""
    path = tmp_path / "db.sqlite"
    path.write_text("not a database, but long enough to be looked at as one" * 10)
    with pytest.raises(HomeError):
        open_leases(path)


def test_many_first_users_at_once_all_get_a_database(tmp_path: Path) -> None:
    """The first run in a new home is not alone."""
    path = tmp_path / "db.sqlite"
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                open_leases(path).open(lease(cell=f"c{number}"))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert len(open_leases(path).listed()) == 8

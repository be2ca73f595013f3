"""A lease outlives whoever wrote it, in SQLite and in PostgreSQL; of two who take it over, one has it."""

import fcntl
import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lease_samples import lease

from harness.errors import HomeError
from harness.model import Lease, LeaseState
from harness.world import leases as room
from harness.world.database import open_database
from harness.world.database_file import SCHEMA, look
from harness.world.history import History
from harness.world.identity import owner
from harness.world.leases import Leases, open_leases

OLD = Path(__file__).with_name("database-version-1.sql")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a database is: a file, or a server of the test's own."""
    return tmp_path / "db.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql")


@pytest.fixture
def table(place: Path | str):
    """The leases there."""
    opened = open_leases(place)
    yield opened
    opened.close()


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


def test_all_facts_come_back_as_they_were(table: Leases) -> None:
    """Moments with their zone, numbers whole: a start that is rounded would make its owner look dead."""
    written = lease(process_started=1763999999.123456, account=None, backend="file:///a%20b", reason="why")
    table.open(written)
    assert table.listed() == [written]


def test_only_what_is_closed_is_not_listed_as_open(table: Leases) -> None:
    """Kept and leaked environments stay visible."""
    for number, state in enumerate(LeaseState):
        table.open(lease(cell=f"c{number}"))
        table.settle("r-1", f"c{number}", state, state.value)
    assert {found.state for found in table.listed(only_open=True)} == set(LeaseState) - {LeaseState.CLOSED}
    assert len(table.listed(run="r-1")) == len(LeaseState)
    assert table.listed(run="r-2") == []


def test_of_many_who_take_over_one_has_it(table: Leases) -> None:
    """Each saw the same; the first changes it."""
    seen = lease(host="elsewhere", process=4711, state=LeaseState.LEAKED)
    table.open(seen)
    now = datetime.now(UTC) + timedelta(seconds=1)
    gate = threading.Barrier(6)

    def take(_number: int) -> bool:
        gate.wait()
        return table.take_over(seen, now)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, range(6))) == [False] * 5 + [True]
    [found] = table.listed()
    assert (found.state, found.process, found.created) == (LeaseState.OPEN, os.getpid(), seen.created)


def test_of_many_who_begin_one_lease_one_does(table: Leases) -> None:
    """What has no lease is claimed by writing one."""
    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(lambda _: table.begin(lease(cell="orphans")), range(6))) == [False] * 5 + [True]


def test_a_sign_of_life_is_for_what_is_ours(table: Leases) -> None:
    """Another's lease is not touched, and told; what is not there is nobody's."""
    table.open(lease(cell="ours"))
    table.open(lease(cell="theirs", process=4711))
    now = datetime.now(UTC) + timedelta(hours=3)
    assert table.beat([("r-1", "ours"), ("r-1", "theirs"), ("r-1", "none")], now) == [("r-1", "theirs")]
    assert {found.cell: found.heartbeat == now for found in table.listed()} == {"ours": True, "theirs": False}


@pytest.mark.parametrize("taken", [{"host": "elsewhere"}, {"machine": "another boot"}, {"process": 4711}])
def test_only_its_owner_settles_a_lease(table: Leases, taken: dict) -> None:
    """Whoever lost it says nothing about what somebody else works on; and gives no sign of life for it."""
    table.open(lease(**taken))
    assert not table.settle("r-1", "c", LeaseState.CLOSED, "gone")
    assert table.beat([("r-1", "c")]) == [("r-1", "c")]
    [found] = table.listed()
    assert (found.state, found.reason) == (LeaseState.OPEN, "")
    assert table.take_over(found)
    assert table.settle("r-1", "c", LeaseState.CLOSED, "gone")
    assert table.listed(only_open=True) == []
    assert table.settle("r-1", "gone with its database", LeaseState.CLOSED, "gone")


def test_a_lease_can_be_extended(table: Leases) -> None:
    """All of a run that are not closed."""
    for cell in ("a", "b", "closed"):
        table.open(lease(cell=cell))
    table.settle("r-1", "closed", LeaseState.CLOSED, "")
    until = datetime.now(UTC) + timedelta(days=3)
    assert (table.extend("r-1", until), table.extend("r-2", until)) == (2, 0)
    assert sorted(found.cell for found in table.listed() if found.expires == until) == ["a", "b"]


def test_who_saw_it_before_it_was_extended_does_not_take_it_over(table: Leases) -> None:
    """A sweep that found it expired, and did something else first: it lives by now."""
    table.open(lease(state=LeaseState.KEPT, expires=datetime.now(UTC) - timedelta(hours=1)))
    [seen] = table.listed()
    table.extend("r-1", datetime.now(UTC) + timedelta(hours=1))
    assert not table.take_over(seen)
    [now] = table.listed()
    assert now.state is LeaseState.KEPT
    assert table.take_over(now)


def _as_version_1(place: Path | str) -> None:
    """Put a database there that the harness before this version made: four leases, in a file with its history too."""
    if isinstance(place, Path):
        old = sqlite3.connect(place)
        old.executescript(OLD.read_text(encoding="utf-8"))
        old.close()
        return
    from sqlalchemy import create_engine

    statements = OLD.read_text(encoding="utf-8").replace("DATETIME", "TIMESTAMP").replace('"', "").split(";\n")
    engine = create_engine(place)
    with engine.begin() as connection:
        for statement in statements:
            if statement.startswith(tuple(f"{verb} lease" for verb in ("CREATE TABLE", "INSERT INTO"))) or (
                "schema_version" in statement
            ):
                connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_database_of_version_1_is_brought_up_to_date(place: Path | str) -> None:
    """Every lease keeps what it said; what it could not say is what stands for not known. The history stays."""
    _as_version_1(place)
    for _ in range(2):  # the second time there is nothing to do
        database = open_database(place)
        found = {lease.state: lease for lease in Leases(database).listed()}
        assert len(History(database).recent(limit=9)) == isinstance(place, Path)
        database.close()
    assert found.keys() == set(LeaseState)
    old = found[LeaseState.LEAKED]
    assert (old.run, old.cell, old.project, old.process, old.reason) == ("r-leaked", "shop-1", "shop", 4712, "leaked")
    assert (old.backend, old.machine, old.process_started) == ("", "", 0)
    assert old.heartbeat == old.created == datetime(2026, 11, 1, 12, 1, tzinfo=UTC)
    if isinstance(place, Path):
        assert look(place).schema == SCHEMA == 2
    again = open_leases(place)
    again.open(lease())
    assert again.take_over(old)
    again.close()


def test_a_step_that_is_cut_off_is_made_anew(tmp_path: Path) -> None:
    """Killed in the middle of it, as by a power cut: the database is of version 1 as before, not of neither."""
    path = tmp_path / "db.sqlite"
    _as_version_1(path)
    child = os.fork()
    if child == 0:
        from harness.world import database_steps

        whole = database_steps._STEPS[1]

        def half(connection) -> None:
            whole(connection)
            os.kill(os.getpid(), signal.SIGKILL)

        database_steps._STEPS = {1: half}
        open_leases(path)
    os.waitpid(child, 0)
    assert look(path).schema == 1
    assert len(open_leases(path).listed()) == 4


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


def test_who_makes_the_tables_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """It may have been stopped over it."""
    path = tmp_path / "db.sqlite"
    with path.with_name("db.sqlite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HomeError, match="another process is making its tables"):
            open_leases(path, busy=0.05)
    open_leases(path, busy=0.05).close()


def test_a_locked_table_of_a_server_is_an_error_with_a_hint(postgresql: str) -> None:
    """The same for PostgreSQL: it is not waited for without end."""
    from sqlalchemy import create_engine

    table = open_leases(postgresql, busy=0.05)
    blocker = create_engine(postgresql)
    with blocker.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE lease IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(HomeError, match="timeout") as refused:
            table.open(lease())
    assert "HARNESS_DATABASE" in refused.value.hint
    blocker.dispose()
    table.close()


def test_a_server_that_is_not_there_is_an_error_with_a_hint() -> None:
    """Nobody listens; the password is not told."""
    with pytest.raises(HomeError) as refused:
        open_leases("postgresql+psycopg://me:hunter2canary@127.0.0.1:1/harness")
    assert "127.0.0.1" in refused.value.message
    assert "hunter2canary" not in refused.value.message + refused.value.hint


def test_a_url_that_cannot_be_read_is_not_repeated() -> None:
    """It may hold a password."""
    with pytest.raises(HomeError) as refused:
        open_leases("postgresql+psycopg://me:hunter2canary@h:port/x")
    assert "hunter2canary" not in refused.value.message + refused.value.hint


def test_a_file_that_is_no_database_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """Never a traceback."""
    path = tmp_path / "db.sqlite"
    path.write_text("not a database, but long enough to be looked at as one" * 10)
    with pytest.raises(HomeError):
        open_leases(path)


def test_many_first_users_at_once_all_get_a_database(place: Path | str) -> None:
    """The first run in a new home is not alone."""
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                open_leases(place).open(lease(cell=f"c{number}"))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    table = open_leases(place)
    assert len(table.listed()) == 8
    table.close()


def test_who_holds_a_lease_is_said_by_the_process_that_opened_it() -> None:
    """User, host, machine, id and start."""
    assert set(owner()) <= Lease.model_fields.keys()

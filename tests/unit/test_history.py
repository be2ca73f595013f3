"""What ran is remembered: written once, read back as it was, without what is nobody else's business."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness.errors import HomeError, UsageError
from harness.model import (
    CellResult,
    CellStatus,
    Change,
    Failure,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    ProbeOutcome,
    PropertyChange,
    RecheckOutcome,
    ResourceRef,
    Resources,
    RuleLevel,
    RuleOutcome,
    RuleStatus,
    RunResult,
    Timing,
    worst_exit_code,
)
from harness.world.database import open_database
from harness.world.database_file import SCHEMA, look
from harness.world.history import History
from harness.world.leases import open_leases

CANARY = "hunter2-canary"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
URN = "urn:pulumi:s::p::aws:s3/bucket:Bucket::b"


def cell(status: CellStatus = CellStatus.PASSED, **changes: object) -> CellResult:
    """A cell with one of everything."""
    full = CellResult(
        cell="shop-abc",
        program="shop",
        stack="shop-abc",
        suffix="abc",
        region="eu-central-1",
        account="100000000001",
        status=status,
        started=START,
        seconds=7.5,
        phases=(
            PhaseResult(phase=PhaseName.UP, status=PhaseStatus.PASSED, seconds=3.25, started=1.5),
            PhaseResult(phase=PhaseName.LEAK_CHECK, status=PhaseStatus.FAILED, seconds=0.5, started=5, detail="1 left"),
        ),
        resources=Resources(
            planned=3,
            created=2,
            updated=1,
            deleted=1,
            leaked=(ResourceRef(type="aws:s3/bucket:Bucket", id="b", urn=URN, reason="still there", command="aws s3"),),
            unverified=(ResourceRef(type="x:y:Z", id="z", reason="cannot be asked about"),),
        ),
        timings=(Timing(urn=URN, type="aws:s3/bucket:Bucket", op="create", seconds=0.75, started=2, failed=True),),
        rules=(RuleOutcome(pack="harness", rule="suffix", level=RuleLevel.MANDATORY, status=RuleStatus.PASSED),),
        probes=(
            ProbeOutcome(name="ok", status="passed", attempts=1, seconds=0.1, detail=CANARY),
            ProbeOutcome(name="bad", status="failed", attempts=4, seconds=9, detail="HTTP 503", kind="http"),
        ),
        rechecks=(
            RecheckOutcome(
                name="drift",
                status="failed",
                seconds=1.5,
                detail="1 changed",
                changes=(
                    Change(urn=URN, type="t", op="update", properties=(PropertyChange(property="p", before=CANARY),)),
                ),
            ),
        ),
        outputs={"password": CANARY},
        error=Failure(phase=PhaseName.PROBE, message="bad failed", hint="see the log", detail="more"),
        log="/runs/cell.log",
    )
    return full.model_copy(update=changes)


def result(run: str = "r-1", *cells: CellResult, started: datetime = START) -> RunResult:
    """A run."""
    return RunResult(
        run=run,
        started=started,
        seconds=8.25,
        exit_code=worst_exit_code([one.status for one in cells]),
        engine={"version": "3.255.0", "origin": "cache", "path": "/pulumi"},
        provider="bundled",
        target="emulator",
        cells=cells,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database lies."""
    return tmp_path / "harness.sqlite"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    """An empty one."""
    database = open_database(path)
    yield History(database)
    database.close()


@pytest.mark.parametrize("status", list(CellStatus))
def test_what_ran_is_read_back_as_it_was(history: History, status: CellStatus) -> None:
    """Whatever the status; but for outputs, evidence of what passed, and values of changed properties."""
    said = result("r-1", cell(status), cell(status, cell="shop-def", error=None, started=None, account=None))
    history.add(said)
    [past] = history.of_run("r-1")
    document = said.model_dump(mode="json")
    for one in document["cells"]:
        one["outputs"] = {}
        one["probes"][0]["detail"] = ""
        one["rechecks"][0]["changes"][0]["properties"] = []
    assert past.result.model_dump(mode="json") == document
    assert past.kind == "run"


def test_no_output_and_no_evidence_of_what_passed_is_in_the_file(history: History, path: Path) -> None:
    """A secret that a program exports is not kept, not even in the write-ahead log."""
    history.add(result("r-1", cell()))
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"bad failed" in kept
    assert CANARY.encode() not in kept


def test_a_run_and_its_later_destroy_are_one_history(history: History) -> None:
    """Both are shown, in their order."""
    history.add(result("r-1", cell(CellStatus.KEPT)))
    history.add(result("r-1", cell(CellStatus.PASSED), started=START + timedelta(hours=1)), "destroy")
    assert [(past.kind, past.result.cells[0].status.value) for past in history.of_run("r-1")] == [
        ("run", "KEPT"),
        ("destroy", "PASSED"),
    ]
    assert [past.kind for past in history.recent(limit=9, kind="run")] == ["run"]


def test_the_newest_come_first_and_so_many_as_asked_for(history: History) -> None:
    """By the time they began, not by the time they were written; details only on request."""
    for number, hours in (("r-1", 1), ("r-3", 3), ("r-2", 2)):
        history.add(result(number, cell(), started=START + timedelta(hours=hours)))
    assert [past.result.run for past in history.recent(limit=2)] == ["r-3", "r-2"]
    assert history.recent(limit=1)[0].result.cells[0].phases == ()
    assert len(history.recent(limit=1, details=True)[0].result.cells[0].phases) == 2


def test_one_program_of_several(history: History) -> None:
    """Only runs that had it; one that never ran is an error that names those that did."""
    history.add(result("r-1", cell(), cell(program="other")))
    history.add(result("r-2", cell()))
    assert [past.result.run for past in history.recent(program="other", limit=9)] == ["r-1"]
    with pytest.raises(UsageError, match="nope") as refused:
        history.recent(program="nope", limit=9)
    assert "other, shop" in refused.value.hint


def test_an_empty_history(history: History) -> None:
    """A list of nothing; a program or a run in particular is not there, and the hint says what helps."""
    assert history.recent(limit=9) == []
    with pytest.raises(UsageError) as program:
        history.recent(program="shop", limit=9)
    with pytest.raises(UsageError) as run:
        history.of_run("r-1")
    assert "harness run" in program.value.hint
    assert "harness history list" in run.value.hint


def test_a_run_by_the_beginning_of_its_id(history: History) -> None:
    """When only one begins so, or one is it exactly; no character is a pattern."""
    for run in ("r-a1", "r-a12", "r-b"):
        history.add(result(run, cell()))
    assert history.of_run("r-b")[0].result.run == "r-b"
    assert [past.result.run for past in history.of_run("r-a1")] == ["r-a1"]
    with pytest.raises(UsageError, match="several") as refused:
        history.of_run("r-a")
    assert "r-a1, r-a12" in refused.value.hint
    for pattern in ("%", "_-b"):
        with pytest.raises(UsageError, match="no run"):
            history.of_run(pattern)


def test_what_is_old_is_forgotten_whole(history: History, path: Path) -> None:
    """No row of it stays in any table, and the rest is untouched."""
    for days in range(4):
        history.add(result(f"r-{days}", cell(), started=START + timedelta(days=days)))
    assert history.prune(START + timedelta(days=2)) == 2
    assert [past.result.run for past in history.recent(limit=9)] == ["r-3", "r-2"]
    raw = sqlite3.connect(path)
    tables = [
        name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE name LIKE 'history_%' AND type='table'")
    ]
    assert len(tables) == 9
    for table in set(tables) - {"history_run"}:
        counted = raw.execute(f"SELECT COUNT(DISTINCT record) FROM {table}")  # noqa: S608 - a name of ours
        assert counted.fetchone() == (2,), table
    raw.close()


def test_characters_that_no_database_takes(history: History) -> None:
    """A program may print what is no text; the run is remembered all the same."""
    history.add(result("r-1", cell(error=Failure(phase=None, message="a\udcffb\x00c"))))
    error = history.of_run("r-1")[0].result.cells[0].error
    assert error is not None
    assert error.message == "a\\udcffb\\x00c"


def test_a_result_is_there_whole_or_not_at_all(history: History, path: Path) -> None:
    """One transaction: when a part cannot be written, nothing of the run is there."""
    raw = sqlite3.connect(path)
    raw.execute("CREATE TRIGGER no BEFORE INSERT ON history_left BEGIN SELECT RAISE(ABORT, 'the disk said no'); END")
    with pytest.raises(HomeError, match="the disk said no"):
        history.add(result("r-1", cell()))
    assert history.recent(limit=9) == []
    raw.close()


def test_a_database_with_leases_only_goes_on(path: Path) -> None:
    """A file of before there was a history keeps its leases, and gets the tables that it lacks."""
    raw = sqlite3.connect(path)
    raw.execute(
        "CREATE TABLE lease (run VARCHAR NOT NULL, cell VARCHAR NOT NULL, stack VARCHAR NOT NULL,"
        " program VARCHAR NOT NULL, target VARCHAR NOT NULL, region VARCHAR NOT NULL, account VARCHAR,"
        " directory VARCHAR NOT NULL,"
        " owner VARCHAR NOT NULL, host VARCHAR NOT NULL, process INTEGER NOT NULL, created DATETIME NOT NULL,"
        " expires DATETIME NOT NULL, state VARCHAR NOT NULL, reason VARCHAR NOT NULL, PRIMARY KEY (run, cell))"
    )
    values = ("r-0", "c", "s", "p", "t", "r", None, "/d", "me", "here", 1)
    times = ("2026-11-01 12:00:00.000000", "2026-11-01 13:00:00.500000")
    raw.execute("INSERT INTO lease VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", (*values, *times, "kept", ""))
    raw.commit()
    raw.close()
    assert look(path).schema == 0
    leases = open_leases(path)
    [old] = leases.listed()
    assert (old.run, old.created, old.expires) == ("r-0", START, START + timedelta(hours=1, milliseconds=500))
    leases.close()
    database = open_database(path)
    History(database).add(result("r-1", cell()))
    assert len(History(database).recent(limit=9)) == 1
    database.close()
    assert (look(path).schema, look(path).open_leases) == (SCHEMA, 1)


def test_whoever_opens_the_database_first_makes_all_tables(path: Path) -> None:
    """Not only those of the modules that happened to be imported by then: a fresh process that imports nothing else."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.world.database import open_database\n"
        "open_database(Path(sys.argv[1])).close()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    raw = sqlite3.connect(path)
    tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert {"lease", "history_run", "history_left", "schema_version"} <= tables


def test_a_database_of_a_newer_harness_is_refused(path: Path) -> None:
    """Nothing is written to tables that nobody here knows."""
    open_database(path).close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE schema_version SET version = ?", (SCHEMA + 1,))
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(HomeError, match="newer harness") as refused:
        open_database(path)
    assert "HARNESS_HOME" in refused.value.hint
    assert path.read_bytes() == before


def test_a_locked_database_is_an_error_and_no_traceback(path: Path) -> None:
    """The run decides what that means; here it means that nothing was written."""
    open_database(path).close()
    database = open_database(path, busy=0.01)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeError, match="locked"):
        History(database).add(result("r-1", cell()))
    blocker.close()
    assert History(database).recent(limit=9) == []
    database.close()


def test_the_tables_are_made_for_postgresql_as_well() -> None:
    """Every table compiles for it: no type and no clause of SQLite's own."""
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    from harness.world.database import Base

    texts = [str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in Base.metadata.sorted_tables]
    assert len(texts) == 11
    assert "id SERIAL" in "".join(texts)


def test_the_password_of_a_database_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL may hold one; the error shows where, not with what."""
    from sqlalchemy import create_engine

    from harness.world import database

    monkeypatch.setattr(database, "create_engine", lambda _url: create_engine("sqlite:////nonexistent/x"))
    with pytest.raises(HomeError) as refused:
        open_database(f"postgresql+psycopg://me:{CANARY}@localhost/harness")
    assert CANARY not in refused.value.message
    assert "localhost/harness" in refused.value.message


def test_a_moment_is_the_same_moment_in_any_zone(history: History) -> None:
    """What is kept is UTC, whatever zone it was told in."""
    elsewhere = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    history.add(result("r-1", cell(started=elsewhere), started=elsewhere))
    [past] = history.of_run("r-1")
    assert (past.result.started, past.result.cells[0].started) == (START, START)
    assert past.result.started.utcoffset() == timedelta(0)

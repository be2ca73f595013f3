"""Whoever destroys what was left never loses it on the way, and never asks the wrong account whether it is gone."""

import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from lease_samples import cell_spec, lease

from harness.errors import ExitCode, HomeError, TargetError, UsageError
from harness.model import (
    CellResult,
    CellStatus,
    LeaseState,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    ResourceRef,
    Resources,
    RunResult,
    worst_exit_code,
)
from harness.run import crew as crew_module
from harness.run import release as release_module
from harness.run.cell_process import CellProcess
from harness.run.crew import _Crew, lease_state
from harness.run.interrupts import INTERRUPTS, Interrupts
from harness.run.messages import CellSpec
from harness.run.release import check_account, check_unheld, close_gone, find_open, release_specs
from harness.sweep.apply import _outcome
from harness.sweep.model import Action, Item, Outcome
from harness.world.file_lock import locked
from harness.world.files import CellFiles
from harness.world.leases import Leases, open_leases


@pytest.fixture
def spec(tmp_path: Path) -> CellSpec:
    """Of a cell whose state lies in its folder."""
    one = cell_spec(tmp_path)
    (CellFiles(one.directory).state / "state.json").write_text("{}")
    return one


def opened(leases: Leases | None = None, **more) -> SimpleNamespace:
    """A world in which nothing was started early."""
    early = SimpleNamespace(take=lambda _directory: None)
    facts = {"keep_open": (), "early": early, "leases": leases, "emulator": None, "account": None}
    return SimpleNamespace(**{**facts, **more})


def crew(leases: Leases | None = None) -> _Crew:
    """Nobody listens."""
    return _Crew(opened(leases), SimpleNamespace(hear=lambda *_: None))


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Leases]:
    """A database's leases."""
    leases = open_leases(tmp_path / "db.sqlite")
    yield leases
    leases.close()


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal came that was noted."""
    monkeypatch.setattr(INTERRUPTS, "_names", ["SIGINT"])
    monkeypatch.setattr(INTERRUPTS, "_seen", 0)


@pytest.mark.parametrize("status", list(CellStatus))
@pytest.mark.parametrize("checked", [None, PhaseStatus.PASSED])
def test_nothing_that_is_left_closes_a_lease(spec: CellSpec, status: CellStatus, checked: PhaseStatus | None) -> None:
    """A prerequisite is, where the preflight refused and neither up nor destroy came, and where the stack is gone."""
    phases = [PhaseResult(phase=PhaseName.PREFLIGHT, status=PhaseStatus.FAILED, seconds=0)]
    if checked is not None:
        phases.append(PhaseResult(phase=PhaseName.LEAK_CHECK, status=checked, seconds=0))
    result = spec.blank_result(status, None).model_copy(update={"phases": tuple(phases)})
    expected = {CellStatus.KEPT: LeaseState.KEPT, CellStatus.LEAKED: LeaseState.LEAKED}
    assert lease_state(result)[0] is expected.get(status, LeaseState.CLOSED)
    left = Resources(leaked=(ResourceRef(type="t", id="i"),))
    state, told = lease_state(result.model_copy(update={"status": CellStatus.LEAKED, "resources": left}))
    assert (state, told) == (LeaseState.LEAKED, "1 leaked, 0 unverified")


@pytest.mark.usefixtures("signalled")
def test_a_recovery_that_is_not_begun_keeps_the_state(spec: CellSpec, table: Leases) -> None:
    """Ctrl-C before `harness destroy` or a sweep came to this cell: it is left, and what it needs stays."""
    table.open(lease())
    stopped = crew(table)
    result = stopped.work(spec)
    assert result.status is CellStatus.LEAKED
    assert "SIGINT" in result.error.message
    assert result.resources.unverified
    assert _outcome(orphans(kind="lease", cell="c"), run_of(result)).outcome is Outcome.LEFT
    [left] = table.listed()
    assert left.state is LeaseState.LEAKED
    assert (CellFiles(spec.directory).state / "state.json").exists()
    begun = stopped.work(spec.model_copy(update={"recover": False}))
    assert begun.status is CellStatus.INTERRUPTED
    assert not CellFiles(spec.directory).state.exists()


@pytest.mark.usefixtures("signalled")
def test_a_recovery_that_is_not_begun_shows_no_secret(spec: CellSpec, table: Leases) -> None:
    """The page and the leak record show the end of a log that the dead process had no time to clean."""
    secret = "not-begun-canary"
    spec = spec.model_copy(update={"cell": spec.cell.model_copy(update={"config": {"dbPassword": secret}})})
    log = CellFiles(spec.directory).log
    log.write_text(f"it is {secret}\nand this is not\n")
    table.open(lease())
    assert crew(table).work(spec).status is CellStatus.LEAKED
    assert secret not in log.read_text()
    assert "and this is not" in log.read_text()


def test_a_recovery_that_a_full_disk_refuses_is_left(
    spec: CellSpec, table: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was destroyed, so nothing is done."""

    def full(*_: object) -> None:
        raise HomeError("no space left", hint="free some")

    monkeypatch.setattr(CellFiles, "write_spec", full)
    table.open(lease())
    result = crew(table).work(spec)
    assert (result.status, result.phases[0].detail) == (CellStatus.LEAKED, "no space left")
    assert [left.state for left in table.listed()] == [LeaseState.LEAKED]
    assert (CellFiles(spec.directory).state / "state.json").exists()


def test_a_recovery_without_a_phase_proves_nothing(spec: CellSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's own as well: the process before it may have made anything."""
    process = CellProcess(spec, lambda _: None)
    monkeypatch.setattr(process, "_once", lambda spec: spec.blank_result(CellStatus.ERRORED, None))
    assert process.run().status is CellStatus.LEAKED
    assert _outcome(orphans(), run_of(spec.blank_result(CellStatus.PASSED, None))).outcome is Outcome.LEFT


def test_a_signal_between_take_over_and_the_first_cell_is_told_as_left(
    spec: CellSpec, table: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`harness destroy` does not end as if it had stopped before it touched anything."""
    interrupts = Interrupts()
    for module in (crew_module, release_module):
        monkeypatch.setattr(module, "INTERRUPTS", interrupts)
    monkeypatch.setattr(interrupts, "_install", lambda: None)
    interrupts.heed()
    monkeypatch.setattr(CellProcess, "begin", lambda _: interrupts.receive("SIGTERM"))
    monkeypatch.setattr(release_module, "remember", lambda *_: None)
    monkeypatch.setattr(release_module, "_end_emulator", lambda *_: None)
    engine = SimpleNamespace(version="3", origin="path", path="/x")
    seen = lease(directory=str(spec.directory), state=LeaseState.KEPT)
    table.open(seen)
    world = opened(table, engine=engine, complete=lambda: None)
    result = release_specs([(seen, spec)], world, SimpleNamespace(hear=lambda *_: None))
    assert result.exit_code == ExitCode.LEAKED
    assert [left.state for left in table.listed()] == [LeaseState.LEAKED]


def test_a_cell_whose_lease_was_taken_stops_and_leaves_it(
    spec: CellSpec, table: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes nothing more, and neither closes what another works on nor takes the state away from it."""
    losing, stopped = crew(table), []
    proof = PhaseResult(phase=PhaseName.LEAK_CHECK, status=PhaseStatus.PASSED, seconds=0)

    def run(process: CellProcess) -> CellResult:
        table.open(lease(process=4711))
        losing.heartbeat().beat()
        losing.heartbeat().beat()
        return process._spec.blank_result(CellStatus.PASSED, None).model_copy(update={"phases": (proof,)})

    monkeypatch.setattr(CellProcess, "run", run)
    monkeypatch.setattr(CellProcess, "stop", lambda _, reason: stopped.append(reason))
    losing.work(spec.model_copy(update={"recover": False}))
    assert stopped == ["its lease was taken over"]
    assert [left.state for left in table.listed()] == [LeaseState.OPEN]
    assert (CellFiles(spec.directory).state / "state.json").exists()


def test_a_cell_that_waited_expires_as_much_later(
    spec: CellSpec, table: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its tag and its lease; one that was begun with the run, and one that is destroyed later, as they were told."""
    waiting, told = crew(table), []
    waiting._opened -= timedelta(hours=5)

    def run(process: CellProcess) -> CellResult:
        told.append(datetime.fromisoformat(process._spec.expires))
        return process._spec.blank_result(CellStatus.PASSED, None)

    monkeypatch.setattr(CellProcess, "run", run)
    first = datetime.fromisoformat(spec.expires).replace(microsecond=0)
    live = spec.model_copy(update={"recover": False, "expires": first.isoformat()})
    waiting.work(live)
    [lease_] = table.listed()
    assert lease_.expires == told[0]
    assert timedelta(hours=5) <= told[0] - first < timedelta(hours=5, minutes=5)
    waiting._begun["c"] = waiting._process(live)
    waiting.work(live)
    waiting.work(live.model_copy(update={"recover": True}))
    assert told[1:] == [first, first]


def orphans(**changed) -> Item:
    """What a sweep found by the run's tag."""
    facts = {"kind": "orphans", "run": "r-1", "cell": "c", "target": "http://127.0.0.1:1", "region": "us-east-1"}
    return Item(**{**facts, "account": "100000000001", "action": Action.DELETE, "reason": "because", **changed})


def run_of(*cells: CellResult) -> RunResult:
    """A destroy of these."""
    return RunResult(
        run="r-1",
        started=datetime.now(UTC),
        seconds=0,
        exit_code=worst_exit_code([cell.status for cell in cells]),
        engine={},
        provider="bundled",
        target="url",
        cells=cells,
    )


def test_a_recovery_that_was_abandoned_keeps_its_folder(spec: CellSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database was lost after the first process was begun."""
    for recover in (True, False):
        gone = crew()
        process = gone._process(spec.model_copy(update={"recover": recover}))
        monkeypatch.setattr(process, "abandon", lambda: None)
        gone._begun = {"c": process}
        gone.abandon()
        assert spec.directory.exists() == recover


def test_another_account_is_not_asked() -> None:
    """It would say that everything is gone. Leases of an earlier version do not know theirs."""
    with pytest.raises(TargetError) as refused:
        check_account(lease(target="aws", account="111122223333"), "444455556666")
    assert "111122223333" in refused.value.message
    for known, ours in ((None, "444455556666"), ("111122223333", "111122223333"), ("111122223333", None)):
        check_account(lease(target="aws", account=known), ours)


def test_what_is_gone_is_closed_by_one(tmp_path: Path, spec: CellSpec) -> None:
    """With a reason, and without the secrets of its folder."""
    table = open_leases(tmp_path / "db.sqlite")
    seen = lease(directory=str(spec.directory), state=LeaseState.KEPT)
    table.open(seen)
    assert [close_gone(seen, table, "ended") for _ in range(2)] == [True, False]
    assert not CellFiles(spec.directory).passphrase.exists()
    [closed] = table.listed()
    assert (closed.state, closed.reason) == (LeaseState.CLOSED, "ended")
    table.close()


@pytest.fixture
def left_running(spec: CellSpec) -> Iterator[subprocess.Popen[bytes]]:
    """What a cell left running whose command line and process were killed."""
    process = subprocess.Popen(["/bin/sleep", "600"], env={**os.environ, "HARNESS_CELL": str(spec.directory)})
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(("host", "ended"), [({}, True), ({"host": "elsewhere", "machine": "m"}, False)])
def test_closing_what_is_gone_ends_what_still_runs_of_it(
    table: Leases, spec: CellSpec, left_running: subprocess.Popen[bytes], host: dict[str, str], ended: bool
) -> None:
    """A stage's command or a daemon, before the folder goes; of another host, no process here is its."""
    seen = lease(directory=str(spec.directory), state=LeaseState.KEPT, **host)
    table.open(seen)
    assert close_gone(seen, table, "ended")
    if ended:
        left_running.wait(5)
    else:
        assert left_running.poll() is None


def test_a_destroy_of_what_went_with_its_emulator_ends_what_still_runs_of_it(
    table: Leases, spec: CellSpec, left_running: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked at an emulator that is gone, and nothing goes on."""
    monkeypatch.setattr(release_module, "remember", lambda *_: None)
    seen = lease(directory=str(spec.directory), state=LeaseState.KEPT)
    table.open(seen)
    world = opened(table, engine=SimpleNamespace(version="3", origin="path", path="/x"), complete=lambda: None)
    gone = spec.model_copy(update={"target": "emulator", "url": "http://127.0.0.1:1"})
    assert release_specs([(seen, gone)], world, SimpleNamespace(hear=lambda *_: None)).exit_code == ExitCode.PASSED
    left_running.wait(5)


def test_who_cannot_say_whether_its_emulator_is_gone_has_taken_nothing_over(table: Leases, spec: CellSpec) -> None:
    """One that is silent may be busy: what is kept there stays kept."""
    seen = lease(directory=str(spec.directory), state=LeaseState.KEPT)
    table.open(seen)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = spec.model_copy(update={"target": "emulator", "url": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        with pytest.raises(TargetError, match="no answer in time"):
            release_specs([(seen, there)], opened(table), SimpleNamespace(hear=lambda *_: None))
    assert [left.state for left in table.listed()] == [LeaseState.KEPT]


def test_what_a_cell_still_destroys_is_not_closed_by_a_word(spec: CellSpec) -> None:
    """Its command is dead, and it goes on: its state would be removed under it, and its engine ended."""
    left = lease(directory=str(spec.directory), process=2**22 + 1)
    with CellFiles(spec.directory).lock.open("w") as lock:
        assert locked(lock)
        with pytest.raises(UsageError, match="still works on it"):
            check_unheld(left)
    check_unheld(left)


def test_a_run_at_work_is_not_destroyed_beside_it(tmp_path: Path) -> None:
    """Ours is at work; one whose owner gave no sign of life for long is not; a protected one is refused."""
    table = open_leases(tmp_path / "db.sqlite")
    table.open(lease("r-live"))
    table.open(lease("r-away", host="elsewhere"))
    table.open(lease("r-lost", host="elsewhere", heartbeat=datetime.now(UTC) - timedelta(hours=1)))
    for run in ("r-live", "r-away", "r-none"):
        with pytest.raises(UsageError):
            find_open(table, run)
    assert [found.run for found in find_open(table, "r-lost")] == ["r-lost"]
    with pytest.raises(UsageError, match="protected"):
        find_open(table, "r-lost", lambda stack: "c*" if stack == "c" else None)
    table.close()

"""Whoever destroys what was left never loses it on the way, and never asks the wrong account whether it is gone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from lease_samples import lease

from harness.errors import TargetError, UsageError
from harness.model import Cell, CellStatus, LeaseState, Limits, Program
from harness.run.crew import _Crew
from harness.run.interrupts import INTERRUPTS
from harness.run.messages import CellSpec
from harness.run.release import check_account, close_gone, find_open
from harness.world.files import CellFiles
from harness.world.leases import open_leases


@pytest.fixture
def spec(tmp_path: Path) -> CellSpec:
    """Of a cell whose state lies in its folder."""
    directory = tmp_path / "r-1" / "c"
    program = Program(name="p", directory=tmp_path, main=tmp_path)
    cell = Cell(
        name="c", program=program, stack="c", suffix="c", region="us-east-1", config={}, stack_config=None, tags={}
    )
    files = CellFiles(directory)
    files.make()
    (files.state / "state.json").write_text("{}")
    return CellSpec(
        run="r-1",
        cell=cell,
        account="100000000001",
        directory=directory,
        engine=tmp_path,
        engine_version="3",
        hosts=tmp_path,
        provider="bundled",
        target="url",
        url="http://127.0.0.1:1",
        limits=Limits(run=1, destroy=1),
        expires=datetime.now(UTC).isoformat(),
        recover=True,
    )


def crew() -> _Crew:
    """Nobody listens, and nothing was started early."""
    world = SimpleNamespace(keep_open=(), early=SimpleNamespace(take=lambda _directory: None))
    return _Crew(world, SimpleNamespace(hear=lambda *_: None))


def test_a_recovery_that_is_not_begun_keeps_the_state(spec: CellSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before `harness destroy` or a sweep came to this cell: what it needs stays for the next one."""
    stopped = crew()
    monkeypatch.setattr(INTERRUPTS, "_names", ["SIGINT"])
    monkeypatch.setattr(INTERRUPTS, "_seen", 0)
    assert stopped.work(spec).status is CellStatus.INTERRUPTED
    assert (CellFiles(spec.directory).state / "state.json").exists()
    stopped.work(spec.model_copy(update={"recover": False}))
    assert not CellFiles(spec.directory).state.exists()


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

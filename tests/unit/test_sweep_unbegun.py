"""A run that was killed before it had a lease leaves folders in the home; a sweep removes them, and no others."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

import pytest

from harness.sweep.unbegun import LEAVE_ALONE, remove_unbegun
from harness.world.files import CellFiles

LATER = 2 * LEAVE_ALONE


@pytest.fixture
def begun(tmp_path: Path) -> CellFiles:
    """A cell's folders as they are before its lease."""
    files = CellFiles(tmp_path / "runs" / "r-1" / "shop-1")
    files.make()
    files.log.write_text("it begins\n")
    return files


def test_what_never_began_goes_with_its_run(begun: CellFiles, tmp_path: Path) -> None:
    """Once it is old; a home without runs has none."""
    runs = tmp_path / "runs"
    assert remove_unbegun(tmp_path / "none", time.time()) == ()
    assert remove_unbegun(runs, time.time()) == ()
    assert begun.directory.exists(), "it may be beginning now"
    assert remove_unbegun(runs, time.time() + LATER) == (begun.directory,)
    assert list(runs.iterdir()) == []


def test_what_began_or_ended_or_is_worked_on_stays(begun: CellFiles, tmp_path: Path) -> None:
    """A specification leads to what was made; a log is for people to read; a lock is somebody's."""
    later = time.time() + LATER
    with begun.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_unbegun(tmp_path / "runs", later) == ()
    begun.write_spec("{}")
    assert remove_unbegun(tmp_path / "runs", later) == ()
    begun.forget()
    assert remove_unbegun(tmp_path / "runs", later) == ()
    assert begun.log.exists()

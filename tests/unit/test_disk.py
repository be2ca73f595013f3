"""A disk that stays full stops the work, because an engine that cannot write its state may wait for ever."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import pytest

from harness.run.disk import FULL, PATIENCE, DiskWatch
from harness.run.shield import hint_of, limit_of

Room = namedtuple("Room", ["f_bavail", "f_bfree", "f_frsize"])  # noqa: PYI024 - as os.statvfs_result has them
BLOCK = 4096


class Disk:
    """Time and room in our hands."""

    def __init__(self) -> None:
        self.now = 0.0
        self.free = 1 << 30
        self.looks = 0

    def room(self, _folder: object) -> Room:
        self.looks += 1
        return Room(self.free // BLOCK, self.free // BLOCK, BLOCK)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk whose free bytes and whose time the test sets."""
    disk = Disk()
    monkeypatch.setattr(os, "statvfs", disk.room)
    return disk


def test_a_disk_that_stays_full_stops_the_work_and_says_what_helps(disk: Disk, tmp_path: Path) -> None:
    """Not at once: a build beside us may fill and empty it. The reason names the folder, the hint what to do."""
    watch = DiskWatch(tmp_path, lambda: disk.now)
    assert watch.full() is None
    disk.free, disk.now = FULL - 1, 1
    assert watch.full() is None
    disk.now += PATIENCE - 0.1
    assert watch.full() is None
    disk.now += 0.1
    reason = watch.full()
    assert reason is not None
    assert str(tmp_path) in reason
    assert limit_of(reason) == "disk"
    assert "free some space" in hint_of(reason)
    disk.free, disk.now = FULL, disk.now + 1
    assert watch.full() is None, "there is room again"


@pytest.mark.parametrize("name", ["", "state"])
def test_what_became_read_only_stops_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """The cell's folder, or the state in it: an engine tries to write it again and again."""
    (tmp_path / "state").mkdir()
    now = [0.0]
    watch = DiskWatch(tmp_path, lambda: now[0])
    assert watch.full() is None
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path / name)
    now[0] = 1
    assert watch.full() is None
    now[0] += PATIENCE
    reason = watch.full()
    assert reason is not None
    assert reason.endswith("it is read-only (disk)")
    assert limit_of(reason) == "disk"
    assert "let it be written to" in hint_of(reason)


def test_a_disk_that_was_full_for_a_moment_stops_nothing(disk: Disk, tmp_path: Path) -> None:
    """The time counts from when it was full without a break."""
    watch = DiskWatch(tmp_path, lambda: disk.now)
    for second in range(20):
        disk.now = float(second)
        disk.free = 0 if second % 4 else FULL
        assert watch.full() is None


def test_asking_often_costs_nothing(disk: Disk, tmp_path: Path) -> None:
    """It is asked twenty times a second, by several threads."""
    watch = DiskWatch(tmp_path, lambda: disk.now)
    for _ in range(1000):
        disk.now += 0.001
        watch.full()
    assert disk.looks <= 3


def test_a_folder_that_is_gone_is_not_full(tmp_path: Path) -> None:
    """Whoever needs it says what is wrong with it."""
    now = [0.0]
    watch = DiskWatch(tmp_path / "gone", lambda: now[0])
    assert watch.full() is None
    now[0] = 100.0
    assert watch.full() is None

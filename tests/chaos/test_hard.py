"""A disk that fills up, a state that cannot be written, a database that goes, an emulator that is silent.

None of these may cost the destroy. What cannot be done meanwhile is told; the sweep does it when the trouble is over.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from cycle import Cycle

ROOM = 260  # MiB of the small disk: the harness wants 200 free before it begins
SILENCE = 5.0  # seconds
DESTROY = "40s"  # what a full disk does to a destroy may be tried again until this is over
NOTHING_LEFT = {0, 1, 130}  # exit codes that say so
PHASES = ["up", pytest.param("destroy", marks=pytest.mark.campaign)]


def mounted(stack: ExitStack, *arguments: str) -> bool:
    """Mount something until the test's end; False where that is not allowed."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        return False
    if subprocess.run([mount, *arguments], capture_output=True, check=False).returncode != 0:
        return False
    stack.callback(subprocess.run, ["umount", "--lazy", arguments[-1]], check=False)
    return True


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """The home on a disk of its own that a test may fill."""
    kept = {path.name: path.readlink() for path in home.iterdir()}
    with ExitStack() as mounts:
        if not mounted(mounts, "-t", "tmpfs", "-o", f"size={ROOM}m", "tmpfs", str(home)):
            pytest.skip("nothing can be mounted here")
        for name, link in kept.items():
            (home / name).symlink_to(link)
        yield home


def fill(folder: Path) -> Path:
    """Take every byte that is free there."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for piece in (bytes(1 << 20), bytes(512)):
            with suppress(OSError):
                while True:
                    file.write(piece)
    return filler


def finished(cycle: Cycle, case) -> int:
    """The exit code of a run that was disturbed; what it says is words, never a traceback."""
    began = time.monotonic()
    done = cycle.finish()
    case.recovered(time.monotonic() - began)
    case.tell(said=done.err)
    assert "Traceback" not in done.err, done.err
    assert "the harness failed" not in done.err, done.err
    return done.code


@pytest.mark.campaign
@pytest.mark.parametrize("phase", PHASES)
def test_a_disk_that_fills_up(
    case, rng, harness, small_disk, begin, recover, nothing_left, slow, auditor, phase
) -> None:
    """From then on nothing can be written under the home. With room again, the sweep leaves nothing."""
    (harness.cwd / "theirs").touch()
    cycle = begin(slow, "--json", "-", "--no-recheck", "--destroy-timeout", DESTROY)
    assert cycle.wait_phase(phase)
    cycle.pause(rng.uniform(0.1, 0.8))
    cycle.account()  # a full disk takes no reader of the database either
    filler = fill(small_disk)
    case.tell(program=slow.name, moment=phase)
    if finished(cycle, case) in NOTHING_LEFT:
        assert auditor(cycle.account()).left() == []
    filler.unlink()
    recover(case)
    nothing_left(cycle.account())
    assert [path.name for path in harness.cwd.iterdir()] == ["theirs"], "the caller's folder is the caller's"


@pytest.mark.parametrize("phase", PHASES)
def test_a_state_that_cannot_be_written(case, rng, harness, begin, recover, nothing_left, slow, auditor, phase) -> None:
    """The engine's state becomes read-only in the middle."""
    cycle = begin(slow, "--json", "-", "--no-recheck", "--destroy-timeout", DESTROY)
    assert cycle.wait_phase(phase)
    cycle.pause(rng.uniform(0.1, 0.8))
    [state] = harness.home.glob("runs/*/*/state")
    with ExitStack() as frozen:
        frozen.callback(shutil.rmtree, state, ignore_errors=True)  # a mount point is removed by nobody
        if not mounted(frozen, "--bind", str(state), str(state)):
            pytest.skip("nothing can be mounted here")
        until = time.monotonic() + SILENCE
        while not mounted(frozen, "-o", "remount,ro,bind", str(state)):  # refused while a file in it is being written
            assert time.monotonic() < until
        case.tell(program=slow.name, moment=phase)
        code = finished(cycle, case)
        if code in NOTHING_LEFT:
            assert auditor(cycle.account()).left() == []
            assert harness.leases() == []
    if harness.leases():
        recover(case)
    nothing_left(cycle.account())


@pytest.mark.parametrize("phase", PHASES)
def test_a_database_that_goes(case, harness, begin, nothing_left, at_rest, starter, phase) -> None:
    """Deleted in the middle: the run destroys all the same, by what it knows itself."""
    cycle = begin(starter, "--json", "-")
    assert cycle.wait_phase(phase)
    account = cycle.account()
    for file in harness.home.glob("harness.sqlite*"):
        file.unlink()
    case.tell(program=starter.name, moment=phase)
    assert finished(cycle, case) in {0, 1}
    at_rest()
    nothing_left(account)


@pytest.mark.parametrize("phase", PHASES)
def test_an_emulator_that_is_silent_for_a_while(case, begin, emulator, nothing_left, starter, phase) -> None:
    """Stopped for five seconds, then it goes on: so does the run, and passes."""
    cycle = begin(starter, "--json", "-")
    assert cycle.wait_phase(phase)
    cycle.account()
    silent = psutil.Process(emulator.pid)
    silent.suspend()
    try:
        cycle.pause(SILENCE)
    finally:
        silent.resume()
    case.tell(program=starter.name, moment=phase)
    assert finished(cycle, case) == 0, cycle.err
    nothing_left(cycle.account())

"""Whoever comes after a crash ends the engine that is recorded, and nothing that only has its number."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.world.command import stop_recorded_engine
from harness.world.recorded import record_process

# A leader of a session with a child; it stays, or ends at once and leaves the child behind in its session.
LEADER = "sleep 60 & echo $!; {then}"


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """Processes that are ended whatever happens."""
    those: list[psutil.Process] = []
    yield those
    for process in those:
        if process.is_running():
            process.kill()


def session(then: str, started: list[psutil.Process]) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A leader that is not waited for yet, and its child."""
    leader = subprocess.Popen(
        ["/bin/sh", "-c", LEADER.format(then=then)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert leader.stdout is not None
    with leader.stdout:
        child = psutil.Process(int(leader.stdout.readline()))
    started += [child, psutil.Process(leader.pid)]
    return leader, child


def ended(process: psutil.Process) -> bool:
    """Whether it is gone, or nobody has taken note of its end."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_an_engine_that_lives_is_ended_with_its_session(tmp_path: Path, started: list[psutil.Process]) -> None:
    """Also what it started and does not end by itself."""
    leader, child = session("wait", started)
    record_process(tmp_path / "engine.pid", leader.pid)
    stop_recorded_engine(tmp_path / "engine.pid", (0.05, 0.05))
    deadline = time.monotonic() + 5
    while not ended(child) and time.monotonic() < deadline:
        leader.poll()
    assert ended(child)
    leader.wait(5)
    assert not (tmp_path / "engine.pid").exists()


@pytest.mark.parametrize("created", [None, 1.0])
def test_a_session_of_a_dead_engines_number_is_left_alone(
    tmp_path: Path, started: list[psutil.Process], created: float | None
) -> None:
    """After a reboot, or when numbers begin anew, it is the user's own."""
    leader, child = session("exit 0", started)
    record_process(tmp_path / "engine.pid", leader.pid)
    leader.wait(5)
    if created is not None:
        (tmp_path / "engine.pid").write_text(f"{leader.pid} {created}", encoding="ascii")
    stop_recorded_engine(tmp_path / "engine.pid", (0.05, 0.05))
    with suppress(psutil.TimeoutExpired):
        child.wait(0.1)  # a kill would need a moment
    assert not ended(child)
    assert not (tmp_path / "engine.pid").exists()

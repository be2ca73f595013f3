"""Signals to a sweep between two runs, and while it asks once more: what was begun is ended, and the end says so."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psutil
import pytest
from power_cut import HANGS, kill_all

from harness.world.emulator import Emulator, start_emulator
from harness.world.home import Home

ANSWER = 5  # seconds: less than what a silent emulator is given when it is asked once more
TRIES = 5  # to stop a sweep at one moment


@pytest.fixture
def apart(installed: Home, emulator: Emulator, tmp_path) -> Iterator[list[Emulator]]:
    """Two emulators that no run owns."""
    with start_emulator(installed, tmp_path / "second.log", print) as second:
        yield [emulator, second]


Dead = list[tuple[dict, Emulator]]


@pytest.fixture
def cut_off(harness, shop, apart, eventually) -> Iterator[Callable[[], Dead]]:
    """Makes a lease at each emulator whose run was cut off in `up`, in the order in which a sweep ends them."""
    program = str(shop(HANGS))

    def one(emulator: Emulator) -> tuple[dict, Emulator]:
        process = harness.start("run", program, "--target", emulator.url, "--no-preflight", "--no-policy")
        mine: list[dict] = []

        def made() -> bool:
            mine[:] = [lease for lease in harness.leases() if lease["process"] == process.pid]
            journals = [log for lease in mine for log in harness.home.glob(f"runs/{lease['run']}/*/journal.jsonl")]
            return any(b"queue" in log.read_bytes() for log in journals)

        eventually(made)
        kill_all(process)
        return mine[0], emulator

    yield lambda: sorted((one(emulator) for emulator in apart), key=lambda pair: pair[0]["run"])
    for emulator in apart:
        os.kill(emulator.pid, signal.SIGCONT)


@pytest.fixture
def dead(cut_off) -> Dead:
    """Such leases."""
    return cut_off()


def read_until(process: subprocess.Popen, word: str) -> list[str]:
    """What the command said, up to a line with that word."""
    assert process.stderr is not None
    told: list[str] = []
    while not told or word not in told[-1]:
        line = process.stderr.readline()
        assert line, told
        told.append(line)
    return told


def closed(harness, lease: dict) -> Callable[[], bool]:
    """Whether a lease is not open any more."""
    return lambda: lease["run"] not in {one["run"] for one in harness.leases()}


def asks(process: subprocess.Popen, emulator: Emulator) -> bool:
    """Whether the command waits for an answer of the emulator; one that has ended does not."""
    port = urlsplit(emulator.url).port
    return any(one.raddr and one.raddr.port == port for one in psutil.Process(process.pid).net_connections())


def between(harness, dead: Dead, eventually) -> subprocess.Popen | None:
    """A sweep that has ended the first and asks the second's target, which is silent; None if it ended before that.

    It asks for three seconds; and on a slow machine it may have left the first, too, before it asked once more.
    """
    (first, _), (second, silent) = dead
    sweeper = harness.start("sweep", "--apply", "--json", "-")
    read_until(sweeper, f"destroy: {second['cell']} (run {second['run']})")
    os.kill(silent.pid, signal.SIGSTOP)
    is_closed = closed(harness, first)
    eventually(lambda: sweeper.poll() is not None or (is_closed() and asks(sweeper, silent)), 120)
    if sweeper.poll() is None:
        return sweeper
    assert harness.finish(sweeper).code == 3  # the second is left
    os.kill(silent.pid, signal.SIGCONT)
    assert harness("sweep", "--apply").code == 0
    return None


@pytest.mark.campaign
def test_giving_up_between_two_runs_is_no_success(harness, cut_off, eventually) -> None:
    """The first is ended, the second's target says nothing just then: exit 3, and the next sweep ends it."""
    for _ in range(TRIES):
        dead = cut_off()
        sweeper = between(harness, dead, eventually)
        if sweeper is not None:
            break
    else:
        pytest.fail(f"{TRIES} sweeps ended before they could be stopped at that moment")
    second, silent = dead[1]
    for _ in range(3):
        sweeper.send_signal(signal.SIGINT)
        time.sleep(0.15)
    done = harness.finish(sweeper, 15)
    assert done.code == 3, done.err
    assert "given up after three signals" in done.err
    assert [one["run"] for one in harness.leases()] == [second["run"]]
    os.kill(silent.pid, signal.SIGCONT)
    again = harness("sweep", "--apply", "--json", "-")
    assert (again.code, [item["outcome"] for item in again.document["items"]]) == (0, ["done"]), again.err
    assert harness.remains() == []


@pytest.mark.campaign
def test_a_signal_ends_the_second_asking(harness, dead) -> None:
    """Not after its half a minute: what was ended before is told, what was not asked is left, exit 3.

    What had answered is not told as not asked. A slow machine may have left more than the silent one unasked at first.
    """
    (first, _), (second, silent) = dead
    os.kill(silent.pid, signal.SIGSTOP)
    sweeper = harness.start("sweep", "--apply", "--json", "-")
    shown = [line.split()[2].rstrip(",") for line in read_until(sweeper, "asked once more") if "not asked: " in line]
    assert silent.url in shown
    began = time.monotonic()
    sweeper.send_signal(signal.SIGTERM)
    read_until(sweeper, "SIGTERM: nothing more is asked")
    assert time.monotonic() - began < ANSWER
    done = harness.finish(sweeper)
    assert (done.code, done.document["exit_code"]) == (3, 3), done.err
    outcomes = {item["run"]: item["outcome"] for item in done.document["items"]}
    assert outcomes == {first["run"]: "done", second["run"]: "left"}
    assert [place["target"] for place in done.document["unasked"]] == shown
    os.kill(silent.pid, signal.SIGCONT)
    assert harness("sweep", "--apply").code == 0
    assert harness.remains() == []

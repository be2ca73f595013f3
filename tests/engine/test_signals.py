"""Signals to each process of a run, once and often, at each of its steps: the destroy is never lost nor cut short."""

from __future__ import annotations

import signal
import subprocess
import time

import psutil
import pytest

HANGS = "\nif live:\n    after(lambda: time.sleep(600))\n"


@pytest.fixture
def up(harness, shop, emulator, auditor, eventually):
    """A run whose two resources exist and whose program never ends: (process, lease, auditor of its account)."""

    def begin(*args: str, source: str = HANGS):
        process = harness.start("run", str(shop(source)), "--target", emulator.url, "--json", "-", "--no-policy", *args)
        found: list[dict] = []

        def there() -> bool:
            found[:] = harness("leases", "--json", "-").document
            return bool(found)

        eventually(there)
        ask = auditor(found[0]["account"])
        eventually(lambda: len(ask.left()) >= 2)
        return process, found[0], ask

    return begin


def family(process: subprocess.Popen, name: str) -> psutil.Process:
    """The process below the command line whose command has `name` in it."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if name in " ".join(child.cmdline()):
            return child
    raise AssertionError(f"no process {name}")


def send(process: subprocess.Popen, *names: str, gap: float = 0.15) -> None:
    """Signals one after the other, as fingers would."""
    for name in names:
        process.send_signal(getattr(signal, name))
        time.sleep(gap)


def test_three_signals_within_two_seconds_give_up(harness, up) -> None:
    """Exit 3, nothing runs on, the lease is open and says so, and the very command that was printed ends it."""
    process, lease, ask = up()
    began = time.monotonic()
    send(process, "SIGINT", "SIGINT", "SIGINT")
    done = harness.finish(process)
    assert time.monotonic() - began < 40
    assert done.code == 3, done.err
    assert harness.processes() == []
    assert done.cell["status"] == "LEAKED"
    assert f"harness destroy {lease['run']}" in done.err
    assert f"harness sweep --apply --run {lease['run']}" in done.err
    assert lease["directory"] in done.err
    [left] = harness("leases", "--json", "-").document
    assert left["state"] != "closed"
    assert "given up" in left["reason"]
    assert ask.left() != []
    again = harness("destroy", lease["run"], "--json", "-")
    assert again.code == 0, again.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


def test_a_second_signal_is_answered_and_cuts_nothing_short(harness, up) -> None:
    """Two are not three: what is going on is told, all of it is destroyed, exit 130."""
    process, _, ask = up("--no-preflight")
    send(process, "SIGINT", "SIGTERM", gap=0.5)  # nearer, a busy machine takes the second for an echo of the first
    done = harness.finish(process)
    assert done.code == 130, done.err
    assert "SIGINT: stopping up" in done.err
    assert "three signals within 2 s give up" in done.err or "SIGTERM: still stopping up" in done.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []


def test_a_signal_to_one_process_alone_loses_nothing(harness, shop, eventually) -> None:
    """The emulator lets Ctrl-C and a hang-up pass by, for the destroy needs it; the cell stops as all would."""
    process = harness.start("run", str(shop(HANGS)), "--json", "-", "--no-policy", "--no-preflight")
    eventually(lambda: any(b"queue" in log.read_bytes() for log in harness.home.glob("runs/*/*/journal.jsonl")))
    emulated = family(process, "emulator_server.py")
    for number in (signal.SIGINT, signal.SIGHUP):
        emulated.send_signal(number)
    family(process, "harness.run.cell").send_signal(signal.SIGHUP)
    done = harness.finish(process)
    assert done.code == 130, done.err
    assert "SIGHUP: stopping up" in done.err
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert harness.processes() == []


@pytest.mark.campaign
def test_a_command_line_that_is_stopped_does_not_keep_anything_up(harness, up, eventually) -> None:
    """Ctrl-Z, a terminal that does not scroll: the cell keeps its limits, and its result is there when we go on."""
    process, _, ask = up("--no-preflight", "--timeout", "16s", "--silence-timeout", "5s")
    process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: ask.left() == [])
        time.sleep(6)  # silence for longer than a cell may be silent, if it were the cell's
    finally:
        process.send_signal(signal.SIGCONT)
    done = harness.finish(process)
    assert done.code == 1, done.err
    assert "--timeout" in done.cell["error"]["message"]
    assert "--silence-timeout" not in done.err
    assert harness("leases", "--json", "-").document == []


def test_an_emulator_that_is_ended_takes_everything_with_it(harness, shop, eventually) -> None:
    """It kept all in memory: the run failed, and nothing is left that anybody would have to look for."""
    process = harness.start("run", str(shop(HANGS)), "--json", "-", "--no-policy", "--no-preflight", "--timeout", "20s")
    eventually(lambda: any(b"queue" in log.read_bytes() for log in harness.home.glob("runs/*/*/journal.jsonl")))
    family(process, "emulator_server.py").kill()
    send(process, "SIGINT")
    done = harness.finish(process)
    assert done.code in {1, 130}, done.err  # it may have failed before the signal arrived
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []

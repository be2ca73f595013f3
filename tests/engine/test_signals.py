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
    assert time.monotonic() - began < 15
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

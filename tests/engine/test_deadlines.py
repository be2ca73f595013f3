"""Whatever hangs, is stopped or never answers, in each process of a run: a limit ends it, and all is destroyed."""

from __future__ import annotations

import signal
import time

import psutil
import pytest
from cut import cut

HANGS = "\nif live:\n    after(lambda: time.sleep(600))\n"
QUIET = ("--no-policy", "--no-probe", "--no-recheck")


def phase(cell: dict, name: str) -> dict:
    """One phase of a cell's result."""
    [found] = [phase for phase in cell["phases"] if phase["phase"] == name]
    return found


@pytest.fixture
def run(harness, emulator, auditor):
    """A run at the emulator to its end; it must have left nothing. Gives what ended."""

    def to_its_end(directory, *args: str):
        done = harness("run", str(directory), "--target", emulator.url, "--json", "-", *args)
        assert auditor(done.cell["account"]).left() == [], done.err
        assert harness("leases", "--json", "-").document == []
        assert harness.processes() == []
        return done

    return to_its_end


@pytest.mark.parametrize(
    ("flags", "limit", "words"),
    cut(
        [(("--phase-timeout", "up=4s"), "--phase-timeout", "4 s for up"), (("--timeout", "15s"), "--timeout", "15 s")],
        1,
    ),
)
def test_a_program_that_never_returns_ends_at_its_limit(run, shop, flags, limit, words) -> None:
    """The phase says which limit it was, and the hint which flag raises it."""
    done = run(shop(HANGS), *QUIET, *flags)
    assert done.code == 1, done.err
    assert phase(done.cell, "up")["limit"] == limit
    assert words in done.cell["error"]["message"]
    assert limit in done.cell["error"]["hint"]
    assert phase(done.cell, "leak check")["status"] == "passed"


def test_a_call_that_never_answers_is_named_with_both_times(harness, shop, line, auditor) -> None:
    """`--resource-timeout` says which operation on which resource, how long it took and how long it might."""
    line.operation = b"CreateQueue"  # arrives, and no answer comes
    line.hang.clear()
    flags = ("--no-preflight", "--resource-timeout", "6s")
    done = harness("run", str(shop()), "--target", line.url, "--json", "-", *QUIET, *flags)
    line.hang.set()
    assert done.code == 1, done.err
    assert phase(done.cell, "up")["limit"] == "--resource-timeout"
    assert "create of Queue queue takes" in done.cell["error"]["message"]
    assert "may take 6 s" in done.cell["error"]["message"]
    assert phase(done.cell, "leak check")["status"] == "passed"
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.parametrize("name", cut(["harness.run.cell", "harness.providers.process", "pulumi"], 1))
def test_a_process_that_is_stopped_does_not_keep_anything_up(
    harness, shop, emulator, auditor, eventually, name
) -> None:
    """SIGSTOP to the cell, the provider or the engine, in `up`: it is ended, another takes over, nothing is left."""
    process = harness.start(
        *("run", str(shop(HANGS)), "--target", emulator.url, "--json", "-", *QUIET, "--no-preflight"),
        *("--silence-timeout", "6s", "--timeout", "25s"),
    )
    eventually(lambda: any(b"bucket" in log.read_bytes() for log in harness.home.glob("runs/*/*/journal.jsonl")))
    time.sleep(0.5)  # both exist, or are just being made
    for child in psutil.Process(process.pid).children(recursive=True):
        line = child.cmdline()
        if name in line or (name == "pulumi" and line and line[0].endswith("/pulumi")):
            child.send_signal(signal.SIGSTOP)
            break
    else:
        raise AssertionError(f"no process {name}")
    done = harness.finish(process)
    assert done.code == 1, done.err
    assert "--silence-timeout" in done.err or name == "pulumi", done.err
    assert auditor(done.cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []

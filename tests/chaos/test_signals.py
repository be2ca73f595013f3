"""Whoever is told to stop, however, in whatever phase: it destroys, says 130, and leaves nothing."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from commands import Finished, Harness
from cut import cut
from cycle import OPENING, PHASES, REPORT, Cycle

INTERRUPTED, LEAKED = 130, 3
MOMENTS = (OPENING, *PHASES, REPORT)
CANCEL = (7.5, 2.5)  # seconds that GitHub leaves between its SIGINT, its SIGTERM and its kill
COMMAND = re.compile(r"(?:finish it|or) with: (.*\bharness .*)")


def send(cycle: Cycle, number: signal.Signals, *, group: bool = False) -> None:
    """To the command, or to its process group as a terminal does."""
    with suppress(ProcessLookupError):  # it has ended
        (os.killpg if group else os.kill)(cycle.process.pid, number)


def once(number: signal.Signals, *, group: bool = False) -> Callable[[Cycle], None]:
    """One signal."""
    return lambda cycle: send(cycle, number, group=group)


def several(count: int, pause: float) -> Callable[[Cycle], None]:
    """So many SIGINT, `pause` seconds apart."""

    def act(cycle: Cycle) -> None:
        for _ in range(count):
            send(cycle, signal.SIGINT)
            cycle.pause(pause)

    return act


def cancel(cycle: Cycle) -> None:
    """What a cancelled job of GitHub Actions gets."""
    for number, patience in zip((signal.SIGINT, signal.SIGTERM), CANCEL, strict=True):
        send(cycle, number)
        if not cycle.pause(patience):
            return
    send(cycle, signal.SIGKILL)


WAYS: dict[str, Callable[[Cycle], None]] = {
    "INT": once(signal.SIGINT),
    "TERM": once(signal.SIGTERM),
    "HUP": once(signal.SIGHUP),
    "INT twice": several(2, 0.4),
    "INT three times": several(3, 0.4),
    "INT to the group": once(signal.SIGINT, group=True),
    "HUP to the group": once(signal.SIGHUP, group=True),
    "GitHub's cancel": cancel,
}
# In every test run: each way once, and each phase once.
FAST = {(moment, way) for moment, way in zip(MOMENTS, WAYS, strict=True)}


@pytest.mark.parametrize(
    ("moment", "way"), cut([(moment, way) for moment in MOMENTS for way in WAYS], lambda one: one in FAST)
)
def test_a_signal_in_any_phase(
    case, rng, begin, measured, harness, recover, nothing_left, starter, slow, campaign, moment, way
) -> None:
    """Exit 130 and nothing left; the program's own verdict, when that was there before; 3 for who gives up."""
    program = slow if campaign and rng.random() < 0.3 else starter
    pause = rng.uniform(0.02, 0.9) * measured(program).length(moment)
    case.tell(program=program.name, way=way, moment=f"{pause:.2f} s into {moment}")
    cycle = begin(program, "--json", "-")
    assert cycle.wait_phase(moment)
    cycle.pause(pause)
    began, before = time.monotonic(), cycle.ends.keys()
    cycle.account()
    deaf = moment == OPENING and not cycle.listens
    WAYS[way](cycle)
    done = cycle.finish()
    unheard = deaf and interpreter_died(done)
    if done.code == LEAKED:
        give_up(harness, rng, way, done.err)
    elif done.code == -signal.SIGKILL:
        assert way == "GitHub's cancel"
        recover(case)
    elif unheard:
        assert not harness.leases(only_open=False)
    else:
        decided = {"probe", "recheck"} <= before or moment in {"destroy", "leak check", REPORT}
        # It may be quicker than measured: what the first signal is answered with says where it met the run.
        answered = re.search(r": SIG[A-Z]+: (\w+)", done.err)
        decided |= answered is not None and answered[1] == "destroy"
        assert done.code == INTERRUPTED or (decided and done.code == 0), done.err
    case.recovered(time.monotonic() - began)
    killed = done.code == -signal.SIGKILL and not harness.leases(only_open=False)
    nothing_left(cycle.account(), killed_unleased=unheard or killed)


def interpreter_died(done: Finished) -> bool:
    """Of a signal before the first line of ours: by the signal, or, while it sets itself up, in its own words."""
    of_signal = -done.code in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    return of_signal or (done.code == 1 and done.err.rstrip().endswith("KeyboardInterrupt"))


def give_up(harness: Harness, rng: random.Random, way: str, said: str) -> None:
    """The third within two seconds: either command that is printed, executed as it stands, finishes the job."""
    assert way == "INT three times", said
    commands = COMMAND.findall(said)
    assert len(commands) == 2, said
    path = f"{Path(sys.executable).parent}{os.pathsep}{harness.environment['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", rng.choice(commands)],
        env={**harness.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""Whoever is killed at whatever moment: the others destroy, or the next who comes does, and nothing is left."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from cut import cut
from cycle import Cycle

VICTIMS = ("cli", "cell", "engine", "provider", "program")
KILLS = 90
AIMED = ("lease", "create", "delete", "leak check")
# Who lives at these moments: no program in a destroy, and no engine when the target is asked.
PAIRS = [
    (moment, victim)
    for moment in AIMED
    for victim in VICTIMS
    if (moment, victim) not in {("delete", "program"), ("leak check", "program"), ("leak check", "engine")}
]
TOGETHER = 10
TRIES = 6  # a moment that falls behind the end of a cycle that went faster is no kill


def kill(cycle: Cycle, victim: str) -> bool:
    """Kill who plays that part, as soon as somebody does; False when the command ended before."""
    found: list[psutil.Process] = []

    def there() -> bool:
        found[:] = [process for process in [cycle.victim(victim)] if process is not None]
        return bool(found)

    if not cycle.wait(there):
        return False
    cycle.account()  # as long as there is somebody who knows it
    with suppress(psutil.NoSuchProcess):
        found[0].kill()
        return True
    return False


def reach(cycle: Cycle, moment: str) -> bool:
    """Wait for a moment that matters."""
    if moment == "lease":
        return cycle.wait(lambda: cycle.lease() is not None)
    if moment == "create":
        return cycle.wait(lambda: any(line.get("event") == "intent" for line in cycle.journal()))
    return cycle.wait_phase("destroy" if moment == "delete" else moment)


@pytest.mark.parametrize("number", cut(range(KILLS), len(VICTIMS)))
def test_a_kill_at_any_moment(case, rng, begin, measured, recover, nothing_left, program_of, number) -> None:
    """SIGKILL for each part in turn, anywhere in a cycle. Who is left destroys; of a dead CLI the sweep does."""
    victim = VICTIMS[number % len(VICTIMS)]
    program = program_of(rng)
    case.tell(program=program.name, victim=victim)
    latest = measured(program).seconds
    for _ in range(TRIES):
        moment = rng.uniform(0, latest)
        case.tell(moment=f"{moment:.2f} s of {measured(program).seconds:.1f} s")
        cycle = begin(program, "--json", "-")
        if cycle.wait_until(moment) and kill(cycle, victim):
            break
        latest = moment  # there was nobody to kill any more: earlier then
        cycle.finish()
    else:
        pytest.fail("nobody was killed")
    check(cycle, victim, case, recover, nothing_left)


@pytest.mark.parametrize(("moment", "victim"), cut(PAIRS, 0))
def test_a_kill_at_a_moment_that_matters(case, rng, begin, recover, nothing_left, slow, moment, victim) -> None:
    """The lease is on disk and nothing else is; a create or a delete is on its way; the target is being asked."""
    case.tell(program=slow.name, victim=victim, moment=moment)
    for tries in range(TRIES):
        cycle = begin(slow, "--json", "-")
        assert reach(cycle, moment)
        cycle.pause(rng.uniform(0, 0.3) / (tries + 1))
        if kill(cycle, victim):
            break
        cycle.finish()
    else:
        pytest.fail("nobody was killed")
    check(cycle, victim, case, recover, nothing_left)


def check(cycle: Cycle, victim: str, case, recover, nothing_left) -> None:
    """Whoever lives on has destroyed; only of a CLI that was killed the sweep must close the lease."""
    began = time.monotonic()
    done = cycle.finish()
    if victim == "cli":
        recover(case)
        nothing_left(cycle.account(), killed_unleased=unleased(cycle))
    else:
        case.recovered(time.monotonic() - began)
        assert done.code in {0, 1, 2}, done.err
        case.hear(done.document)
        nothing_left(cycle.account())


@pytest.mark.parametrize("number", cut(range(TOGETHER), 1))
def test_a_kill_of_several_at_once(case, rng, begin, measured, recover, nothing_left, program_of, number) -> None:
    """CLI and cell together, the CLI's whole process group, or all of the family: the sweep finds what they left."""
    whom = ("cli and cell", "group", "family")[number % 3]
    program = program_of(rng)
    moment = rng.uniform(0.2, 0.95) * measured(program).seconds
    case.tell(program=program.name, victim=whom, moment=f"{moment:.2f} s of {measured(program).seconds:.1f} s")
    cycle = begin(program)
    cycle.wait_until(moment)
    kill_together(cycle, whom)
    recover(case)
    nothing_left(cycle.account(), killed_unleased=unleased(cycle))


def unleased(cycle: Cycle) -> bool:
    """Of a command that died before its lease a sweep removes folders when they are old."""
    return not cycle.harness.leases(only_open=False)


def kill_together(cycle: Cycle, whom: str) -> None:
    """At once, as a power cut or an out-of-memory killer does: stopped first, so that none sees another die."""
    cycle.account()
    if whom == "group":
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(cycle.process.pid, signal.SIGKILL)
        return
    doomed = cycle.family()
    if whom == "cli and cell":
        doomed = [process for process in (cycle.victim("cli"), cycle.victim("cell")) if process is not None]
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                act(process)


@pytest.mark.campaign
def test_one_sweep_ends_what_many_left(case, rng, begin, measured, recover, nothing_left, program_of) -> None:
    """Ten runs that were killed, one after the other, then one sweep."""
    accounts = []
    for _ in range(10):
        program = program_of(rng)
        cycle = begin(program)
        cycle.wait_until(rng.uniform(0.2, 0.95) * measured(program).seconds)
        kill_together(cycle, "family")
        accounts.append(cycle.account())
    case.count = 10
    recover(case)
    nothing_left(*accounts, killed_unleased=None in accounts)


@pytest.fixture
def program_of(campaign: bool, starter: Path, financial: Path, slow: Path):
    """Chooses the program of a case: most are `starter`, some the slow one, a few `financial`."""
    weights = (6, 3, 1) if campaign else (1, 0, 0)
    return lambda rng: rng.choices((starter, slow, financial), weights)[0]

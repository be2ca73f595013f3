"""Signals of a process: raised before a run, noted in it, and three within two seconds give up."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import pytest

from harness.run import crew
from harness.run.cell_process import GOODBYE
from harness.run.interrupts import CLEARING_SECONDS, Interrupts, ToldToStopError
from harness.world.language import END_SECONDS
from harness.world.uninterrupted import SIGNALS, uninterrupted


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Time in our hands; the process's handlers are as before afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield Clock()
    for number, handler in before.items():
        signal.signal(number, handler)


def given_up(clock: Clock, *at: float) -> bool:
    """Whether signals at these seconds give up a run."""
    interrupts = Interrupts(clock)
    interrupts.hold()
    for moment in at:
        clock.now = 100 + moment
        interrupts.receive("SIGINT")
    return interrupts.gives_up


def test_three_within_two_seconds_give_up_and_nothing_less(clock: Clock) -> None:
    """Whenever they come; two are none, and neither are three in more than two seconds."""
    assert given_up(clock, 0, 0.5, 1.9)
    assert given_up(clock, 0, 60, 61, 62)
    assert not given_up(clock, 0, 0.5)
    assert not given_up(clock, 0, 1, 2.5, 4)


def test_a_cancelled_job_of_github_does_not_give_up(clock: Clock) -> None:
    """SIGINT, SIGTERM 7.5 s later; even where a wrapper passes each of them on once more."""
    assert not given_up(clock, 0, 0.01, 7.5, 7.51)


def test_an_echo_is_no_signal_of_its_own(clock: Clock) -> None:
    """Two presses under a wrapper are four signals, and two wishes."""
    assert not given_up(clock, 0, 0.02, 1, 1.02)


def test_before_a_run_a_signal_raises_and_afterwards_it_is_noted(clock: Clock) -> None:
    """The handlers are the process's real ones."""
    interrupts = Interrupts(clock)
    interrupts.heed()
    with pytest.raises(ToldToStopError):
        os.kill(os.getpid(), signal.SIGTERM)
    interrupts.caught()
    clock.now += 1
    os.kill(os.getpid(), signal.SIGHUP)
    assert interrupts.names == ["SIGTERM", "SIGHUP"]


def test_a_signal_that_nobody_noticed_is_not_lost(clock: Clock) -> None:
    """Python drops what is raised in a finalizer: the run finds it when it begins."""
    interrupts = Interrupts(clock)
    interrupts.heed()
    with pytest.raises(ToldToStopError):
        interrupts.receive("SIGINT")
    with pytest.raises(ToldToStopError):
        interrupts.hold()


def test_the_third_leaves_each_part_of_clearing_up_its_grace() -> None:
    """A process that ends late, but in its own time, is waited for: what comes after it removes the folders."""
    assert CLEARING_SECONDS > GOODBYE + END_SECONDS


def test_further_ones_do_not_cut_short_what_is_cleared_up_for_the_first(clock: Clock, monkeypatch) -> None:
    """Wherever the first has got to on its way; and neither does the third, unless that takes too long."""
    monkeypatch.setattr("harness.run.interrupts.CLEARING_SECONDS", 0.1)
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    cleared: list[str] = []
    interrupts = Interrupts(clock, leave=left.put)
    interrupts.heed()

    def again() -> None:
        clock.now += 0.5
        os.kill(os.getpid(), signal.SIGINT)

    @contextmanager
    def opened() -> Iterator[None]:
        try:
            yield
        finally:
            if presses > 1:
                interrupts.caught()  # as who starts the cells does
            with suppress(KeyError):
                try:
                    {}["another error"]
                finally:
                    for _ in range(presses):
                        again()
            if presses > 1:  # it hangs, in a call that nothing ends but the end of the process
                cleared.append(f"left with {left.get(timeout=20)}")
            cleared.append("inner")

    def begin() -> None:
        with ExitStack() as stack:
            stack.callback(cleared.append, "outer")
            stack.enter_context(opened())
            os.kill(os.getpid(), signal.SIGINT)

    presses = 1
    with pytest.raises(ToldToStopError):
        begin()
    assert (cleared, left.empty()) == (["inner", "outer"], True)

    clock.now += 60
    cleared.clear()
    presses = 3
    with pytest.raises(ToldToStopError):
        begin()
    assert (cleared, left.empty()) == (["left with 130", "inner", "outer"], True)
    again()  # nothing is being cleared up: at once
    assert left.get_nowait() == 130


def test_a_signal_that_was_dropped_is_followed_by_one_that_is_not(clock: Clock) -> None:
    """What is raised in a finalizer is gone; whoever presses again is heard."""
    interrupts = Interrupts(clock)
    interrupts.heed()

    class Dropped:
        def __del__(self) -> None:
            interrupts.receive("SIGINT")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "unraisablehook", lambda _told: None)
        Dropped()
    assert interrupts.names == ["SIGINT"]
    clock.now += 0.5
    with pytest.raises(ToldToStopError):
        interrupts.receive("SIGINT")


def test_a_signal_while_something_is_taken_in_hand_comes_right_after_it(clock: Clock) -> None:
    """What was started is known when the handler raises; whoever ignores a signal goes on ignoring it."""
    interrupts = Interrupts(clock)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.heed()
    started: list[str] = []

    def begin() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            started.append("one")
        started.append("another")

    with pytest.raises(ToldToStopError):
        begin()
    assert (started, interrupts.names) == (["one"], ["SIGTERM"])
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_thread_may_start_something_as_well() -> None:
    """Handlers run in the main thread alone: nothing is to be done in another, and nothing is refused."""
    before = [signal.getsignal(number) for number in SIGNALS]

    def begin() -> list[object]:
        with uninterrupted():
            return [signal.getsignal(number) for number in SIGNALS]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(begin).result(10) == before


def test_signals_of_an_earlier_run_are_not_those_of_the_next(clock: Clock) -> None:
    """Several runs in one process."""
    interrupts = Interrupts(clock)
    interrupts.hold()
    interrupts.receive("SIGINT")
    interrupts.hold()
    assert interrupts.names == []


def test_a_signal_to_a_command_is_for_all_its_runs(clock: Clock) -> None:
    """A sweep goes from run to run: what came in the first is known in the next."""
    interrupts = Interrupts(clock)
    interrupts.heed()
    interrupts.hold()
    interrupts.receive("SIGINT")
    interrupts.hold()
    assert interrupts.names == ["SIGINT"]


def test_whoever_gives_up_on_the_telling_leaves_with_the_run_s_code(clock: Clock) -> None:
    """A report that nobody reads does not hold the process; one signal does not cost it, though."""
    left: list[int] = []
    interrupts = Interrupts(clock, leave=left.append)
    interrupts.hold()
    interrupts.leave_with(1)
    for moment in (0.0, 0.5):
        clock.now = 100 + moment
        interrupts.receive("SIGINT")
    assert left == []
    clock.now = 101
    interrupts.receive("SIGINT")
    assert left == [1]


def test_a_signal_while_a_process_starts_waits_for_its_handlers() -> None:
    """Held back until `let_in`, then delivered; without it, it would have killed the process."""
    child = (
        "import os, signal, time\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True))\n"
        "from harness.run.interrupts import let_in\n"
        "let_in()\n"
    )
    parent = (
        "import subprocess, sys\n"
        "from harness.run.interrupts import held_back\n"
        "with held_back():\n"
        f"    process = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "sys.exit(process.wait())\n"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_a_second_signal_does_not_cut_short_what_the_first_one_ends(monkeypatch, clock: Clock) -> None:
    """Before anything was made: the processes that were begun are ended, and their folders removed."""
    interrupts, ended = Interrupts(clock), []
    interrupts.heed()
    monkeypatch.setattr(crew, "INTERRUPTS", interrupts)

    def abandon(_crew: object) -> None:
        clock.now += 1
        interrupts.receive("SIGINT")
        ended.append(True)

    monkeypatch.setattr(crew._Crew, "abandon", abandon)
    opening = SimpleNamespace(complete=lambda: interrupts.receive("SIGINT"))
    with pytest.raises(ToldToStopError):
        crew.run_cells([], opening, SimpleNamespace(), 1)
    assert ended == [True]


ENDS = """
import os, signal, threading
from harness.run.interrupts import INTERRUPTS, hold_off

class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.{name}):
        kill(pid, number)

late = Late()  # goes when the interpreter has put the default handlers back
threading.Thread(target=threading.Event().wait, daemon=True).start()
INTERRUPTS.heed()
hold_off()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_the_interpreter_ends_changes_no_exit_code(name: str) -> None:
    """Whichever thread the kernel gives it to: some daemons are still there."""
    done = subprocess.run([sys.executable, "-c", ENDS.format(name=name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

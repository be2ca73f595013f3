"""A cell process that is stopped, stuck or late is found out; one that is slow, or that we could not hear, is not."""

from __future__ import annotations

import pytest

from harness.model import Limits, PhaseName, PhaseStatus
from harness.run.messages import AliveMessage, PhaseMessage, ProgressMessage
from harness.run.overdue import AFTER_DESTROY, TO_DESTROY, Overdue
from harness.run.standing import Standing

LIMITS = Limits(run=100, destroy=50, silence=20)
BEGINS = PhaseMessage(phase=PhaseName.DESTROY, status=PhaseStatus.RUNNING)


class Watched:
    """A watch over a cell, in a time of our own."""

    def __init__(self, *, recovers: bool = False) -> None:
        self.now = 0.0
        self.overdue = Overdue(lambda: self.now, LIMITS, recovers=recovers)

    def after(self, seconds: float, *, alive: bool = True) -> str | None:
        """The first complaint within so many seconds, looked for every second."""
        for _ in range(int(seconds)):
            self.now += 1
            if alive:
                self.overdue.hear(AliveMessage())
            if (why := self.overdue.why()) is not None:
                return why
        return None


def test_silence_ends_a_cell_and_signs_of_life_do_not() -> None:
    """The named time, and the flag that sets it."""
    watched = Watched()
    assert watched.after(90) is None
    assert watched.after(20, alive=False) is None
    assert "20 s (--silence-timeout)" in (watched.after(1, alive=False) or "")


def test_a_cell_that_lives_on_beyond_its_limits_is_stuck() -> None:
    """Its run's limit and what it may need to come to its destroy; then the destroy's own."""
    watched = Watched()
    assert watched.after(100 + TO_DESTROY) is None
    assert "does not begin its destroy" in (watched.after(1) or "")
    watched = Watched()
    watched.overdue.hear(BEGINS)
    assert watched.after(50 + AFTER_DESTROY) is None
    assert "destroys for" in (watched.after(1) or "")


def test_a_cell_that_was_told_to_stop_must_come_to_its_destroy() -> None:
    """However much of its run's time is left."""
    watched = Watched()
    watched.overdue.asked_to_stop()
    assert watched.after(TO_DESTROY) is None
    assert watched.after(1) is not None


def test_a_second_process_may_wait_for_the_first() -> None:
    """As long as that one's destroy may take."""
    watched = Watched(recovers=True)
    assert watched.after(50 + TO_DESTROY) is None
    assert watched.after(1) is not None


def test_silence_proves_nothing_where_we_did_not_listen() -> None:
    """We were stopped ourselves (Ctrl-Z, a closed lid), or a terminal held up what we tell."""
    watched = Watched()
    watched.now += 1000
    assert watched.overdue.why() is None
    assert watched.after(15, alive=False) is None
    watched.overdue.hearing = True
    assert watched.after(60, alive=False) is None


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "between two phases"),
        ([BEGINS], "destroy"),
        (
            [BEGINS, ProgressMessage(phase=PhaseName.DESTROY, done=12, planned=48, waiting="Cluster db")],
            "destroy: 12 of 48 deleted, waiting for Cluster db",
        ),
        (
            [PhaseMessage(phase=phase, status=PhaseStatus.RUNNING) for phase in (PhaseName.PROBE, PhaseName.RECHECK)],
            "probe and recheck",
        ),
        ([BEGINS, PhaseMessage(phase=PhaseName.DESTROY, status=PhaseStatus.PASSED)], "between two phases"),
    ],
)
def test_where_a_cell_stands_is_one_line(messages, told) -> None:
    """The phases that run, how many of how many, and what is waited for."""
    standing = Standing()
    for message in messages:
        standing.hear(message)
    assert standing.told() == told

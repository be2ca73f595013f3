"""No question holds up a sweep, and no heartbeat a run."""

import threading
import time

from harness.errors import HomeError
from harness.run.interrupts import Interrupts
from harness.run.leasing import Heartbeat, spoken
from harness.sweep import asking
from harness.sweep.asking import ask_all


def test_what_does_not_answer_in_time_is_missing() -> None:
    """The others are there, and what was refused says why."""
    release = threading.Event()

    def refuse() -> str:
        raise HomeError("no", hint="h")

    began = time.monotonic()
    answers = ask_all({"good": lambda: "yes", "bad": refuse, "late": lambda: str(release.wait(60))}, 0.2)
    assert time.monotonic() - began < 5
    release.set()
    assert answers.given == {"good": "yes"}
    assert {key: type(why) for key, why in answers.missing.items()} == {"bad": HomeError, "late": TimeoutError}


def test_more_questions_than_are_asked_at_once() -> None:
    """All are answered."""
    answers = ask_all({number: lambda number=number: number for number in range(50)}, 30, at_once=3)
    assert answers.given == {number: number for number in range(50)}
    assert ask_all({}, 1).given == {}


def test_a_signal_ends_the_asking(monkeypatch) -> None:
    """What came by then is there; the rest is missing, long before its time is over."""
    interrupts, release = Interrupts(), threading.Event()
    monkeypatch.setattr(asking, "INTERRUPTS", interrupts)

    def interrupted() -> str:
        interrupts.receive("SIGINT")
        return str(release.wait(60))

    began = time.monotonic()
    answers = ask_all({"good": lambda: "yes", "late": interrupted}, 60, at_once=1)
    assert time.monotonic() - began < 5
    release.set()
    assert answers.given == {"good": "yes"}
    assert list(answers.missing) == ["late"]


class Table:
    """Leases that can be out of order."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.ours: set = set()
        self.beats = 0

    def beat(self, cells) -> list:
        self.beats += 1
        if self.error is not None:
            raise self.error
        return [cell for cell in cells if cell not in self.ours]


def test_a_heartbeat_that_cannot_be_written_is_told_once() -> None:
    """And never ends a run, whatever the database says; it goes on being tried."""
    table, told, lost = Table(), [], []
    table.error = HomeError("locked", hint="h")
    heart = Heartbeat(lambda: table, lambda: {("r", "c")}, told.append, lost.extend)
    heart.beat()
    table.error = RuntimeError("a defect")
    heart.beat()
    table.error, table.ours = None, {("r", "c")}
    heart.beat()
    assert table.beats == 3
    assert len(told) == 1
    assert lost == []
    assert "locked" in told[0]


def test_a_lease_that_was_taken_is_lost_once() -> None:
    """Somebody thought that we were dead; what was told before does not hide it."""
    table, told, lost = Table(), [], []
    table.error = HomeError("locked", hint="h")
    heart = Heartbeat(lambda: table, lambda: {("r", "a"), ("r", "b")}, told.append, lost.extend)
    heart.beat()
    table.error, table.ours = None, {("r", "a")}
    heart.beat()
    heart.beat()
    assert lost == [("r", "b")]


def test_a_cell_that_ends_meanwhile_is_not_missed() -> None:
    """Its lease is settled, not lost; and without cells nobody is asked."""
    table, lost = Table(), []
    cells = [{("r", "c")}, set(), set()]
    heart = Heartbeat(lambda: table, lambda: cells.pop(0), lambda _: None, lost.extend)
    heart.beat()
    heart.beat()
    assert (lost, table.beats) == ([], 1)


def test_lengths_of_time_for_people() -> None:
    """In one unit."""
    assert [spoken(seconds) for seconds in (4, 119, 120, 7200, 3600 * 50)] == ["4 s", "119 s", "2 min", "2 h", "2 d"]

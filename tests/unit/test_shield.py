"""Signals and limits stop the work; nothing but its own limit stops the destroy."""

import pytest

from harness.run.shield import Shield


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Time in our hands."""
    return Clock()


def test_work_goes_on_without_a_reason_to_stop(clock: Clock) -> None:
    """No signal, time left: no reason."""
    assert Shield(clock, 60, print).stop() is None


def test_a_signal_stops_the_work_and_the_first_one_is_named(clock: Clock) -> None:
    """SIGTERM after SIGINT changes nothing about what is told."""
    shield = Shield(clock, 60, print)
    shield.interrupt("SIGINT")
    shield.interrupt("SIGTERM")
    assert shield.stop() == "SIGINT"
    assert shield.interrupted == "SIGINT"


def test_the_run_limit_stops_the_work_without_being_an_interrupt(clock: Clock) -> None:
    """A time-out is a failure, not the wish of a person."""
    shield = Shield(clock, 60, print)
    clock.now += 61
    assert "60 s" in (shield.stop() or "")
    assert shield.interrupted is None


def test_neither_signal_nor_run_limit_stops_a_destroy(clock: Clock) -> None:
    """The destroy has its own time, which begins when it begins."""
    told: list[str] = []
    shield = Shield(clock, 60, told.append)
    shield.interrupt("SIGINT")
    clock.now += 1000
    with shield.destroying(30):
        assert shield.stop() is None
        shield.interrupt("SIGTERM")
        assert shield.stop() is None
        assert "already destroying" in told[0]
        assert shield.remaining == 30
        clock.now += 31
        assert "destroy" in (shield.stop() or "")
        assert shield.remaining == 0


def test_a_part_of_the_destroys_time_can_be_kept_for_what_comes_after(clock: Clock) -> None:
    """Inside it is over sooner, and outside it is as it was."""
    shield = Shield(clock, 60, print)
    with shield.destroying(30):
        with shield.sparing(10):
            assert shield.remaining == 20
            clock.now += 21
            assert shield.stop() is not None
        assert shield.stop() is None
        assert shield.remaining == 9

"""Signals and limits stop the work; nothing but its own limit stops the destroy."""

import pytest

from harness.model import PhaseName
from harness.run.shield import Shield, hint_of, limit_of


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
        shield.interrupt("SIGTERM", "destroy: 1 of 2 deleted")
        assert shield.stop() is None
        assert "already destroying" in told[0]
        assert "1 of 2 deleted" in told[0]
        assert shield.remaining == 30
        clock.now += 31
        assert limit_of(shield.stop() or "") == "--destroy-timeout"
        assert shield.remaining == 0


def test_a_phase_has_a_time_of_its_own(clock: Clock) -> None:
    """It begins with the phase, counts for no other, and the reason names phase, seconds and flag."""
    shield = Shield(clock, 60, print, phases={PhaseName.PROBE: 5})
    clock.now += 20
    with shield.phase(PhaseName.PROBE), shield.phase(PhaseName.RECHECK):
        clock.now += 4
        assert shield.stop(PhaseName.PROBE) is None
        clock.now += 2
        assert shield.stop(PhaseName.RECHECK) is None
        assert shield.stop() is None
        reason = shield.stop(PhaseName.PROBE) or ""
    assert "5 s for probe" in reason
    assert limit_of(reason) == "--phase-timeout"
    assert "--phase-timeout" in hint_of(reason)
    assert shield.stop(PhaseName.PROBE) is None


def test_a_signal_has_no_limit_and_no_hint(clock: Clock) -> None:
    """Only limits can be raised."""
    shield = Shield(clock, 60, print)
    shield.interrupt("SIGINT")
    assert limit_of(shield.stop() or "") == hint_of(shield.stop() or "") == ""


def test_expiring_credentials_stop_the_work_and_never_the_destroy(clock: Clock) -> None:
    """They are a deadline for what comes before it."""
    shield = Shield(clock, 60, print, outside=lambda: "the credentials end soon (credentials)")
    assert limit_of(shield.stop() or "") == "credentials"
    with shield.destroying(30):
        assert shield.stop() is None


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

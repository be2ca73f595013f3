"""Code of the user's that never comes back does not hold the cell, and no secret of the stack stands in evidence."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness.model import PhaseName
from harness.probes.model import Probe, ProbeFailure
from harness.probes.registry import ProbeContext, run_probe
from harness.run.probing import attended
from harness.run.record import PhaseError
from harness.run.shield import Shield


@pytest.fixture
def shield() -> Shield:
    """Nobody has asked to stop, and there is time."""
    return Shield(lambda: 0.0, 100, lambda _text: None)


def test_an_answer_and_an_error_come_through(shield: Shield) -> None:
    """As if it had been called here."""
    assert attended(lambda: 7, shield, PhaseName.PROBE) == 7

    def broken() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError):
        attended(broken, shield, PhaseName.PROBE)


def test_what_hangs_is_left_behind_at_a_signal(shield: Shield) -> None:
    """So that the destroy can begin; the phase ends as interrupted."""
    release = threading.Event()
    shield.interrupt("SIGINT")
    with pytest.raises(PhaseError, match="stopped: SIGINT") as stopped:
        attended(release.wait, shield, PhaseName.PREFLIGHT)
    release.set()
    assert stopped.value.interrupted
    assert stopped.value.failure.phase is PhaseName.PREFLIGHT


def test_what_hangs_is_left_behind_at_the_time_limit() -> None:
    """That is a failure: nobody asked to stop."""
    release, times = threading.Event(), iter([0.0])
    shield = Shield(lambda: next(times, 101.0), 100, lambda _text: None)
    with pytest.raises(PhaseError, match="time limit of 100 s") as stopped:
        attended(release.wait, shield, PhaseName.PROBE)
    release.set()
    assert not stopped.value.interrupted


def test_a_secret_of_the_stack_stands_in_no_evidence() -> None:
    """Whoever puts it there; the longer of two that begin alike goes first, and what is too short to hide stays."""

    def tells(context: ProbeContext) -> None:
        raise ProbeFailure(f"seen {context.outputs['word']}", {"again": "hunter2", "port": "42"})

    context = ProbeContext(
        outputs={"word": "hunter2-and-more"},
        region="r",
        suffix="s",
        hidden=frozenset({"hunter2", "hunter2-and-more", "42"}),
    )
    over = threading.Event()
    over.set()
    result = run_probe(Probe("p", tells, 1, Path("/shop/probes.py"), 1), context, stop=over)
    assert result.detail.startswith("seen [secret]; again: [secret]; port: 42")

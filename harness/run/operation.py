"""One engine operation in (preview, up or destroy), its timeline out, with progress told while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.model import PhaseName
from harness.run.failure import explain_failure
from harness.run.log import write_event
from harness.run.messages import ProgressMessage
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.run.timeline import EventLog, Timeline
from harness.world.command import BUNDLED_GRACE, FIRST_GRACE, EngineFailedError, EngineStoppedError, Guard
from harness.world.engine_words import short_name
from harness.world.stack import Stack

RESOURCE_LIMIT = "--resource-timeout"  # as a phase that it ended names it
PROGRESS_EVERY = 0.2  # seconds between two progress messages
DESTROY_GRACE = 5.0  # seconds
COUNTED = {PhaseName.UP, PhaseName.DESTROY}  # the others change nothing
SHOW_WAITING_AFTER = 3.0  # seconds: what is quicker than this is not worth a name on the screen


def operate(
    stack: Stack,
    record: Record,
    shield: Shield,
    phase: PhaseName,
    verb: Callable[[Path], None],
    *,
    planned: int = 0,
    watch: Callable[[Mapping[str, Any]], None] | None = None,
    label: str = "",
) -> Timeline:
    """Run `verb` with an event log of its own, called after the phase, or `label` where a phase has several.

    `watch` sees every event. Raises PhaseError when the operation fails or is stopped.
    """
    log = EventLog(_fresh(stack.files.events, label or phase.value))
    timeline = Timeline(record.clock, record.began)
    progress = _Progress(record, phase, timeline, planned)

    def tick() -> None:
        for event in log.events():
            timeline.take(event)
            write_event(event)
            if watch is not None:
                watch(event)
        progress.tell()

    def stop() -> str | None:
        return shield.stop(phase) or _overdue(timeline, record.spec.limits.resource)

    try:
        with stack.command.guarded(Guard(stop=stop, tick=tick, grace=_grace(record, phase), tell=record.note)):
            verb(log.path)
    except EngineStoppedError as stopped:
        raise PhaseError.stopped_by(stopped.reason, phase, phase, detail=_worked_on(timeline)) from stopped
    except EngineFailedError as error:
        failure = explain_failure(phase, timeline, str(error), record.spec.cell.program)
        raise PhaseError(failure, output=str(error)) from error
    finally:
        if phase in COUNTED:
            _account(record, timeline)
        progress.tell(last=True)
    return timeline


def _overdue(timeline: Timeline, limit: float | None) -> str | None:
    late = timeline.overdue(limit) if limit is not None else None
    return f"{late} ({RESOURCE_LIMIT})" if late else None


def _grace(record: Record, phase: PhaseName) -> float:
    """The bundled provider lets go of its calls when it is asked to; the official one waits for them."""
    if phase is PhaseName.DESTROY:
        return DESTROY_GRACE  # its time is over already
    return BUNDLED_GRACE if record.spec.provider == "bundled" else FIRST_GRACE


def _account(record: Record, timeline: Timeline) -> None:
    """Add what an operation did to the cell's record, also when it failed."""
    record.timings.extend(timeline.timings)
    record.created += timeline.created
    record.updated += timeline.updated
    record.deleted += timeline.deleted
    record.let_go += timeline.let_go


def _worked_on(timeline: Timeline) -> str:
    waiting = [f"{short_name(urn)} ({seconds:.0f} s)" for urn, seconds in timeline.in_flight[:5]]
    return f"was working on: {', '.join(waiting)}" if waiting else ""


def _fresh(folder: Path, name: str) -> Path:
    """A log name that no earlier attempt used."""
    stem = name.replace(" ", "-")
    number = sum(1 for _ in folder.glob(f"{stem}-*.jsonl")) + 1
    return folder / f"{stem}-{number}.jsonl"


class _Progress:
    """Tells how far an operation is, not more often than a screen can use."""

    def __init__(self, record: Record, phase: PhaseName, timeline: Timeline, planned: int) -> None:
        self._record = record
        self._phase = phase
        self._timeline = timeline
        self._planned = planned
        self._before = record.created if phase is PhaseName.UP else 0  # by the stages before this one
        self._next = 0.0

    def tell(self, *, last: bool = False) -> None:
        now = self._record.clock()
        if now < self._next and not last:
            return
        self._next = now + PROGRESS_EVERY
        timeline = self._timeline
        slow = [urn for urn, seconds in timeline.in_flight if seconds > SHOW_WAITING_AFTER]
        self._record.say(
            ProgressMessage(
                phase=self._phase,
                done=timeline.done + self._before,
                planned=max(self._planned, timeline.planned + self._before),
                waiting=short_name(slow[0]) if slow else "",
            )
        )

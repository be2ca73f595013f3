"""A cell that is up in; whether a second preview is empty and a refresh finds no drift, out. Both at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.model import CellStatus, Change, Failure, PhaseName, RecheckOutcome
from harness.run.cell_world import CellWorld
from harness.run.changes import Changes
from harness.run.operation import operate
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.engine_words import short_name
from harness.world.stack import Stack

PHASE = PhaseName.RECHECK

_SAID = {
    "idempotency": "a second preview is not empty",
    "drift": "a refresh finds drift",
}
_HINTS = {
    "idempotency": "the program must declare the same each time: no time, random value or unordered set in it; "
    "[recheck] ignore in harness.toml excuses a property",
    "drift": "somebody, or the service itself, changed it after `up`; declare what the service sets, or excuse it "
    "with [recheck] ignore in harness.toml",
}


def recheck_cell(world: CellWorld, record: Record, shield: Shield, alone: Callable[[], bool]) -> None:
    """Preview and refresh again. What is found while something else works (not `alone`) is looked at once more.

    Raises PhaseError when something would change, or has changed.
    """
    with record.phase(PHASE, failed=CellStatus.FAILED), shield.phase(PHASE):
        undisturbed = alone()
        outcomes = _both(world, record, shield)
        if not undisturbed and any(outcome.status != "passed" for outcome in outcomes):
            while not alone():  # probes have deadlines of their own
                if (reason := shield.stop(PHASE)) is not None:
                    raise PhaseError.stopped_by(reason, PHASE, "recheck")
            outcomes = _both(world, record, shield)
        record.rechecks = outcomes
        bad = [outcome for outcome in outcomes if outcome.status != "passed"]
        if bad:
            first, *rest = [_failure(outcome) for outcome in bad]
            raise PhaseError(first.model_copy(update={"detail": "\n".join(one.message for one in rest)}))


def _both(world: CellWorld, record: Record, shield: Shield) -> tuple[RecheckOutcome, ...]:
    """The two need nothing of each other: an engine each. Raises PhaseError when we must stop."""
    ignored = record.spec.cell.program.recheck_ignore
    # `ignore_changes` says that others may change a property; a refresh reads it all the same.
    theirs = {resource.urn: resource.ignored for resource in world.stack.checkpoint().resources if resource.ignored}
    second, drift = Changes(ignored), Changes(ignored, theirs)
    preview = _Recheck("idempotency", world.stack, world.stack.preview, second, second.planned)
    refresh = _Recheck("drift", world.second_stack, world.second_stack.refresh, drift, drift.refreshed)
    with ThreadPoolExecutor(2, thread_name_prefix="recheck") as pool:
        running = [pool.submit(each.run, record, shield) for each in (preview, refresh)]
    return tuple(each.result() for each in running)


@dataclass(frozen=True)
class _Recheck:
    """One of the two: the operation, and what its events come to."""

    name: Literal["idempotency", "drift"]
    stack: Stack
    verb: Callable[[Path], None]
    changes: Changes
    watch: Callable[[Mapping[str, Any]], None]

    def run(self, record: Record, shield: Shield) -> RecheckOutcome:
        """Do it. Raises PhaseError when we must stop; an operation that fails is an outcome."""
        began = record.clock()
        detail = ""
        try:
            operate(self.stack, record, shield, PHASE, self.verb, watch=self.watch, label=self.name)
        except PhaseError as error:
            if error.stopped:
                raise
            detail = error.failure.message
        found = self.changes.found
        return RecheckOutcome(
            name=self.name,
            status="errored" if detail else "failed" if found else "passed",
            seconds=round(record.clock() - began, 3),
            changes=found,
            detail=detail,
        )


def _failure(outcome: RecheckOutcome) -> Failure:
    if outcome.status == "errored":
        hint = "what the engine and the program printed is in the cell's log"
        return Failure(phase=PHASE, message=f"{outcome.name} could not be rechecked: {outcome.detail}", hint=hint)
    listed = "; ".join(_told(change) for change in outcome.changes[:3])
    more = f"; and {len(outcome.changes) - 3} more" if len(outcome.changes) > 3 else ""  # noqa: PLR2004 - as listed
    return Failure(phase=PHASE, message=f"{_SAID[outcome.name]}: {listed}{more}", hint=_HINTS[outcome.name])


def _told(change: Change) -> str:
    names = ", ".join(one.property for one in change.properties[:3])
    return f"{short_name(change.urn)}: {change.op}{f' of {names}' if names else ''}"

"""A cell whose destroy is armed in; its program up, stage by stage and then as a whole, out.

A `[[stage]]` of harness.toml is a part that goes first: one `up` in the same stack with the stage's configuration laid
over the cell's, and then its command, such as the one that pushes an image into the repository that the stage made. The
whole program, as preflight has seen it, always comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from harness.errors import RunError
from harness.model import WHOLE, Failure, PhaseName, StageOutcome
from harness.run.cell_world import CellWorld
from harness.run.messages import ProgressMessage
from harness.run.operation import operate
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield

PHASE = PhaseName.UP


def bring_up(world: CellWorld, record: Record, shield: Shield, planned: int) -> None:
    """Every stage, then the whole program. Raises PhaseError: the first that fails is the last that was tried."""
    stages = record.spec.cell.program.stages
    for stage in stages:
        with _timed(record, stage.name) as told, at_stage(stage.name):
            configure(world, stage.config, PHASE)
            operate(world.stack, record, shield, PHASE, world.stack.up, label=f"up-{stage.name}")
            with _disk():
                world.stack.keep_state(stage.name)  # which the next `up` changes
            if stage.run:
                from harness.run.stage_command import run_command  # with what runs the user's code

                began = record.clock()
                try:
                    run_command(stage, world, record, shield)
                finally:
                    told["command"] = round(record.clock() - began, 3)
    if not stages:
        operate(world.stack, record, shield, PHASE, world.stack.up, planned=planned)
        return
    with _timed(record, WHOLE):
        configure(world, {}, PHASE)
        operate(world.stack, record, shield, PHASE, world.stack.up, planned=planned)
        with _disk():
            world.stack.keep_state(WHOLE)  # else whoever goes on with a destroy would take a stage's for the last
    # What the state holds, without what only stages declare: it was deleted again, or let go of.
    standing = record.created - record.deleted - record.let_go
    record.say(ProgressMessage(phase=PHASE, done=standing, planned=planned))


@contextmanager
def _timed(record: Record, name: str) -> Iterator[dict[str, float]]:
    """Record one stage, and tell of it at once: a person waits for the next."""
    began, before = record.clock(), record.created
    told: dict[str, float] = {}
    status: Literal["passed", "failed"] = "failed"
    try:
        yield told
        status = "passed"
    finally:
        seconds, created = round(record.clock() - began, 3), record.created - before
        record.stages.append(StageOutcome(name=name, status=status, seconds=seconds, created=created, **told))
        word = "ok" if status == "passed" else "FAILED"
        record.note(f"stage {name} {word} ({seconds:.1f} s, {created} created)")


@contextmanager
def at_stage(name: str) -> Iterator[None]:
    """A failure inside says at which stage it was."""
    try:
        yield
    except PhaseError as error:
        error.failure = error.failure.model_copy(update={"message": f"stage {name}: {error.failure.message}"})
        raise


def configure(world: CellWorld, more: Mapping[str, str], phase: PhaseName) -> None:
    """Lay these over the cell's configuration. Raises PhaseError."""
    with _disk(phase):
        world.stack.configure(more)


@contextmanager
def _disk(phase: PhaseName = PHASE) -> Iterator[None]:
    """What the disk refuses ends the phase."""
    try:
        yield
    except RunError as error:
        raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error

"""One cell in, its record out: preflight, up, probe, destroy, leak check; destroy is armed before the up."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName
from harness.run.cell_world import CellWorld, open_cell_world
from harness.run.destroy import Destroyer
from harness.run.messages import CellSpec, Say
from harness.run.operation import operate
from harness.run.probing import probe_cell
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield


def run_cell(spec: CellSpec, shield: Shield, say: Say) -> Record:
    """The whole life of one cell. Raises nothing that a user can cause: it is in the record."""
    record = Record(spec, say, time.monotonic)
    try:
        with open_cell_world(spec, shield) as world:
            if spec.recover:
                _recover(world, record, shield)
            else:
                _live(world, record, shield)
    except PhaseError:
        pass  # recorded by its phase
    except HarnessError as error:
        record.fail(CellStatus.ERRORED, Failure(phase=None, message=error.message, hint=error.hint))
    return record


def _live(world: CellWorld, record: Record, shield: Shield) -> None:
    planned = _preflight(world, record, shield)
    with destroy_armed(world, record, shield), suppress(PhaseError):
        with record.phase(PhaseName.UP, failed=CellStatus.ERRORED):
            record.planned = planned
            try:
                operate(world.stack, record, shield, PhaseName.UP, world.stack.up, planned=planned)
            finally:
                record.outputs = world.stack.checkpoint().outputs
        probe_cell(world, record, shield)


def _recover(world: CellWorld, record: Record, shield: Shield) -> None:
    """What another process of this cell began and could not end."""
    Destroyer(world.stack, world.provider(), record, shield).run()


def _preflight(world: CellWorld, record: Record, shield: Shield) -> int:
    """One preview; how many resources it plans. What it refuses was never made."""
    if not record.spec.preflight:
        world.create_stack()
        record.skip(PhaseName.PREFLIGHT, "--no-preflight")
        return 0
    with record.phase(PhaseName.PREFLIGHT, failed=CellStatus.REJECTED):
        world.create_stack()
        return operate(world.stack, record, shield, PhaseName.PREFLIGHT, world.stack.preview).planned


@contextmanager
def destroy_armed(world: CellWorld, record: Record, shield: Shield) -> Iterator[None]:
    """Whatever happens inside, the destroy comes after it; what happened inside stays the first cause."""
    destroyer = Destroyer(world.stack, world.provider(), record, shield)
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a defect of ours must not cost the destroy
        traceback.print_exc()
        failure = Failure(
            phase=None, message=f"the harness failed: {error!r}", hint="please report it with the cell's log"
        )
        record.fail(CellStatus.ERRORED, failure)
    finally:
        if _keeps(record):
            record.fail(CellStatus.KEPT, Failure(phase=None, message="kept on request"))
            record.status = CellStatus.KEPT
            record.skip(PhaseName.DESTROY, "--keep-on-failure")
        else:
            destroyer.run()


def _keeps(record: Record) -> bool:
    """Only a failure is kept, and only when it was asked for; an interrupted run is not looked at by anyone."""
    return record.spec.keep_on_failure and record.status in (CellStatus.ERRORED, CellStatus.FAILED)

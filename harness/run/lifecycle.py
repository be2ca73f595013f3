"""One cell in, its record out: preflight, up, probe, destroy, leak check; destroy is armed before the up."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName
from harness.run.cell_world import CellWorld, open_cell_world
from harness.run.destroy import Destroyer
from harness.run.messages import CellSpec, Say
from harness.run.prerequisites import prerequisites
from harness.run.previewed import Previewed
from harness.run.record import PhaseError, Record
from harness.run.secret_sources import learn_config, learn_state
from harness.run.shield import Shield
from harness.run.stages import bring_up

NOTHING = "nothing had been made"
TICK = 0.05  # seconds between two looks at whether we must stop


def run_cell(spec: CellSpec, shield: Shield, say: Say, leased: Callable[[float], bool]) -> Record:
    """The whole life of one cell. Raises nothing that a user can cause: it is in the record.

    `leased` waits so many seconds for the lease to be on disk, and says whether it is. Nothing is made before.
    """
    record = Record(spec, say, time.monotonic)
    with ExitStack() as resources:
        if spec.faults:
            from harness.run.faulted import tell_faults, through_faults

            resources.callback(tell_faults, record)
            try:
                through_faults(record, resources)
            except HarnessError:  # recorded
                return record
        _run(record, shield, leased)
    return record


def _run(record: Record, shield: Shield, leased: Callable[[float], bool]) -> None:
    spec = record.spec
    try:
        with open_cell_world(spec, shield, record.note) as world, prerequisites(record) as provide:
            try:
                if spec.recover:
                    _recover(world, record, shield)
                else:
                    _live(world, record, shield, leased, provide)
            finally:
                record.secrecy.ask_provider(world.provider)
                learn_config(world, record)
    except PhaseError as error:
        if record.failure is None:  # its phase records it; one that did not must not pass for success
            record.fail(CellStatus.ERRORED, error.failure)
    except HarnessError as error:
        _give_up(record, Failure(phase=None, message=error.message, hint=error.hint))


def _give_up(record: Record, failure: Failure) -> None:
    """Nothing could be begun. For a recovery that means that nobody knows what is left."""
    if not record.spec.recover:
        record.fail(CellStatus.ERRORED, failure)
        return
    with suppress(PhaseError), record.phase(PhaseName.DESTROY, failed=CellStatus.LEAKED):
        raise PhaseError(failure)


def _live(
    world: CellWorld,
    record: Record,
    shield: Shield,
    leased: Callable[[float], bool],
    provide: Callable[[Shield], None],
) -> None:
    previewed = _preflight(world, record, shield, leased, provide)
    with destroy_armed(world, record, shield), suppress(PhaseError), _secrets_learnt(world, record):
        with record.phase(PhaseName.UP, failed=CellStatus.ERRORED), shield.phase(PhaseName.UP):
            record.planned = previewed.planned
            if (reason := shield.stop(PhaseName.UP)) is not None:  # while the lease was awaited
                raise PhaseError.stopped_by(reason, PhaseName.UP, "up")
            try:
                bring_up(world, record, shield, previewed.planned)
            finally:
                record.outputs = world.stack.checkpoint().outputs
                if record.timings:  # it has done something; and it may die later
                    record.secrecy.ask_provider(world.provider)
        from harness.run.checking import check_cell  # a run without checks need not pay for their imports

        check_cell(world, record, shield, previewed.probes)


@contextmanager
def _secrets_learnt(world: CellWorld, record: Record) -> Iterator[None]:
    """While the state still holds them."""
    try:
        yield
    finally:
        learn_state(world, record)


def _recover(world: CellWorld, record: Record, shield: Shield) -> None:
    """What another process of this cell began and could not end."""
    learn_state(world, record)
    Destroyer(world, record, shield).run()


def _preflight(
    world: CellWorld,
    record: Record,
    shield: Shield,
    leased: Callable[[float], bool],
    provide: Callable[[Shield], None],
) -> Previewed:
    """The stack, one preview, and the lease, which is opened meanwhile. What it refuses was never made.

    Only what the program needs beside the stack is made before its preview, which reads it, and so after the lease.
    """
    spec = record.spec
    with record.phase(PhaseName.PREFLIGHT, failed=CellStatus.REJECTED), shield.phase(PhaseName.PREFLIGHT):
        if spec.cell.program.prerequisites:
            _await_lease(shield, leased)
            provide(shield)
        world.create_stack()
        wanted = spec.preflight and (spec.policy or spec.probe)  # else nobody asks for it
        previewed = _preview(world, record, shield) if wanted else Previewed()
        _await_lease(shield, leased)
        return previewed


def _await_lease(shield: Shield, leased: Callable[[float], bool]) -> None:
    while not leased(TICK):
        if (reason := shield.stop(PhaseName.PREFLIGHT)) is not None:
            raise PhaseError.stopped_by(reason, PhaseName.PREFLIGHT, "", hint=NOTHING)


def _preview(world: CellWorld, record: Record, shield: Shield) -> Previewed:
    from harness.run.preview import preview_cell  # with all of policy

    return preview_cell(world, record, shield)


@contextmanager
def destroy_armed(world: CellWorld, record: Record, shield: Shield) -> Iterator[None]:
    """Whatever happens inside, the destroy comes after it; what happened inside stays the first cause."""
    destroyer = Destroyer(world, record, shield)
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
            record.status = CellStatus.KEPT
            record.skip(PhaseName.DESTROY, "--keep-on-failure")
        else:
            _interrupted_late(record, shield)
            destroyer.run()


def _interrupted_late(record: Record, shield: Shield) -> None:
    """A signal between two phases, or after the last: nothing was cut short, and still it is no success."""
    reason = shield.interrupted
    if reason is not None and record.status is CellStatus.PASSED:
        record.fail(CellStatus.INTERRUPTED, Failure(phase=None, message=f"stopped: {reason}"))


def _keeps(record: Record) -> bool:
    """Only a failure is kept, and only when it was asked for; an interrupted run is not looked at by anyone."""
    return record.spec.keep_on_failure and record.status in (CellStatus.ERRORED, CellStatus.FAILED)

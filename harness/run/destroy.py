"""A cell that may have made something in; proof that nothing is left, or the list of what is, out.

The ladder, in this order: the engine is dead and its lock released; what was cut off is looked up at the target and
deleted, only then dropped from the state; what blocks a delete is lifted; the stack is destroyed, going on past errors,
and again as long as its errors can pass; what is still ours is deleted one by one; the target is asked about everything
that we ever knew of, and about what AWS leaves outside any state. A rung that breaks does not keep the next ones from
being climbed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from harness.errors import HarnessError, RunError, WorldError
from harness.model import CellStatus, Failure, PhaseName
from harness.run.cell_world import CellWorld
from harness.run.estate import OTHERS, Estate
from harness.run.failure import last_words
from harness.run.leak_check import check_leaks
from harness.run.operation import RESOURCE_LIMIT, operate
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.run.verdicts import HINTS, Patience, Verdict, judge_all
from harness.world.checkpoint import Restored
from harness.world.command import EngineFailedError, EngineStoppedError, Guard

DEATH = 2.0  # seconds in which the end of a provider process shows that has closed its connections
RESERVE = 60.0  # seconds of the destroy's limit that its attempts leave for deleting one by one
_RESTORED = {
    Restored.BACKUP: "the state file could not be read: destroying by its last good copy, and looking for the run's "
    "tag on what that does not know",
    Restored.LOST: "the state file cannot be read: deleting what the journal and the run's tag tell of",
}
RESERVED = 0.2  # of a limit that is short, this part


class Destroyer:
    """Destroys one cell, and proves it."""

    def __init__(self, world: CellWorld, record: Record, shield: Shield) -> None:
        self._world = world
        self._stack = world.stack
        self._record = record
        self._shield = shield
        self._estate = Estate(world, record, shield)
        self._failed: list[PhaseError] = []  # attempts of the engine's destroy

    def run(self) -> None:
        """Both phases, whatever the first one ends with. Records, raises nothing that the user can cause."""
        with self._shield.destroying(self._record.spec.limits.destroy):
            for phase, work, status in (
                (PhaseName.DESTROY, self._destroy, CellStatus.ERRORED),
                (PhaseName.LEAK_CHECK, self._check_leaks, CellStatus.LEAKED),
            ):
                try:
                    with self._record.phase(phase, failed=status):
                        self._explained(phase, work)
                except PhaseError:
                    continue  # recorded; what comes after must run all the same

    def _check_leaks(self) -> None:
        """A provider process that dies over the questions is replaced, and the next one asked again from the start."""
        asked = self._world.provider()
        try:
            check_leaks(self._estate, self._record)
        except WorldError:
            if not asked.ends_within(DEATH):
                raise
            self._record.note("the provider ended before it had answered: another one is asked")
            check_leaks(self._estate, self._record)

    def _explained(self, phase: PhaseName, work: Callable[[], None]) -> None:
        try:
            with self._stack.command.guarded(Guard(stop=self._shield.stop)):
                work()
        except PhaseError:
            raise
        except HarnessError as error:
            raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error
        except EngineFailedError as error:
            raise PhaseError(Failure(phase=phase, message=f"{phase} failed: {last_words(str(error))}")) from error
        except EngineStoppedError as error:
            raise PhaseError(Failure(phase=phase, message=f"{phase} stopped: {error.reason}"), stopped=True) from error
        except OSError as error:
            raise PhaseError(Failure(phase=phase, message=f"{phase} failed: {error}")) from error
        except Exception as error:
            traceback.print_exc()  # a defect of ours must not keep the next rung from being climbed
            hint = "please report it with the cell's log"
            raise PhaseError(Failure(phase=phase, message=f"{phase} failed: {error!r}", hint=hint)) from error

    def _destroy(self) -> None:
        restored = self._stack.restore_state()
        usable = restored is not Restored.LOST
        self._estate.ledger.incomplete |= restored is not Restored.WHOLE
        if told := _RESTORED.get(restored):
            self._record.note(told)
        self._estate.learn()
        if usable:
            self._release_lock()
        self._reconcile()
        if usable and self._stack.checkpoint().resources:
            self._destroy_stack()

    def _release_lock(self) -> None:
        try:
            released = self._stack.release_lock()
        except RunError:
            self._estate.hands_off = True
            raise
        for lock in released:
            self._record.note(f"released the lock that a dead engine of ours had left: {lock.name}")

    def _destroy_stack(self) -> None:
        limit = self._record.spec.limits.destroy
        reserve = min(RESERVE, RESERVED * limit)
        patience = Patience(
            remaining=lambda: self._shield.remaining,
            sleep=self._estate.pause,
            tell=lambda text: self._record.note(f"destroy failed: {text}"),
        )
        try:
            with self._shield.sparing(reserve):
                patience.persist(self._attempt, _judge)
        except PhaseError as error:
            raise self._told(error) from error

    def _told(self, error: PhaseError) -> PhaseError:
        """The failure that ended the attempts, with what helps; a limit that ended them is told beside the cause."""
        hint = HINTS.get(_judge(error) or Verdict.UNKNOWN)
        causes = [one for one in self._failed if not one.stopped]
        if error.stopped and causes:
            tried = f"tried {len(self._failed)} times, then {error.failure.message}"
            detail = "\n".join(part for part in (causes[-1].failure.detail, tried) if part)
            failure = causes[-1].failure.model_copy(update={"detail": detail, "hint": error.failure.hint})
        elif hint:
            told = f"{hint} harness destroy {self._record.spec.run}"
            failure = error.failure.model_copy(update={"hint": told})
        else:
            failure = error.failure
        return PhaseError(failure, interrupted=error.interrupted, stopped=error.stopped, limit=error.limit)

    def _attempt(self) -> None:
        """One destroy by the engine. From the second on, what came up since the last is cleared away first."""
        if self._failed:
            self._world.provider()  # started again if it died
            self._release_lock()
            self._reconcile()
            self._estate.free(self._estate.ledger.known)
        self._estate.unblock()
        planned = len(self._stack.checkpoint().resources)
        try:
            operate(self._stack, self._record, self._shield, PhaseName.DESTROY, self._stack.destroy, planned=planned)
        except PhaseError as error:
            self._failed.append(error)
            raise
        finally:
            self._estate.learn()

    def _reconcile(self) -> None:
        """Creates that were cut off: find them at the target, delete them, and only then clear the evidence."""
        checkpoint, ledger = self._stack.checkpoint(), self._estate.ledger
        self._world.provider()
        in_state = {(resource.type, resource.id) for resource in checkpoint.resources}
        if ledger.is_settled(in_state):
            return
        self._estate.search(ledger.open_types)
        self._estate.await_lost()
        orphans = [known for known in ledger.known if (known.type, known.id) not in in_state]
        left = self._estate.remove(orphans)
        # What our search knows nothing of (a dynamic resource, a command) has no other evidence than this.
        asked_for_all = not any(one.elsewhere or one.type.startswith(OTHERS) for one in checkpoint.pending)
        if checkpoint.pending and not left and not ledger.in_doubt and asked_for_all:
            self._stack.clear_pending()


def _judge(error: BaseException) -> Verdict | None:
    """What a failed destroy means for the next attempt; None when it was stopped, or it was no destroy that failed."""
    if not isinstance(error, PhaseError):
        return None
    if error.limit == RESOURCE_LIMIT:
        return Verdict.PASSING  # a call that hangs; the next attempt may be answered
    if error.stopped:
        return None
    return judge_all([error.failure.message, *error.failure.detail.splitlines()])

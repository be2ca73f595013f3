"""A cell that may have made something in; proof that nothing is left, or the list of what is, out.

The ladder, in this order: the engine is dead and its lock released; what was cut off is looked up at the target and
deleted, only then dropped from the state; what blocks a delete is lifted; the stack is destroyed, going on past errors,
and again after a pause; what is still ours is deleted one by one; the target is asked about everything that we ever
knew of. A rung that breaks does not keep the next ones from being climbed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from harness.errors import HarnessError, WorldError
from harness.model import CellStatus, Failure, PhaseName
from harness.providers.journal import read_journal
from harness.run.cell_world import CellWorld
from harness.run.failure import last_words
from harness.run.leaks import Survey, as_refs, find_tagged, survey, unasked
from harness.run.ledger import Known, Ledger
from harness.run.operation import operate
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.command import EngineFailedError, Guard
from harness.world.provider import Asked

ATTEMPTS = 3  # of the engine's destroy: the second finds what only needed its dependents gone
PAUSE = 1.0  # seconds before the second attempt, doubled for the next
ASKING = 120.0  # seconds for one question to the target about all that is known
ASKING_LATE = 20.0  # the same once the destroy's own time is over: the leak check still gets its answer
ROUNDS = 4  # of deleting one by one: each round frees what the next one can take


class Destroyer:
    """Destroys one cell, and proves it."""

    def __init__(self, world: CellWorld, record: Record, shield: Shield) -> None:
        self._world = world
        self._stack = world.stack
        self._record = record
        self._shield = shield
        self._ledger = Ledger(record.spec.cell.region)
        self._ledger.foreign |= world.files.read_foreign()

    def run(self) -> None:
        """Both phases, whatever the first one ends with. Records, raises nothing that the user can cause."""
        with self._shield.destroying(self._record.spec.limits.destroy):
            for phase, work, status in (
                (PhaseName.DESTROY, self._destroy, CellStatus.ERRORED),
                (PhaseName.LEAK_CHECK, self._leak_check, CellStatus.LEAKED),
            ):
                try:
                    with self._record.phase(phase, failed=status):
                        self._explained(phase, work)
                except PhaseError:
                    continue  # recorded; what comes after must run all the same

    def _explained(self, phase: PhaseName, work: Callable[[], None]) -> None:
        try:
            with self._stack.command.guarded(Guard(stop=self._shield.stop)):
                work()
        except HarnessError as error:
            raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error
        except EngineFailedError as error:
            raise PhaseError(Failure(phase=phase, message=f"{phase} failed: {last_words(str(error))}")) from error
        except OSError as error:
            raise PhaseError(Failure(phase=phase, message=f"{phase} failed: {error}")) from error

    def _destroy(self) -> None:
        usable = self._stack.restore_state()
        if not usable:
            self._ledger.incomplete = True
            self._record.note("the state file cannot be read: deleting what the journal and the run's tag tell of")
        self._learn()
        if usable:
            self._stack.release_lock()
        self._reconcile()
        if usable and self._stack.checkpoint().resources:
            self._stack.make_deletable()
            self._destroy_stack()

    def _destroy_stack(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            planned = len(self._stack.checkpoint().resources)
            try:
                operate(
                    self._stack, self._record, self._shield, PhaseName.DESTROY, self._stack.destroy, planned=planned
                )
            except PhaseError as error:
                self._learn()
                if attempt == ATTEMPTS or self._shield.stop():
                    raise
                self._record.note(f"destroy failed, trying again: {error.failure.message}")
                self._pause(PAUSE * 2 ** (attempt - 1))
                self._world.provider()  # started again if it died
                self._stack.release_lock()
                self._reconcile()
            else:
                return

    def _learn(self) -> None:
        self._ledger.add_state(self._stack.checkpoint())
        self._world.files.write_foreign(self._ledger.foreign)  # a destroy that comes later has no state to tell it
        self._ledger.add_journal(read_journal(self._stack.files.journal))

    def _reconcile(self) -> None:
        """Creates that were cut off: find them at the target, delete them, and only then clear the evidence."""
        checkpoint = self._stack.checkpoint()
        self._world.provider()
        in_state = {(resource.type, resource.id) for resource in checkpoint.resources}
        if self._ledger.is_settled(in_state):
            return
        self._search(self._ledger.open_types)
        orphans = [known for known in self._ledger.known if (known.type, known.id) not in in_state]
        left = self._delete_each(orphans)
        if checkpoint.pending and not left:
            self._stack.clear_pending()

    def _search(self, types: Iterable[str]) -> None:
        """Look for the run's tag. An unanswered create of a type that was searched is no longer in doubt."""
        wanted = set(types) if not self._ledger.incomplete else self._ledger.all_types
        run = self._record.spec.run
        self._ledger.add_found(
            find_tagged(self._world.provider(), run, wanted, self._ledger.regions, self._patience), searched=wanted
        )

    def _survey(self, known: Iterable[Known]) -> Survey:
        return survey(self._world.provider(), known, self._patience)

    @property
    def _patience(self) -> float:
        return min(ASKING, max(ASKING_LATE, self._shield.remaining))

    def _delete_each(self, targets: Iterable[Known]) -> tuple[Known, ...]:
        """Delete what exists of these without the engine, newest first, in rounds. Returns what is left."""
        # On an emulator the account is the cell's alone; elsewhere a name is no proof that a thing is ours.
        alone = self._record.spec.url is not None
        left = self._survey(known for known in targets if known.ours or alone).existing
        for _ in range(ROUNDS):
            if not left or self._shield.stop():
                break
            for known in reversed(left):
                self._delete_one(known)
            left = self._survey(left).existing
        return left

    def _delete_one(self, known: Known) -> None:
        item = Asked(known.type, known.id, known.outputs)
        try:
            self._world.provider().delete(known.region, item, timeout=self._shield.remaining)
        except WorldError as error:  # not lost: what is left is asked about again, and named when it stays
            self._record.note(f"could not delete {known.type} {known.id} yet: {error.message}")
        else:
            self._record.deleted += 1
            self._record.note(f"deleted {known.type} {known.id}, which no state held")

    def _leak_check(self) -> None:
        self._learn()
        # Until the target has answered, nothing is known to be gone.
        self._record.unverified = unasked(self._ledger)
        self._search(self._ledger.types)
        seen = self._survey(self._ledger.known)
        if seen.existing:
            self._delete_each(seen.existing)
            seen = self._survey(self._ledger.known)
        self._record.leaked, self._record.unverified = as_refs(seen)
        if self._record.leaked:
            names = ", ".join(f"{ref.type} {ref.id}" for ref in self._record.leaked[:5])
            raise PhaseError(
                Failure(
                    phase=PhaseName.LEAK_CHECK,
                    message=f"{len(self._record.leaked)} resources still exist: {names}",
                    hint=f"harness destroy {self._record.spec.run} tries again; the lease stays open",
                )
            )
        if self._record.unverified:
            self._judge_unverified()

    def _judge_unverified(self) -> None:
        """The bundled provider can describe all that it makes: an answer that is missing is no proof."""
        if self._record.spec.provider == "bundled":
            first = self._record.unverified[0]
            raise PhaseError(
                Failure(
                    phase=PhaseName.LEAK_CHECK,
                    message=f"{len(self._record.unverified)} resources could not be asked about: "
                    f"{first.type} {first.id}: {first.reason}",
                    hint=f"harness destroy {self._record.spec.run} asks again; the lease stays open",
                )
            )

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._shield.stop():
            time.sleep(0.05)

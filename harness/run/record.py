"""What happens to a cell in; its result out. The first cause is kept, whatever goes wrong afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from harness.model import (
    CellResult,
    CellStatus,
    Failure,
    FaultOutcome,
    Finding,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    ProbeOutcome,
    RecheckOutcome,
    ResourceRef,
    Resources,
    RuleOutcome,
    StageOutcome,
    Timing,
)
from harness.run.messages import CellSpec, NoteMessage, PhaseMessage, Say
from harness.run.secrecy import Secrecy
from harness.run.shield import hint_of, limit_of


class PhaseError(Exception):
    """A phase did not succeed; carries what is told to the user.

    `interrupted` when we were asked to stop, `stopped` when that or a `limit` ended it; `status` where it is another
    one than the phase's own; `output` is what an engine had printed.
    """

    @classmethod
    def stopped_by(cls, reason: str, phase: PhaseName, what: str, *, hint: str = "", detail: str = "") -> PhaseError:
        """`what` was stopped for a reason that the shield gave."""
        message = f"{what} stopped: {reason}" if what else f"stopped: {reason}"
        limit = limit_of(reason)
        failure = Failure(phase=phase, message=message, hint=hint_of(reason) or hint, detail=detail)
        return cls(failure, interrupted=not limit, stopped=True, limit=limit)

    def __init__(
        self,
        failure: Failure,
        *,
        interrupted: bool = False,
        stopped: bool = False,
        status: CellStatus | None = None,
        output: str = "",
        limit: str = "",
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.interrupted = interrupted
        self.stopped = stopped or interrupted
        self.status = status
        self.output = output
        self.limit = limit


class Record:
    """One cell while it runs."""

    def __init__(self, spec: CellSpec, say: Say, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.secrecy = Secrecy(spec)
        self.say: Say = lambda message: say(self.secrecy.message(message))
        self.clock = clock
        self.began, self.started = clock(), datetime.now(UTC)
        self._lock = threading.Lock()  # probes and recheck end side by side
        self.phases: list[PhaseResult] = []
        self.timings: list[Timing] = []
        self.stages: list[StageOutcome] = []
        self.rules: tuple[RuleOutcome, ...] = ()
        self.findings: tuple[Finding, ...] = ()
        self.probes: tuple[ProbeOutcome, ...] = ()
        self.rechecks: tuple[RecheckOutcome, ...] = ()
        self.faults: tuple[FaultOutcome, ...] = ()
        self.arm: Callable[[Iterable[PhaseName]], None] = lambda _phases: None  # hears which phases run
        self._running: set[PhaseName] = set()
        self.outputs: Mapping[str, Any] = {}
        self.outputs_read = False  # the secret ones too
        self.leaked: tuple[ResourceRef, ...] = ()
        self.unverified: tuple[ResourceRef, ...] = ()
        self.unblocked: list[ResourceRef] = []
        self.remnants: list[ResourceRef] = []
        self.lasting: tuple[ResourceRef, ...] = ()
        self.planned = self.created = self.updated = self.deleted = self.let_go = 0
        self.failure: Failure | None = spec.first_failure
        self.status = CellStatus.PASSED if spec.first_failure is None else CellStatus.ERRORED

    def since_start(self) -> float:
        """Seconds since the cell began."""
        return round(self.clock() - self.began, 3)

    def note(self, text: str) -> None:
        """Tell the user something at once."""
        self.say(NoteMessage(text=text))

    def fail(self, status: CellStatus, failure: Failure) -> None:
        """A worse status replaces a better one; the first failure stays the cause, the next is told beside it."""
        with self._lock:
            self._fail(status, failure)

    def _fail(self, status: CellStatus, failure: Failure) -> None:
        worst_first = list(CellStatus)
        if self.status is not CellStatus.KEPT:  # what is up stays up, whatever fails after that
            self.status = min(self.status, status, key=worst_first.index)
        if self.failure is None:
            self.failure = failure
        else:
            after = f"then, in {failure.phase}: {failure.message}" if failure.phase else f"then: {failure.message}"
            detail = "\n".join(part for part in (self.failure.detail, after) if part)
            self.failure = self.failure.model_copy(update={"detail": detail})

    @contextmanager
    def phase(self, name: PhaseName, *, failed: CellStatus) -> Iterator[None]:
        """Time one phase. PhaseError is recorded (as `failed`, or INTERRUPTED) and raised on."""
        began = self.clock()
        self._run(name, running=True)
        self.say(PhaseMessage(phase=name, status=PhaseStatus.RUNNING))
        try:
            yield
        except PhaseError as error:
            status = PhaseStatus.INTERRUPTED if error.interrupted else PhaseStatus.FAILED
            self.fail(CellStatus.INTERRUPTED if error.interrupted else error.status or failed, error.failure)
            self._end(name, status, began, error.failure.message, error.limit)
            raise
        except BaseException as error:
            self._end(name, PhaseStatus.FAILED, began, str(error))
            raise
        else:
            self._end(name, PhaseStatus.PASSED, began, "")
        finally:
            self._run(name, running=False)

    def _run(self, name: PhaseName, *, running: bool) -> None:
        with self._lock:
            (self._running.add if running else self._running.discard)(name)
            self.arm(self._running)

    def skip(self, name: PhaseName, why: str) -> None:
        """A phase that does not run, and why."""
        skipped = PhaseResult(phase=name, status=PhaseStatus.SKIPPED, seconds=0, started=self.since_start(), detail=why)
        self.phases.append(skipped)
        self.say(PhaseMessage(phase=name, status=PhaseStatus.SKIPPED))

    def result(self) -> CellResult:
        """What the cell has to say."""
        resources = Resources(
            planned=self.planned,
            created=self.created,
            updated=self.updated,
            deleted=self.deleted,
            leaked=self.leaked,
            unverified=self.unverified,
            unblocked=tuple(self.unblocked),
            remnants=tuple(self.remnants),
            lasting=self.lasting,
        )
        seen = {
            "started": self.started,
            "seconds": self.since_start(),
            "phases": tuple(sorted(self.phases, key=lambda phase: list(PhaseName).index(phase.phase))),
            "resources": resources,
            "stages": tuple(self.stages),
            "timings": tuple(self.timings),
            "rules": self.rules,
            "findings": self.findings,
            "probes": self.probes,
            "rechecks": self.rechecks,
            "faults": self.faults,
            "outputs": self.outputs,
        }
        return self.spec.blank_result(self.status, self.failure).model_copy(update=seen)

    def _end(self, name: PhaseName, status: PhaseStatus, began: float, detail: str, limit: str = "") -> None:
        seconds = round(self.clock() - began, 3)
        started = round(began - self.began, 3)
        self.phases.append(
            PhaseResult(phase=name, status=status, seconds=seconds, started=started, detail=detail, limit=limit)
        )
        self.say(PhaseMessage(phase=name, status=status, seconds=seconds))

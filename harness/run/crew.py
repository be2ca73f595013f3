"""Specifications and a world in; results out: cells side by side, leases around each, signals passed on to all."""

from __future__ import annotations

import os
import queue
import shlex
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.errors import ExitCode, HarnessError
from harness.model import (
    CellResult,
    CellStatus,
    Failure,
    LeaseState,
    PhaseName,
    PhaseStatus,
    worst_exit_code,
)
from harness.run.cell_process import CellProcess, lost
from harness.run.gone import gone_with_emulator
from harness.run.interrupts import GIVE_UP_SECONDS, INTERRUPTS
from harness.run.leasing import Heartbeat, new_lease, postponed
from harness.run.messages import CellSpec, Message, NoteMessage, ResultMessage
from harness.world.files import CellFiles
from harness.world.open import World

if TYPE_CHECKING:
    from harness.world.leases import Leases

TICK = 0.1  # seconds: how late a signal may be passed on
GIVING_UP = 20.0  # seconds for the end of everything that was given up; then we end without having seen it
TAKEN = "its lease was taken over"
GIVEN_UP = f"given up after three signals within {GIVE_UP_SECONDS:.0f} s"


class Audience(Protocol):
    """Who hears what the cells say."""

    def hear(self, cell: str, message: Message) -> None:
        """One message of one cell."""


def run_cells(specs: list[CellSpec], world: World, audience: Audience, parallel: int) -> list[CellResult]:
    """The cells of `specs`, at most `parallel` at a time, in the order of `specs`."""
    crew = _Crew(world, audience)
    for spec in specs:
        if spec.recover:
            crew.leased(spec)
    try:
        crew.begin(specs[: max(1, parallel)])
        world.complete()
        if not any(spec.recover for spec in specs):  # whoever took their leases over holds them already
            INTERRUPTS.hold()  # from here on signals are requests to the cells
    except BaseException:
        INTERRUPTS.caught()  # another signal must not cut this short
        crew.abandon()
        raise
    with crew.heartbeat(), ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        futures = [pool.submit(crew.work, spec) for spec in specs]
        while wait(futures, timeout=TICK).not_done:
            crew.pass_on()
            crew.watch()
    crew.fall_silent()
    results = [future.result() for future in futures]
    INTERRUPTS.leave_with(worst_exit_code([result.status for result in results]))
    return results


class _Crew:
    """The cells that run now, and the signal that must reach all of them."""

    def __init__(self, world: World, audience: Audience) -> None:
        self._world = world
        self._audience = audience
        self._lock = threading.Lock()
        self._running: dict[str, CellProcess] = {}
        self._begun: dict[str, CellProcess] = {}
        self._leased: set[tuple[str, str]] = set()  # run and cell, from when their lease is ours until it is settled
        self._taken: set[str] = set()  # cells whose lease is somebody else's by now
        self._passed_on = 0
        self._opened = datetime.now(UTC)
        self._given_up_at: float | None = None
        self._aside: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._speaker = threading.Thread(target=self._speak, name="answers", daemon=True)
        self._speaker.start()

    def begin(self, specs: list[CellSpec]) -> None:
        """Start the processes of the cells that come first, while the rest of the world is being opened."""
        for spec in specs:
            self._begun[spec.cell.name] = process = self._process(spec)
            try:
                process.begin()
            except (OSError, HarnessError):  # it is tried again where it can be told as the cell's failure
                return

    def abandon(self) -> None:
        """Nothing will run: end what was begun, and remove its folders, unless a lease stands for what is in them."""
        for process in self._begun.values():
            process.abandon()
            if not process.recovers:
                process.files.remove()

    def _process(self, spec: CellSpec) -> CellProcess:
        name = spec.cell.name
        begun = self._begun.pop(name, None)
        if begun is not None:
            return begun
        hear: Callable[[Message], None] = lambda message: self._audience.hear(name, message)  # noqa: E731 - bound once
        return CellProcess(spec, hear, self._world.keep_open, self._world.early.take(spec.directory))

    def pass_on(self) -> None:
        """The first signal stops the cells; the next ones are answered with where they stand; three at once give up."""
        came = INTERRUPTS.names
        while self._passed_on < len(came):
            reason, first = came[self._passed_on], self._passed_on == 0
            self._passed_on += 1
            for name, process in self._now_running().items():
                answer = _answer(reason, process, first=first)
                if first:
                    process.stop(reason)
                self._aside.put((name, answer))
        if self._given_up_at is None and INTERRUPTS.gives_up:
            self._give_up()
        elif self._given_up_at is not None and time.monotonic() - self._given_up_at > GIVING_UP:
            os._exit(ExitCode.LEAKED)  # something cannot be killed, or nobody reads what we say; all was said before

    def watch(self) -> None:
        """End cell processes that are stopped, stuck or late."""
        for process in self._now_running().values():
            process.watch()

    def _give_up(self) -> None:
        self._given_up_at = time.monotonic()
        for name, process in self._now_running().items():
            farewell = list(_farewell(process, self._world))
            process.give_up(GIVEN_UP)
            for line in farewell:
                self._aside.put((name, line))

    def _speak(self) -> None:
        """What is said to signals: beside the rest, for a terminal that does not scroll must not hold them up."""
        while (said := self._aside.get()) is not None:
            name, text = said
            self._audience.hear(name, NoteMessage(text=text))

    def fall_silent(self) -> None:
        """All that was to be said is said, as far as somebody listens."""
        self._aside.put(None)
        self._speaker.join(1)

    def _now_running(self) -> dict[str, CellProcess]:
        with self._lock:
            return dict(self._running)

    def leased(self, spec: CellSpec) -> None:
        """The cell's lease is ours from now on."""
        with self._lock:
            self._leased.add((spec.run, spec.cell.name))

    def heartbeat(self) -> Heartbeat:
        """What says, while it is entered, that we still work on the cells that run."""
        return Heartbeat(
            lambda: self._world.leases,
            self._worked_on,
            lambda text: self._audience.hear("leases", NoteMessage(text=text)),
            self.lose,
        )

    def lose(self, lost: Collection[tuple[str, str]]) -> None:
        """Somebody took these for dead, and destroys what they make: their cells stop and destroy, too."""
        names = sorted(cell for _, cell in lost)
        with self._lock:
            self._leased -= set(lost)
            self._taken |= set(names)
        running = self._now_running()
        for name in names:
            self._aside.put((name, f"{TAKEN}; stopping, then destroying"))
            if name in running:
                running[name].stop(TAKEN)

    def _worked_on(self) -> set[tuple[str, str]]:
        with self._lock:
            return set(self._leased)

    def work(self, spec: CellSpec) -> CellResult:
        """One cell from lease to lease."""
        if spec.cell.name not in self._begun and not spec.recover:
            # It waited for others: what it makes is live for as long as its limits say from now on.
            spec = postponed(spec, datetime.now(UTC) - self._opened)
        process = self._process(spec)
        refused = self._refused(spec)
        if refused is not None:
            process.abandon()
            if not spec.recover:
                process.files.forget()  # nothing was made; its log stays
                return spec.blank_result(*refused)
        # What a recovery was to destroy is still there, and so are the files that the next one needs.
        result = self._attend(spec, process) if refused is None else lost(spec, refused[1].message)
        emulator = self._world.emulator
        if result.status is CellStatus.LEAKED and emulator is not None and not emulator.running:
            result = gone_with_emulator(result)
        name = spec.cell.name
        try:
            if not settle(spec.run, name, spec.directory, result, self._world.leases):
                told = f"{TAKEN}: whoever has it closes it; its files stay in {spec.directory}"
                self._audience.hear(name, NoteMessage(text=told))
        except HarnessError as error:  # the result counts more than its bookkeeping, and an open lease is the safe side
            self._audience.hear(name, NoteMessage(text=f"the lease stays open: {error.message}"))
        with self._lock:
            self._leased.discard((spec.run, name))
        self._audience.hear(name, ResultMessage(result=result))
        return result

    def _refused(self, spec: CellSpec) -> tuple[CellStatus, Failure] | None:
        """Open the lease; or why nothing is begun. Without a lease nothing is made, and the other cells go on."""
        if told := INTERRUPTS.names:
            return CellStatus.INTERRUPTED, Failure(phase=None, message=f"not begun: {told[0]}")
        try:
            self._open_lease(spec)
        except HarnessError as error:
            return CellStatus.REJECTED, Failure(phase=None, message=error.message, hint=error.hint)
        return None

    def _attend(self, spec: CellSpec, process: CellProcess) -> CellResult:
        name = spec.cell.name
        with self._lock:
            self._running[name] = process
        if told := INTERRUPTS.names:  # it came between the look in `_refused` and the entry into the table
            process.stop(told[0])
        elif name in self._taken:
            process.stop(TAKEN)
        if self._given_up_at is not None:
            process.give_up(GIVEN_UP)
        try:
            return process.run()
        finally:
            with self._lock:
                del self._running[name]

    def _open_lease(self, spec: CellSpec) -> None:
        leases = self._world.leases  # the database's library: others start while it is being imported
        files = CellFiles(spec.directory)
        files.make()
        files.write_spec(spec.model_dump_json())
        if not spec.recover:  # else whoever recovers has taken the lease over
            leases.open(new_lease(spec, self._world.account, datetime.now(UTC)))
            self.leased(spec)


def settle(run: str, cell: str, directory: Path, result: CellResult, leases: Leases) -> bool:
    """Close the lease of what is proved gone, and remove its state; anything else stays open and says why.

    False when the lease is no longer ours: whoever has it needs the state.
    """
    state, reason = lease_state(result)
    if not leases.settle(run, cell, state, reason):
        return False
    if state is LeaseState.CLOSED:
        CellFiles(directory).forget()
    return True


def lease_state(result: CellResult) -> tuple[LeaseState, str]:
    """Only what the target said closes a lease, or that nothing was ever begun; never while something is left."""
    if result.status is CellStatus.KEPT:
        return LeaseState.KEPT, "kept on request"
    ended = {phase.phase: phase.status for phase in result.phases}
    begun = {PhaseName.UP, PhaseName.DESTROY} & ended.keys()
    left = result.resources
    proved = ended.get(PhaseName.LEAK_CHECK) is PhaseStatus.PASSED or not begun
    # A prerequisite may be left where the preflight refused, and where the stack itself is proved gone.
    if proved and result.status is not CellStatus.LEAKED and not left.leaked:
        return LeaseState.CLOSED, result.status.value
    why = next(
        (f": {phase.detail}" for phase in result.phases if phase.phase is PhaseName.DESTROY and phase.detail), ""
    )
    return LeaseState.LEAKED, f"{len(left.leaked)} leaked, {len(left.unverified)} unverified{why}"


def _answer(reason: str, process: CellProcess, *, first: bool) -> str:
    """What a signal is answered with."""
    if process.destroying:
        return (
            f"{reason}: {process.standing}; it goes on until nothing is left "
            f"(three signals within {GIVE_UP_SECONDS:.0f} s give up)"
        )
    return f"{reason}: {'stopping' if first else 'still stopping'} {process.standing}, then destroying"


def _farewell(process: CellProcess, world: World) -> Iterator[str]:
    """What is not done, what becomes of its processes, and who finishes it."""
    run = process.files.directory.parent.name
    yield f"{GIVEN_UP}: NOT destroyed ({process.standing}); its cell, engine, provider and program are being ended"
    home = f"HARNESS_HOME={shlex.quote(str(world.home.root))} " if "HARNESS_HOME" in os.environ else ""
    yield f"finish it with: {home}harness destroy {run}"
    yield f"or with: {home}harness sweep --apply --run {run}"
    yield f"state, journal and log lie in {process.files.directory}; the lease stays open"
    if world.emulator is not None:
        yield "the embedded emulator ends with this command, and everything in it"

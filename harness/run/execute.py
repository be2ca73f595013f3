"""A plan and an open world in; the result of every cell out. Sequential is parallel with one worker."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Protocol

from harness.errors import HarnessError
from harness.model import (
    Cell,
    CellResult,
    CellStatus,
    Failure,
    Lease,
    LeaseState,
    PhaseName,
    PhaseStatus,
    Plan,
    RunResult,
    worst_exit_code,
)
from harness.run.cell_process import CellProcess
from harness.run.keep import keep_emulator
from harness.run.messages import CellSpec, Message, NoteMessage, ResultMessage
from harness.world.files import CellFiles
from harness.world.hosts import hosted_executable
from harness.world.leases import owner
from harness.world.open import World
from harness.world.target import new_account

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KEEP_SECONDS = 8 * 3600.0  # how long a kept environment stays up: a working day
TICK = 0.1  # seconds: how late a signal may be passed on


class Audience(Protocol):
    """Who hears what the cells say."""

    def hear(self, cell: str, message: Message) -> None:
        """One message of one cell."""


def execute(plan: Plan, world: World, audience: Audience, rng: random.Random) -> RunResult:
    """Run every cell; leases are opened before and settled after each. Signals stop all of them, with their destroy."""
    started, began = datetime.now(UTC), time.monotonic()
    specs = [make_spec(plan, cell, world, started, rng) for cell in plan.cells]
    results = run_cells(specs, world, audience, plan.parallel)
    if world.emulator is not None and any(result.status is CellStatus.KEPT for result in results):
        keep_emulator(world.emulator, world.home.run(plan.run), KEEP_SECONDS)
    return RunResult(
        run=plan.run,
        started=started,
        seconds=round(time.monotonic() - began, 3),
        exit_code=worst_exit_code([result.status for result in results]),
        engine={"version": world.engine.version, "origin": world.engine.origin, "path": str(world.engine.path)},
        provider=plan.provider,
        target=str(world.target),
        cells=tuple(results),
    )


def make_spec(plan: Plan, cell: Cell, world: World, started: datetime, rng: random.Random) -> CellSpec:
    """What the cell's process is told."""
    kept = KEEP_SECONDS if plan.keep_on_failure else 0
    expires = started + timedelta(seconds=plan.limits.run + plan.limits.destroy + kept)
    return CellSpec(
        run=plan.run,
        cell=cell,
        account=None if world.target.kind == "aws" else new_account(rng),
        directory=world.home.run(plan.run) / cell.name,
        engine=hosted_executable(world.engine, world.hosts),
        engine_version=world.engine.version,
        hosts=world.hosts,
        provider=plan.provider,
        target=world.target.kind,
        url=world.url,
        limits=plan.limits,
        expires=expires.isoformat(timespec="seconds"),
        keep_on_failure=plan.keep_on_failure,
        preflight=plan.preflight,
        policy=plan.policy,
        policy_packs=plan.policy_packs,
        probe=plan.probe,
        recheck=plan.recheck,
    )


def run_cells(specs: list[CellSpec], world: World, audience: Audience, parallel: int) -> list[CellResult]:
    """The cells of `specs`, at most `parallel` at a time, in the order of `specs`."""
    crew = _Crew(world, audience)
    crew.heed_signals()
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        futures = [pool.submit(crew.work, spec) for spec in specs]
        while wait(futures, timeout=TICK).not_done:
            crew.pass_on()
    return [future.result() for future in futures]


class _Crew:
    """The cells that run now, and the signal that must reach all of them."""

    def __init__(self, world: World, audience: Audience) -> None:
        self._world = world
        self._audience = audience
        self._lock = threading.Lock()
        self._running: dict[str, CellProcess] = {}
        self._signals: list[str] = []
        self._passed_on = 0

    def heed_signals(self) -> None:
        """Signals become requests to the cells. They stay so afterwards: a report that is being written is not lost."""

        def note(number: int, _frame: FrameType | None) -> None:
            self._signals.append(signal.Signals(number).name)

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup is honoured
                signal.signal(number, note)

    def pass_on(self) -> None:
        """Tell the running cells about signals that came since."""
        while self._passed_on < len(self._signals):
            reason = self._signals[self._passed_on]
            self._passed_on += 1
            with self._lock:
                running = dict(self._running)
            for name, process in running.items():
                self._audience.hear(name, NoteMessage(text=f"{reason}: stopping, then destroying"))
                process.stop(reason)

    def work(self, spec: CellSpec) -> CellResult:
        """One cell from lease to lease."""
        name = spec.cell.name
        if self._signals:
            failure = Failure(phase=None, message=f"not begun: {self._signals[0]}")
            return spec.blank_result(CellStatus.INTERRUPTED, failure)
        hear: Callable[[Message], None] = lambda message: self._audience.hear(name, message)  # noqa: E731 - bound once
        try:
            self._open_lease(spec)
        except HarnessError as error:  # without a lease nothing is made; the other cells go on
            failure = Failure(phase=None, message=error.message, hint=error.hint)
            return spec.blank_result(CellStatus.REJECTED, failure)
        process = CellProcess(spec, hear, self._world.keep_open)
        with self._lock:
            self._running[name] = process
        if self._signals:  # it came between the look above and the entry into the table
            process.stop(self._signals[0])
        try:
            result = process.run()
        finally:
            with self._lock:
                del self._running[name]
        try:
            settle(spec, result, self._world)
        except HarnessError as error:  # the result counts more than its bookkeeping, and an open lease is the safe side
            hear(NoteMessage(text=f"the lease stays open: {error.message}"))
        hear(ResultMessage(result=result))
        return result

    def _open_lease(self, spec: CellSpec) -> None:
        files = CellFiles(spec.directory)
        files.make()
        files.write_spec(spec.model_dump_json())
        lease = Lease(
            run=spec.run,
            cell=spec.cell.name,
            stack=spec.cell.stack,
            program=spec.cell.program.name,
            target=spec.url or spec.target,
            region=spec.cell.region,
            account=spec.account,
            directory=str(spec.directory),
            created=datetime.now(UTC),
            expires=datetime.fromisoformat(spec.expires),
            **owner(),
        )
        self._world.leases.open(lease)


def settle(spec: CellSpec, result: CellResult, world: World) -> None:
    """Close the lease of what is proved gone, and remove its state; anything else stays open and says why."""
    lease_state, reason = _lease_state(result)
    world.leases.settle(spec.run, spec.cell.name, lease_state, reason)
    if lease_state is LeaseState.CLOSED:
        CellFiles(spec.directory).forget()


def _lease_state(result: CellResult) -> tuple[LeaseState, str]:
    """Only what the target said closes a lease; or that nothing was ever begun."""
    if result.status is CellStatus.KEPT:
        return LeaseState.KEPT, "kept on request"
    ended = {phase.phase: phase.status for phase in result.phases}
    begun = {PhaseName.UP, PhaseName.DESTROY} & ended.keys()
    if ended.get(PhaseName.LEAK_CHECK) is PhaseStatus.PASSED or not begun:
        return LeaseState.CLOSED, result.status.value
    left = result.resources
    return LeaseState.LEAKED, f"{len(left.leaked)} leaked, {len(left.unverified)} unverified"

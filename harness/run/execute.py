"""A plan and an open world in; the result of every cell out. Sequential is parallel with one worker."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.model import (
    Cell,
    CellStatus,
    Plan,
    RunResult,
    worst_exit_code,
)
from harness.plan.limits import limits_of
from harness.run.crew import Audience, run_cells
from harness.run.keep import keep_emulator
from harness.run.messages import CellSpec, NoteMessage
from harness.world.hosts import hosted_executable
from harness.world.open import World
from harness.world.target import new_account

if TYPE_CHECKING:
    from harness.world.history import Kind

KEEP_SECONDS = 8 * 3600.0  # how long a kept environment stays up: a working day


def execute(plan: Plan, world: World, audience: Audience, rng: random.Random) -> RunResult:
    """Run every cell; leases are opened before and settled after each. Signals stop all of them, with their destroy."""
    started, began = datetime.now(UTC), time.monotonic()
    specs = [make_spec(plan, cell, world, started, rng) for cell in plan.cells]
    if plan.cells and world.target.kind == "aws":
        _foretell(specs, audience, started)
    results = run_cells(specs, world, audience, plan.parallel)
    if world.emulator is not None and any(result.status is CellStatus.KEPT for result in results):
        keep_emulator(world.emulator, world.home.run(plan.run), KEEP_SECONDS)
    result = RunResult(
        run=plan.run,
        started=started,
        seconds=round(time.monotonic() - began, 3),
        exit_code=worst_exit_code([result.status for result in results]),
        engine={"version": world.engine.version, "origin": world.engine.origin, "path": str(world.engine.path)},
        provider=plan.provider,
        target=str(world.target),
        cells=tuple(results),
    )
    remember(result, "run", world, audience)
    return result


def _foretell(specs: list[CellSpec], audience: Audience, now: datetime) -> None:
    """Whether the credentials last. Raises TargetError when they do not even last for a destroy."""
    from harness.run.credentials import foretell
    from harness.world.credentials import read_expiry

    expiry = read_expiry()
    for text in sorted({foretell(expiry, now, spec.limits) or "" for spec in specs} - {""}):
        audience.hear("credentials", NoteMessage(text=text))


def remember(result: RunResult, kind: Kind, world: World, audience: Audience) -> None:
    """Keep the result in the history. That it cannot be kept is told, and changes nothing of it."""
    try:
        world.history.add(result, kind)
    except Exception as error:  # noqa: BLE001 - even a defect of ours there must not cost anybody the verdict
        audience.hear("history", NoteMessage(text=f"run {result.run} is not in it: {error}"))


def make_spec(plan: Plan, cell: Cell, world: World, started: datetime, rng: random.Random) -> CellSpec:
    """What the cell's process is told."""
    faults = plan.faults
    if faults:
        from harness.plan.faults import for_cell

        faults = for_cell(faults, cell.name, cell.program.name)
    kept = KEEP_SECONDS if plan.keep_on_failure else 0
    limits = limits_of(plan.limits, cell.program)
    expires = started + timedelta(seconds=limits.run + limits.destroy + kept)
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
        limits=limits,
        expires=expires.isoformat(timespec="seconds"),
        keep_on_failure=plan.keep_on_failure,
        preflight=plan.preflight,
        policy=plan.policy,
        policy_packs=plan.policy_packs,
        probe=plan.probe,
        recheck=plan.recheck,
        faults=faults,
        fault_seed=plan.fault_seed,
    )

"""A run's id in; its open leases closed by a destroy that is proved, out."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import ValidationError

from harness.errors import TargetError, UsageError
from harness.model import (
    CellResult,
    CellStatus,
    Lease,
    LeaseState,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    RunResult,
    worst_exit_code,
)
from harness.run.crew import Audience, run_cells
from harness.run.execute import remember
from harness.run.keep import end_kept_emulator
from harness.run.messages import CellSpec
from harness.world.files import CellFiles
from harness.world.leases import Leases
from harness.world.open import World
from harness.world.target import Target, check_target


def find_open(leases: Leases, run: str) -> Sequence[Lease]:
    """The open leases of a run that nobody works with. Raises UsageError."""
    of_run = leases.listed(run=run)
    if not of_run:
        raise UsageError(f"no run {run!r} is known here", hint="harness leases lists what is open")
    found = [lease for lease in of_run if lease.state is not LeaseState.CLOSED]
    for lease in found:
        if lease.state is LeaseState.OPEN and is_worked_on(lease):
            raise UsageError(
                f"run {run!r} is still at work (process {lease.process})",
                hint=f"kill -INT {lease.process} stops it, and it destroys what it made",
            )
    return found


def is_worked_on(lease: Lease) -> bool:
    """Whether the process that opened the lease lives; another host's cannot be asked, and counts as living."""
    if lease.host != platform.node():
        return True
    try:
        return psutil.Process(lease.process).create_time() <= lease.created.timestamp() + 1
    except psutil.NoSuchProcess:
        return False


def release(found: Sequence[Lease], world: World, audience: Audience, *, parallel: int = 1) -> RunResult:
    """Destroy what these leases stand for, and settle them."""
    started, began = datetime.now(UTC), time.monotonic()
    specs = [load_spec(lease) for lease in found]
    gone = [spec for spec in specs if _went_with_its_emulator(spec)]
    results = [_close_gone(spec, world) for spec in gone]
    rest = [spec.model_copy(update={"recover": True}) for spec in specs if spec not in gone]
    results += run_cells(rest, world, audience, parallel)
    for spec in specs:
        if world.leases.listed(run=spec.run, only_open=True):
            continue
        end_kept_emulator(Path(spec.directory).parent)
    result = RunResult(
        run=found[0].run,
        started=started,
        seconds=round(time.monotonic() - began, 3),
        exit_code=worst_exit_code([result.status for result in results]),
        engine={"version": world.engine.version, "origin": world.engine.origin, "path": str(world.engine.path)},
        provider=specs[0].provider,
        target=specs[0].url or specs[0].target,
        cells=tuple(results),
    )
    remember(result, "destroy", world, audience)
    return result


def load_spec(lease: Lease) -> CellSpec:
    """What the cell of a lease was told. Raises UsageError when it is lost."""
    path = CellFiles(Path(lease.directory)).spec
    try:
        spec = CellSpec.model_validate_json(path.read_text(encoding="utf-8"))
        return spec.model_copy(update={"faults": ()})  # they were for the run; whoever comes later asks the target
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"the work folder of {lease.cell} cannot be read: {path}",
            hint=f"look for the tag harness:run={lease.run} at {lease.target}, account {lease.account}, {lease.region}",
        ) from error


def target_of(spec: CellSpec) -> Target:
    """Where the cell's resources are; an embedded emulator with its URL is one that is not started again."""
    return Target(kind=spec.target, url=spec.url)


def _went_with_its_emulator(spec: CellSpec) -> bool:
    """An embedded emulator keeps everything in memory: when it is gone, so is all that was in it."""
    if spec.target != "emulator":
        return False
    try:
        check_target(Target(kind="url", url=spec.url))
    except TargetError as error:
        if isinstance(error.__cause__, ConnectionRefusedError):  # silence is no proof: it may be stopped, or busy
            return True
        raise
    return False


def _close_gone(spec: CellSpec, world: World) -> CellResult:
    detail = f"the embedded emulator at {spec.url} has ended, and everything in it"
    world.leases.settle(spec.run, spec.cell.name, LeaseState.CLOSED, detail)
    CellFiles(spec.directory).forget()
    phase = PhaseResult(phase=PhaseName.LEAK_CHECK, status=PhaseStatus.PASSED, seconds=0, detail=detail)
    return spec.blank_result(CellStatus.PASSED, None).model_copy(update={"phases": (phase,)})

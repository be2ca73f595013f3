"""Leases that nobody works with in; closed by a destroy that is proved, out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

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
from harness.run.crew import Audience, run_cells, settle
from harness.run.execute import remember
from harness.run.interrupts import INTERRUPTS
from harness.run.keep import end_kept_emulator
from harness.run.leasing import worked_on
from harness.run.messages import CellSpec, NoteMessage
from harness.world.files import CellFiles
from harness.world.identity import elsewhere
from harness.world.leases import Leases
from harness.world.open import World
from harness.world.remnants import end_remnants
from harness.world.target import Target, check_target


def find_open(leases: Leases, run: str, protects: Callable[[str], str | None] = lambda _: None) -> Sequence[Lease]:
    """The open leases of a run that nobody works with. `protects` gives the pattern that protects a stack.

    Raises UsageError.
    """
    of_run = leases.listed(run=run)
    if not of_run:
        raise UsageError(f"no run {run!r} is known here", hint="harness leases lists what is open")
    found = [lease for lease in of_run if lease.state is not LeaseState.CLOSED]
    for lease in found:
        at_work, evidence = worked_on(lease, datetime.now(UTC))
        if lease.state is LeaseState.OPEN and at_work:
            raise UsageError(
                f"run {run!r} is still at work: {evidence}",
                hint=f"kill -INT {lease.process} stops it, and it destroys what it made",
            )
        if pattern := protects(lease.stack):
            raise UsageError(
                f"the stack {lease.stack} is protected by the pattern {pattern!r}: it is not destroyed",
                hint="change `protected` in the settings when it shall be (harness doctor shows where they are)",
            )
    return found


def release(found: Sequence[Lease], world: World, audience: Audience, *, parallel: int = 1) -> RunResult | None:
    """Destroy what these leases of one run stand for, and settle them; None when others do that already."""
    return release_specs([(lease, load_spec(lease)) for lease in found], world, audience, parallel=parallel)


def release_specs(
    wanted: Sequence[tuple[Lease, CellSpec]], world: World, audience: Audience, *, parallel: int = 1
) -> RunResult | None:
    """The same, by specifications that are at hand. Each lease is taken over first: of two who try, one does it."""
    started, began = datetime.now(UTC), time.monotonic()
    specs = []
    for lease, spec in wanted:
        check_account(lease, world.account)
        check_host(lease, spec)
    ended = [spec for _, spec in wanted if went_with_its_emulator(spec)]  # who is refused here has taken nothing over
    INTERRUPTS.hold()  # a lease that is taken over is settled, whatever comes now
    for lease, spec in wanted:
        if world.leases.take_over(lease):
            specs.append(spec)
        else:
            audience.hear(lease.cell, NoteMessage(text="somebody else has begun to destroy it"))
    if not specs:
        return None
    gone = [spec for spec in specs if spec in ended]
    results = [_gone(spec, world) for spec in gone]
    rest = [spec.model_copy(update={"recover": True, "host": None}) for spec in specs if spec not in gone]
    results += run_cells(rest, world, audience, parallel)
    for spec in specs:
        _end_emulator(spec.run, spec.directory, world.leases)
    result = RunResult(
        run=specs[0].run,
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
            hint=f"harness sweep --run {lease.run} --apply destroys by the tag harness:run={lease.run}, "
            f"at {lease.target}, account {lease.account}, {lease.region}",
        ) from error


def finished_result(lease: Lease) -> CellResult | None:
    """What the cell of an open lease said at its end, which nobody heard: its CLI was killed. None without an end."""
    try:
        text = CellFiles(Path(lease.directory)).result.read_text(encoding="utf-8")
        return CellResult.model_validate_json(text)
    except (OSError, ValidationError):
        return None


def settle_finished(lease: Lease, result: CellResult, leases: Leases) -> bool:
    """Settle an open lease by what its cell said; False when somebody else has taken it. Raises HomeError."""
    if not leases.take_over(lease):
        return False
    return settle(lease.run, lease.cell, Path(lease.directory), result, leases)


def target_of(spec: CellSpec) -> Target:
    """Where the cell's resources are; an embedded emulator with its URL is one that is not started again."""
    return Target(kind=spec.target, url=spec.url)


def went_with_its_emulator(spec: CellSpec) -> bool:
    """An embedded emulator keeps everything in memory: when it is gone, so is all that was in it.

    Raises TargetError when that cannot be said.
    """
    if spec.target != "emulator":
        return False
    try:
        check_target(Target(kind="url", url=spec.url))
    except TargetError as error:
        if isinstance(error.__cause__, ConnectionRefusedError):  # silence is no proof: it may be stopped, or busy
            return True
        raise
    return False


def close_gone(lease: Lease, leases: Leases, why: str) -> bool:
    """Close the lease of something that cannot be there any more; False when somebody else has taken it.

    Raises HomeError.
    """
    if not leases.take_over(lease):
        return False
    if not leases.settle(lease.run, lease.cell, LeaseState.CLOSED, why):
        return False
    if not elsewhere(lease):
        end_remnants(lease.directory)
    CellFiles(Path(lease.directory)).forget()
    _end_emulator(lease.run, Path(lease.directory), leases)
    return True


def check_unheld(lease: Lease) -> None:
    """Raises UsageError: a cell process still destroys, whose files and engines must not be taken away from it."""
    if not elsewhere(lease) and CellFiles(Path(lease.directory)).is_held():
        raise UsageError(
            f"the process of {lease.cell} still works on it, and destroys by itself",
            hint="wait until it has ended; harness sweep says how it stands",
        )


def check_account(lease: Lease, account: str | None) -> None:
    """Raises TargetError: with another account's credentials everything of the lease would look as if it were gone."""
    if account is not None and lease.account not in {None, account}:
        raise TargetError(
            f"{lease.cell} is in account {lease.account}, and the credentials belong to account {account}",
            hint=f"use credentials of account {lease.account}",
        )


def check_host(lease: Lease, spec: CellSpec) -> None:
    """Raises TargetError: another host's embedded emulator cannot be asked, and silence here is no proof."""
    if spec.target == "emulator" and elsewhere(lease):
        raise TargetError(
            f"{lease.cell} is in an embedded emulator on {lease.host}, which cannot be asked from here",
            hint=f"destroy it there; when that has ended: harness sweep --run {lease.run} --emulator-gone --apply",
        )


def _end_emulator(run: str, directory: Path, leases: Leases) -> None:
    """That of an environment that was kept, when it was the run's last."""
    if not leases.listed(run=run, only_open=True):
        end_kept_emulator(directory.parent)


def _gone(spec: CellSpec, world: World) -> CellResult:
    detail = f"the embedded emulator at {spec.url} has ended, and everything in it"
    end_remnants(str(spec.directory))  # on this host, as the emulator was; an engine ends by itself, a program may not
    if world.leases.settle(spec.run, spec.cell.name, LeaseState.CLOSED, detail):
        CellFiles(spec.directory).forget()
    phase = PhaseResult(phase=PhaseName.LEAK_CHECK, status=PhaseStatus.PASSED, seconds=0, detail=detail)
    return spec.blank_result(CellStatus.PASSED, None).model_copy(update={"phases": (phase,)})

"""A cell that is up in; what its probes saw out, recorded. A probe that never ends does not hold the cell."""

from __future__ import annotations

import threading
from typing import Any

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName, ProbeOutcome
from harness.probes.registry import Probe, ProbeContext, ProbeResult, ProbeStatus, load_probes, run_probes
from harness.run.cell_world import CellWorld
from harness.run.marks import ambient, run_tags
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield

TICK = 0.1  # seconds between two looks at the stop flag


def probe_cell(world: CellWorld, record: Record, shield: Shield) -> None:
    """Run the program's probes. Raises PhaseError when one does not pass."""
    if not record.spec.probe:
        record.skip(PhaseName.PROBE, "--no-probe")
        return
    with record.phase(PhaseName.PROBE, failed=CellStatus.FAILED):
        try:
            probes = load_probes(record.spec.cell.program.directory)
        except HarnessError as error:
            raise PhaseError(Failure(phase=PhaseName.PROBE, message=error.message, hint=error.hint)) from error
        if not probes:
            return
        results = _attend(probes, _context(world, record), shield)
        record.probes = tuple(_outcome(result) for result in results)
        bad = [result for result in results if result.status is not ProbeStatus.PASSED]
        if bad:
            message = f"{len(bad)} of {len(results)} probes did not pass: {bad[0].name}: {bad[0].detail}"
            rest = "\n".join(f"{result.name}: {result.detail}" for result in bad[1:])
            raise PhaseError(
                Failure(phase=PhaseName.PROBE, message=message, hint="see the evidence above", detail=rest)
            )


def _context(world: CellWorld, record: Record) -> ProbeContext:
    spec = record.spec
    checkpoint = world.stack.checkpoint()
    settings = ambient(spec)
    return ProbeContext(
        outputs=world.stack.secret_outputs() if checkpoint.has_secret_outputs else checkpoint.outputs,
        region=spec.cell.region,
        suffix=spec.cell.suffix,
        tags=run_tags(spec),
        endpoint=settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )


def _attend(probes: list[Probe], context: ProbeContext, shield: Shield) -> list[ProbeResult]:
    """Run the probes in a thread of their own, so that a signal or the time limit can leave them behind."""
    box: dict[str, Any] = {}

    def work() -> None:
        box["results"] = run_probes(probes, context)

    thread = threading.Thread(target=work, name="probes", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TICK)
        reason = shield.stop()
        if reason is not None:
            failure = Failure(phase=PhaseName.PROBE, message=f"probes stopped: {reason}")
            raise PhaseError(failure, interrupted=shield.interrupted is not None)
    results: list[ProbeResult] = box["results"]
    return results


def _outcome(result: ProbeResult) -> ProbeOutcome:
    return ProbeOutcome(
        name=result.name,
        status=result.status.value,
        attempts=result.attempts,
        seconds=round(result.seconds, 3),
        detail=result.detail,
    )

"""A cell that is up in; what its probes saw out, recorded. A probe that never ends does not hold the cell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName, ProbeOutcome
from harness.probes.registry import Probe, ProbeContext, ProbeResult, ProbeStatus, StackResource, load, run_probes
from harness.providers.seen import texts
from harness.run.cell_world import CellWorld
from harness.run.failure import last_words
from harness.run.marks import ambient, run_tags
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.checkpoint import SECRET_TEXT, StateResource, masked
from harness.world.command import EngineFailedError, EngineStoppedError, Guard

TICK = 0.1  # seconds between two looks at the stop flag

Answer = TypeVar("Answer")


def read_probes(record: Record, shield: Shield, phase: PhaseName) -> list[Probe]:
    """The program's probes; none with `--no-probe`. Runs its `probes.py`, which may hang. Raises PhaseError."""
    if not record.spec.probe:
        return []
    program = record.spec.cell.program
    what = f"the import of {program.directory / 'probes.py'}"
    try:
        return attended(lambda: load(program), shield, phase, what)
    except HarnessError as error:
        raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error


def probe_cell(world: CellWorld, record: Record, shield: Shield, probes: list[Probe] | None = None) -> None:
    """Run the program's probes, read here unless they were before. Raises PhaseError when one does not pass."""
    if not record.spec.probe:
        record.skip(PhaseName.PROBE, "--no-probe")
        return
    with record.phase(PhaseName.PROBE, failed=CellStatus.FAILED), shield.phase(PhaseName.PROBE):
        if probes is None:
            probes = read_probes(record, shield, PhaseName.PROBE)
        if not probes:
            return
        context = _context(world, record, shield)
        results = attended(lambda: run_probes(probes, context), shield, PhaseName.PROBE)
        context.close()
        record.probes = tuple(_outcome(result) for result in results)
        bad = [result for result in results if result.status is not ProbeStatus.PASSED]
        if bad:
            message = f"{len(bad)} of {len(results)} probes did not pass: {bad[0].name}: {bad[0].detail}"
            rest = "\n".join(f"{result.name}: {result.detail}" for result in bad[1:])
            raise PhaseError(
                Failure(
                    phase=PhaseName.PROBE,
                    message=message,
                    hint="the last evidence of each is with the probes",
                    detail=rest,
                )
            )


def attended(work: Callable[[], Answer], shield: Shield, phase: PhaseName, what: str = "probes") -> Answer:
    """Run the user's code in a thread of its own, so that a signal or the time limit can leave it behind.

    Raises:
        PhaseError: it was left behind.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="probes", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TICK)
        reason = shield.stop(phase)
        if reason is not None:
            raise PhaseError.stopped_by(reason, phase, what)
    if errors:
        raise errors[0]
    return answers[0]


def _context(world: CellWorld, record: Record, shield: Shield) -> ProbeContext:
    spec = record.spec
    checkpoint = world.stack.checkpoint()
    settings = ambient(spec)
    outputs = _secret_outputs(world, shield) if checkpoint.has_secret_outputs else checkpoint.outputs
    hidden = frozenset(_secrets(checkpoint.outputs, outputs))
    record.secrecy.learn(hidden)
    record.outputs_read = True
    return ProbeContext(
        outputs=outputs,
        region=spec.cell.region,
        suffix=spec.cell.suffix,
        tags=run_tags(spec),
        resources=tuple(_resource(one) for one in checkpoint.resources),
        hidden=hidden,
        endpoint=settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )


def _secret_outputs(world: CellWorld, shield: Shield) -> Mapping[str, Any]:
    """In plain text, by an engine of its own: a recheck may be running the others. Raises PhaseError."""
    stack = world.reading_stack
    try:
        with stack.command.guarded(Guard(stop=lambda: shield.stop(PhaseName.PROBE))):
            return stack.secret_outputs()
    except EngineStoppedError as stopped:
        raise PhaseError.stopped_by(stopped.reason, PhaseName.PROBE, "probes") from stopped
    except EngineFailedError as error:
        words = last_words(str(error))
        hint = "what the engine printed is in the cell's log"
        raise PhaseError(
            Failure(phase=PhaseName.PROBE, message=f"outputs cannot be read: {words}", hint=hint)
        ) from error


def _resource(one: StateResource) -> StackResource:
    name = one.urn.rpartition("::")[2]
    outputs = {key: masked(value) for key, value in one.outputs.items()}
    return StackResource(one.type, one.id, name, region=one.region, urn=one.urn, outputs=outputs)


def _secrets(shown: Any, plain: Any) -> Iterator[str]:
    """Texts that are masked in the one and plain in the other, at any depth; each text of a secret structure."""
    if shown == SECRET_TEXT and plain != SECRET_TEXT:
        yield from texts(plain)
    elif isinstance(shown, Mapping) and isinstance(plain, Mapping):
        for key in shown.keys() & plain.keys():
            yield from _secrets(shown[key], plain[key])
    elif isinstance(shown, list) and isinstance(plain, list):
        for one, other in zip(shown, plain, strict=False):
            yield from _secrets(one, other)


def _outcome(result: ProbeResult) -> ProbeOutcome:
    return ProbeOutcome(
        name=result.name,
        status=result.status.value,
        attempts=result.attempts,
        seconds=round(result.seconds, 3),
        detail=result.detail,
        kind=result.kind,
    )

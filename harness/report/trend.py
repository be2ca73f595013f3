"""Remembered runs of one program in; how long its phases take, and whether the last run was slower, out.

Like is compared with like: runs with the provider and the kind of target of the newest one; the others are counted.
Times of phases that did not pass are shown, and left out of every figure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from harness.errors import UsageError
from harness.model import CellResult, CellStatus, PhaseName, PhaseResult, PhaseStatus
from harness.world.history import Past

TOTAL: Final = "total"
NOTABLE_PART: Final = 0.1
"""Part of the median below which a difference is called steady. Chosen: two runs of the same program differ by that."""
NOTABLE_SECONDS: Final = 0.2
"""The same, absolute: a phase of 0.3 s is not slower because it took 0.4 s."""
SLOWEST: Final = 8
"""Resource types that are named."""
_DECILES: Final = 10
_NAMED: Final = ("emulator", "aws")


@dataclass(frozen=True, slots=True)
class Point:
    """One cell of one run; `seconds` of phases, and of the whole, as they were measured."""

    run: str
    cell: str
    started: datetime
    status: CellStatus
    seconds: float
    phases: Mapping[str, PhaseResult]

    def took(self, line: str) -> float | None:
        """Seconds of a phase, or of all; None when it did not run."""
        if line == TOTAL:
            return self.seconds
        return self.phases[line].seconds if line in self.phases else None

    def went_well(self, line: str) -> bool:
        """Whether its time says anything."""
        if line == TOTAL:
            return self.status is CellStatus.PASSED
        return line in self.phases and self.phases[line].status is PhaseStatus.PASSED

    def was_stopped(self, line: str) -> bool:
        """Whether somebody stopped it, which is no failure of its own."""
        if line == TOTAL:
            return self.status is CellStatus.INTERRUPTED
        return line in self.phases and self.phases[line].status is PhaseStatus.INTERRUPTED


@dataclass(frozen=True, slots=True)
class Line:
    """Figures of one phase, over the runs in which it passed; seconds. `change`: last against the median before it."""

    phase: str
    runs: int
    last: float
    median: float
    p90: float
    change: float | None = None
    word: str = "first"


@dataclass(frozen=True, slots=True)
class SlowType:
    """How long one operation on resources of one type takes; seconds."""

    type: str
    op: str
    count: int
    median: float
    longest: float


@dataclass(frozen=True, slots=True)
class Trend:
    """All of it; points oldest first. `left_out`: cells of the program that ran elsewhere."""

    program: str
    provider: str
    target: str
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    slowest: tuple[SlowType, ...]
    left_out: int

    def document(self) -> dict[str, Any]:
        """What `--json` writes; `schema` is its version."""
        return {
            "schema": 1,
            "program": self.program,
            "provider": self.provider,
            "target": self.target,
            "left_out": self.left_out,
            "runs": [_point_document(point) for point in self.points],
            "phases": [
                {name: getattr(line, name) for name in ("phase", "runs", "last", "median", "p90", "change", "word")}
                for line in self.lines
            ],
            "slowest": [
                {name: getattr(slow, name) for name in ("type", "op", "count", "median", "longest")}
                for slow in self.slowest
            ],
        }


def check_phase(text: str) -> str:
    """The phase that is meant; `leak-check` is `leak check`. Raises UsageError."""
    phase = text.strip().lower().replace("-", " ")
    known = [name.value for name in PhaseName]
    if phase not in known:
        raise UsageError(f"--phase {text!r} is not a phase", hint=f"phases are {', '.join(known)}")
    return phase


def make_trend(program: str, pasts: Sequence[Past], phase: str | None = None) -> Trend:
    """The trend of `program` over `pasts`, newest first and at least one; of one phase only, when it is given."""
    runs = [past for past in pasts if past.kind == "run"]
    provider, target = runs[0].result.provider, target_kind(runs[0].result.target)
    alike = [past for past in runs if (past.result.provider, target_kind(past.result.target)) == (provider, target)]
    cells = [(past, cell) for past in reversed(alike) for cell in past.result.cells if cell.program == program]
    points = tuple(_point(past, cell) for past, cell in cells)
    wanted = (phase,) if phase else (TOTAL, *(name.value for name in PhaseName))
    everything = sum(cell.program == program for past in runs for cell in past.result.cells)
    return Trend(
        program=program,
        provider=provider,
        target=target,
        points=points,
        lines=tuple(line for name in wanted if (line := make_line(name, points))),
        slowest=_slowest(cell for _, cell in cells),
        left_out=everything - len(points),
    )


def target_kind(target: str) -> str:
    """Emulators of the user's are one kind, whatever their ports."""
    return target if target in _NAMED else "url"


def make_line(phase: str, points: Sequence[Point]) -> Line | None:
    """The figures of one phase; None when it never passed."""
    times = [took for point in points if point.went_well(phase) and (took := point.took(phase)) is not None]
    if not times:
        return None
    *before, last = times
    median, p90 = statistics.median(times), _percentile(times, 9)
    if not before:
        return Line(phase, 1, last, median, p90)
    usual = statistics.median(before)
    change = (last - usual) / usual if usual > 0 else None
    return Line(phase, len(times), last, median, p90, change, _word(last, before))


def _word(last: float, before: Sequence[float]) -> str:
    """A difference has to be notable, and beyond what nine of ten of those before it were."""
    usual = statistics.median(before)
    notable = max(NOTABLE_SECONDS, NOTABLE_PART * usual)
    if last - usual > max(notable, _percentile(before, 9) - usual):
        return "slower"
    if usual - last > max(notable, usual - _percentile(before, 1)):
        return "faster"
    return "steady"


def _percentile(times: Sequence[float], tenth: int) -> float:
    if len(times) == 1:
        return times[0]
    return statistics.quantiles(times, n=_DECILES, method="inclusive")[tenth - 1]


def _slowest(cells: Iterable[CellResult]) -> tuple[SlowType, ...]:
    times: dict[tuple[str, str], list[float]] = {}
    for cell in cells:
        for timing in cell.timings:
            if not timing.failed:
                times.setdefault((timing.type, timing.op), []).append(timing.seconds)
    found = [SlowType(*key, len(each), statistics.median(each), max(each)) for key, each in times.items()]
    return tuple(sorted(found, key=lambda slow: (-slow.median, slow.type, slow.op))[:SLOWEST])


def _point(past: Past, cell: CellResult) -> Point:
    phases = {phase.phase.value: phase for phase in cell.phases if phase.status is not PhaseStatus.SKIPPED}
    return Point(past.result.run, cell.cell, cell.started or past.result.started, cell.status, cell.seconds, phases)


def _point_document(point: Point) -> dict[str, Any]:
    return {
        "run": point.run,
        "cell": point.cell,
        "started": point.started.isoformat(),
        "status": point.status.value,
        "seconds": point.seconds,
        "phases": {name: {"status": one.status.value, "seconds": one.seconds} for name, one in point.phases.items()},
    }

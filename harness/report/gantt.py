"""A cell's phases and timings in; plots out: bars in percent of a plot's width, grouped by phase and component."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.model import CellResult, PhaseName, PhaseResult, PhaseStatus, Timing
from harness.report.words import clock, parents, short_type, short_urn

MOST_TICKS = 5  # more do not fit beside each other on a telephone
NARROWEST = 0.8  # percent: what took no time is still seen
_SLACK = 0.05  # seconds: the phase's clock is read a moment before or after that of its first and last operation
_MAKES_NOTHING = {PhaseName.PREFLIGHT, PhaseName.LEAK_CHECK}


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the axis."""

    left: float  # percent
    label: str
    anchor: str  # where its text stands: start, middle, end


@dataclass(frozen=True, slots=True)
class Bar:
    """One operation on one resource, or one phase."""

    name: str
    kind: str  # `Bucket`; of a phase its status
    op: str
    look: str  # create, update, delete: how the bar is drawn
    left: float  # percent of the plot
    width: float
    started: float  # seconds after the cell began
    seconds: float
    failed: bool = False
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one component; `name` is empty for what has none."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars that share an axis."""

    title: str
    began: float  # seconds after the cell began, where the axis is 0
    seconds: float
    ticks: tuple[Tick, ...]
    groups: tuple[Group, ...]

    @property
    def bars(self) -> tuple[Bar, ...]:
        """All of them."""
        return tuple(bar for group in self.groups for bar in group.bars)


@dataclass(frozen=True, slots=True)
class _Axis:
    began: float
    span: float

    def place(self, started: float, seconds: float) -> tuple[float, float]:
        """Left and width in percent; inside the plot whatever the clocks said."""
        width = min(100.0, max(NARROWEST, 100 * max(0.0, seconds) / self.span))
        left = 100 * (started - self.began) / self.span
        return round(min(max(0.0, left), 100 - width), 3), round(width, 3)

    def ticks(self) -> tuple[Tick, ...]:
        step = _step(self.span)
        return tuple(_tick(step * number, self.span) for number in range(int(self.span / step + 1e-9) + 1))


def phase_plot(cell: CellResult) -> Plot | None:
    """The phases on one axis. None when there is none."""
    ran = [phase for phase in cell.phases if phase.status is not PhaseStatus.SKIPPED]
    if not ran:
        return None
    axis = _axis((phase.started, phase.seconds) for phase in ran)
    bars = tuple(_phase_bar(phase, axis) for phase in cell.phases)
    return Plot("phases", axis.began, axis.span, axis.ticks(), (Group("", bars),))


def resource_plots(cell: CellResult) -> tuple[Plot, ...]:
    """A plot for each phase that worked on resources, in their order."""
    phases = [phase for phase in cell.phases if phase.phase not in _MAKES_NOTHING]
    of_phase: dict[str, list[Timing]] = {}
    for timing in sorted(cell.timings, key=lambda timing: timing.started):
        of_phase.setdefault(_phase_of(timing, phases), []).append(timing)
    return tuple(_resource_plot(title, timings, cell.phases) for title, timings in of_phase.items())


def _resource_plot(title: str, timings: Sequence[Timing], phases: Sequence[PhaseResult]) -> Plot:
    own = [(phase.started, phase.seconds) for phase in phases if phase.phase == title]
    spans = [(timing.started, timing.seconds) for timing in timings]
    # A phase begins with the start of the engine and of the program: the axis begins where the first resource does.
    axis = _axis([*spans, *((max(began, spans[0][0]), 0.0) for began, _ in own)])
    components = _components(timings)
    grouped: dict[str, list[Bar]] = {}
    for timing in timings:
        names = [short_type(token) for token in parents(timing.urn) if token in components]
        grouped.setdefault(" / ".join(names), []).append(_bar(timing, axis))
    # What belongs to no component has no heading, so it stands before the first one.
    groups = tuple(Group(name, tuple(grouped[name])) for name in sorted(grouped, key=bool))
    return Plot(title, axis.began, axis.span, axis.ticks(), groups)


def _components(timings: Iterable[Timing]) -> set[str]:
    """Parents' types that are no resource at the target: a bucket that has a policy below it makes no group."""
    timings = list(timings)
    return {token for timing in timings for token in parents(timing.urn)} - {timing.type for timing in timings}


def _phase_of(timing: Timing, phases: Sequence[PhaseResult]) -> str:
    """The phase during which it began; of several that ran at once the one that its operation belongs to."""
    usual = PhaseName.DESTROY if timing.op.startswith("delete") else PhaseName.UP
    around = [
        phase.phase
        for phase in phases
        if phase.started - _SLACK <= timing.started <= phase.started + phase.seconds + _SLACK
    ]
    return str(usual if usual in around or not around else around[-1])


def _bar(timing: Timing, axis: _Axis) -> Bar:
    left, width = axis.place(timing.started, timing.seconds)
    look = timing.op.partition("-")[0]
    return Bar(
        name=short_urn(timing.urn),
        kind=short_type(timing.type),
        op=timing.op,
        look=look if look in {"delete", "update"} else "create",
        left=left,
        width=width,
        started=timing.started,
        seconds=timing.seconds,
        failed=timing.failed,
        urn=timing.urn,
    )


def _phase_bar(phase: PhaseResult, axis: _Axis) -> Bar:
    left, width = axis.place(phase.started, phase.seconds)
    return Bar(
        name=phase.phase.value,
        kind=phase.status.value,
        op=phase.detail,
        look=phase.status.value,
        left=left,
        width=width,
        started=phase.started,
        seconds=phase.seconds,
        failed=phase.status is PhaseStatus.FAILED,
    )


def _axis(spans: Iterable[tuple[float, float]]) -> _Axis:
    spans = list(spans)
    began = min(started for started, _ in spans)
    end = max(started + seconds for started, seconds in spans)
    return _Axis(began, max(end - began, 0.001))


def _step(span: float) -> float:
    """The smallest round step (1, 2, 5 and their tens; above a minute those of a clock) with few enough ticks."""
    steps: list[float] = [base * 10.0**power for power in range(-3, 2) for base in (1, 2, 5)]
    steps = [step for step in steps if step < 60]  # noqa: PLR2004 - a minute
    steps += [60 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480)]
    return next((step for step in steps if span / step < MOST_TICKS), math.ceil(span / MOST_TICKS / 3600) * 3600)


def _tick(at: float, span: float) -> Tick:
    left = round(100 * at / span, 3)
    anchor = "start" if at == 0 else "end" if left > 90 else "middle"  # noqa: PLR2004 - percent, where text would leave
    return Tick(left, clock(round(at, 6)), anchor)

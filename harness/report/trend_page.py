"""A trend in; one page with a picture for each phase out. What is placed is computed here, the template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.report.history import percent
from harness.report.render import render
from harness.report.trend import Line, Point, Trend
from harness.report.words import clock, duration

WIDTH: Final = 320
"""Units of a picture's width: on a telephone of 360 pixels one unit is about one pixel, so texts keep their size."""
HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 10, 22, 22
_CROWDED = 40
"""Points, from which marks are small."""
_STEPS = (1, 2, 2.5, 5, 10)
_CLOCK_STEPS = (15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """One run in a picture. `shape`: `circle` passed, `cross` failed, `diamond` stopped."""

    x: float
    y: float
    shape: str
    size: float
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, and its label."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One phase over the runs. `paths`: points of the lines between neighbours that passed."""

    phase: str
    summary: str
    line: Line | None
    marks: tuple[Mark, ...]
    paths: tuple[str, ...]
    ticks: tuple[Tick, ...]
    median: float | None
    first: str
    last: str


def trend_page(trend: Trend) -> str:
    """The page: figures, a picture for each phase, slowest kinds of resources, and every run in numbers."""
    names = [line.phase for line in trend.lines]
    return render(
        "trend.html.j2",
        trend=trend,
        pictures=tuple(picture(line, trend.points) for line in trend.lines),
        names=names,
        percent=percent,
        short=short,
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=HEIGHT - _BOTTOM,
    )


def short(seconds: float) -> str:
    """A time in a narrow column: `8.1 s`, `1:42`, `1:02:05`."""
    return f"{seconds:.1f} s" if round(seconds, 1) < _MINUTE else clock(seconds)


def picture(line: Line, points: Sequence[Point]) -> Picture:
    """The picture of one phase."""
    seen = [(at, point, took) for at, point in enumerate(points) if (took := point.took(line.phase)) is not None]
    top, step = _scale(max(took for _, _, took in seen))
    across = (WIDTH - _LEFT - _RIGHT) / max(1, len(points) - 1)
    size = 2.0 if len(points) > _CROWDED else 3.5
    x = [
        round(_LEFT + across * at, 1) if len(points) > 1 else (WIDTH + _LEFT - _RIGHT) / 2 for at in range(len(points))
    ]
    marks = tuple(
        Mark(x[at], _y(took, top), _shape(point, line.phase), size, _title(point, took)) for at, point, took in seen
    )
    change = f", {percent(line.change)} against those before it: {line.word}" if line.change is not None else ""
    return Picture(
        phase=line.phase,
        summary=f"{line.phase}: {len(seen)} runs, last {duration(line.last)}, median {duration(line.median)}{change}",
        line=line,
        marks=marks,
        paths=_paths(points, line.phase, marks),
        ticks=tuple(Tick(_y(step * n, top), clock(round(step * n, 6))) for n in range(round(top / step) + 1)),
        median=_y(line.median, top),
        first=f"{points[0].started:%Y-%m-%d}",
        last=f"{points[-1].started:%Y-%m-%d}" if len(points) > 1 else "",
    )


def _paths(points: Sequence[Point], phase: str, marks: Sequence[Mark]) -> tuple[str, ...]:
    """A line stops where a run did not pass, so that it never leads through a time that means nothing."""
    pending = iter(marks)
    runs: list[list[str]] = [[]]
    for point in points:
        mark = next(pending) if point.took(phase) is not None else None
        if mark is not None and mark.shape == "circle":
            runs[-1].append(f"{mark.x},{mark.y}")
        elif runs[-1]:
            runs.append([])
    return tuple(" ".join(run) for run in runs if len(run) > 1)


def _shape(point: Point, phase: str) -> str:
    if point.went_well(phase):
        return "circle"
    return "diamond" if point.was_stopped(phase) else "cross"


def _title(point: Point, took: float) -> str:
    return f"{point.run}, {point.started:%Y-%m-%d %H:%M} UTC: {duration(took)}, {point.status.value.lower()}"


def _y(seconds: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * seconds / top, 1)


def _scale(most: float) -> tuple[float, float]:
    """A round top that the longest time stays under, and the distance of lines, of which there are two to five."""
    most = max(most, 0.1)
    power = 10 ** math.floor(math.log10(most / 4))
    step = next(power * each for each in _STEPS if power * each * 4 >= most)
    if most > _MINUTE:  # read on a clock, where 50 s and 100 s are odd
        step = next((each for each in _CLOCK_STEPS if each * 4 >= most), math.ceil(most / 4 / 3600) * 3600)
    return step * math.ceil(most / step - 1e-9), step

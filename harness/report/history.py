"""Remembered runs and trends in; tables for a person on standard output out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from harness.model import CellResult, CellStatus
from harness.report.files import result_document
from harness.report.stdout import plain_table, show, stdout_console
from harness.report.trend import TOTAL, Line, Point, Trend, target_kind
from harness.report.words import count, duration, rules_counted, short_type, short_urn, tone
from harness.world.history import Past

SLOWEST = 8  # resources that `show` names
_STYLE = {"good": "green", "bad": "red", "warn": "yellow", "quiet": "dim"}
_HEADS = {TOTAL: "total", "preflight": "pre-\nflight", "recheck": "re-\ncheck", "destroy": "des-\ntroy"}
_TENTHS_BELOW = 99.95  # seconds: above, tenths would make the column wider than it can be


def past_document(past: Past) -> dict[str, object]:
    """What `--json` writes of one: the result document, what it was, and who recorded it."""
    return {"kind": past.kind, "harness": past.harness, **result_document(past.result)}


def show_list(pasts: Sequence[Past]) -> None:
    """One row a run, newest first."""
    console = stdout_console()
    if not pasts:
        console.print("no run is remembered yet: harness run makes the first")
        return
    table = plain_table("when (UTC)", "run", "status", "took", "with", "programs")
    for column in table.columns[:4]:
        column.no_wrap = True
    table.columns[3].justify = "right"
    for past in pasts:
        result = past.result
        statuses = list(dict.fromkeys(_short_status(past, cell) for cell in result.cells)) or ["-"]
        table.add_row(
            f"{result.started:%Y-%m-%d %H:%M}",
            Text(result.run),
            Text("\n").join(_styled(status) for status in statuses),
            duration(result.seconds),
            Text(f"{result.provider}, {target_kind(result.target)}"),
            Text(", ".join(dict.fromkeys(cell.program for cell in result.cells)), overflow="fold"),
        )
    show(console, table)


def show_run(pasts: Sequence[Past]) -> None:
    """All that is remembered of one run: what it did, and what a later `harness destroy` did."""
    console = stdout_console()
    for number, past in enumerate(pasts):
        if number:
            console.print()
        result = past.result
        said = "run" if past.kind == "run" else "harness destroy"
        _say(
            console, f"{said} {result.run}, {result.started:%Y-%m-%d %H:%M:%S} UTC, {duration(result.seconds)}", "bold"
        )
        engine = f"engine {result.engine['version'] or 'unknown'}"
        _say(console, f"{engine}, provider {result.provider}, target {result.target}, exit code {result.exit_code}")
        for cell in result.cells:
            _cell(console, cell)


def show_trend(trend: Trend) -> None:
    """Runs, oldest first; figures of each phase; slowest kinds of resources."""
    console = stdout_console()
    ran = count(len(trend.points), "run") if trend.points else "no run"
    left = f" ({trend.left_out} elsewhere left out)" if trend.left_out else ""
    _say(console, f"{trend.program}: {ran}, provider {trend.provider}, target {trend.target}{left}", "bold")
    lines = [line.phase for line in trend.lines]
    console.print()
    table = plain_table("when (UTC)", "run", "status", *(_HEADS.get(name, name.replace(" ", "\n")) for name in lines))
    for column in table.columns[3:]:
        column.justify = "right"
    for point in trend.points:
        table.add_row(
            Text(f"{point.started:%m-%d %H:%M}", no_wrap=True),
            Text(point.run, no_wrap=True),
            _styled(point.status.value),
            *(Text(_cell_time(point, name), no_wrap=True) for name in lines),
        )
    show(console, table)
    if any(point.took(name) is not None and not point.went_well(name) for point in trend.points for name in lines):
        _say(console, "seconds; ! it did not pass, and is in no figure below")
    else:
        _say(console, "seconds")
    if trend.lines:
        console.print()
        _figures(console, trend.lines)
    if trend.slowest:
        console.print()
        _slow_types(console, trend)


def percent(change: float | None) -> str:
    """A change as one says it."""
    return "" if change is None else f"{change:+.0%}"


def _cell(console: Console, cell: CellResult) -> None:
    console.print()
    title = Text.assemble(_styled(cell.status.value), f" {cell.cell} ({cell.program}) in {cell.region}, ")
    console.print(title + Text(duration(cell.seconds)), soft_wrap=True)
    if cell.phases:
        table = plain_table("  phase", "status", "took", "")
        table.columns[2].justify = "right"
        for phase in cell.phases:
            table.add_row(
                Text(f"  {phase.phase.value}", no_wrap=True),
                _styled(phase.status.value),
                Text(duration(phase.seconds), no_wrap=True),
                Text(phase.detail, overflow="fold"),
            )
        show(console, table)
    for text in _counts(cell):
        _say(console, f"  {text}")
    for text in _trouble(cell):
        _say(console, f"  {text}")
    if cell.error is not None:
        where = f" in {cell.error.phase.value}" if cell.error.phase else ""
        _say(console, f"  failed{where}: {cell.error.message}", "bold")
        if cell.error.hint:
            _say(console, f"  hint: {cell.error.hint}")


def _counts(cell: CellResult) -> Sequence[str]:
    made = cell.resources
    texts = [f"resources: {made.planned} planned, {made.created} created, {made.deleted} deleted"]
    if cell.rules:
        texts.append(f"rules: {rules_counted(cell)}")
    for name, outcomes in (("probes", cell.probes), ("rechecks", cell.rechecks)):
        if outcomes:
            texts.append(f"{name}: {sum(one.status == 'passed' for one in outcomes)} of {len(outcomes)} passed")
    return texts


def _trouble(cell: CellResult) -> Iterator[str]:
    """What took long, what was not as it should be, and what was left."""
    slow = sorted(cell.timings, key=lambda timing: -timing.seconds)[:SLOWEST]
    if slow:
        yield "slowest resources:"
    for timing in slow:
        named = f"{short_urn(timing.urn)} ({short_type(timing.type)})"
        yield f"  {timing.seconds:7.1f} s {timing.op} {named}{' FAILED' if timing.failed else ''}"
    for probe in cell.probes:
        if probe.status != "passed":
            yield f"probe {probe.name}: {probe.status}: {probe.detail}"
    for recheck in cell.rechecks:
        if recheck.status != "passed":
            changed = f", {count(len(recheck.changes), 'change')}" if recheck.changes else ""
            yield f"{recheck.name}: {recheck.status}{changed} {recheck.detail}".rstrip()
    for ref in (*cell.resources.leaked, *cell.resources.unverified):
        yield f"left: {ref.type} {ref.id}: {ref.reason}"


def _figures(console: Console, lines: Sequence[Line]) -> None:
    table = plain_table("phase", "runs", "last", "median", "p90", "change", "")
    for column in table.columns[1:6]:
        column.justify = "right"
    style = {"slower": "red", "faster": "green"}
    for line in lines:
        times = (duration(each) for each in (line.last, line.median, line.p90))
        table.add_row(
            line.phase, str(line.runs), *times, percent(line.change), Text(line.word, style.get(line.word, ""))
        )
    show(console, table)
    _say(console, "of the runs in which it passed; change: last against the median before it")


def _slow_types(console: Console, trend: Trend) -> None:
    table = plain_table("slowest resources", "does", "times", "median", "longest")
    for column in table.columns[2:]:
        column.justify = "right"
    for slow in trend.slowest:
        numbers = (str(slow.count), duration(slow.median), duration(slow.longest))
        table.add_row(Text(slow.type, overflow="fold"), slow.op, *(Text(number, no_wrap=True) for number in numbers))
    show(console, table)


def _cell_time(point: Point, name: str) -> str:
    took = point.took(name)
    if took is None:
        return "-"
    text = f"{took:.1f}" if took < _TENTHS_BELOW else f"{took:.0f}"
    return text if point.went_well(name) else f"{text}!"


def _short_status(past: Past, cell: CellResult) -> str:
    """A destroy that passed ended what the run had left; it did not make the run a good one."""
    return cell.status.value if past.kind == "run" else f"destroy {_DESTROYED.get(cell.status, cell.status.value)}"


_DESTROYED = {CellStatus.PASSED: "ok"}


def _styled(status: str) -> Text:
    last = status.rpartition(" ")[2]
    return Text(status, style=_STYLE["good" if last == "ok" else tone(last)], no_wrap=True)


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)

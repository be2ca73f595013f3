"""The result document in; a summary in a person's words on the terminal out. What passed is told in few lines."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from harness.model import CellResult, CellStatus, Failure, PhaseResult, PhaseStatus, RuleStatus, RunResult
from harness.report.console import MARK, print_error
from harness.report.plain import printable, shorten
from harness.report.words import (
    change_lines,
    faults_fired,
    faults_idle,
    finding_lines,
    rules_counted,
    short_urn,
    stage_told,
)

SLOWEST = 5  # resources that are named
MOST = 10  # findings, and changes of one recheck, that are told; the reports have all of them
_LONGEST = 1000  # characters of one piece of evidence

_STYLE = {
    CellStatus.PASSED: "green",
    CellStatus.SKIPPED: "dim",
    CellStatus.KEPT: "yellow",
    CellStatus.INTERRUPTED: "yellow",
}
_RECHECK = {"passed": "ok", "failed": "FAILED", "errored": "could not be done"}


def summarise(result: RunResult, console: Console) -> None:
    """Phases, slowest resources, what failed and what is left, and one line of verdict."""
    for cell in result.cells:
        _cell(cell, console)
        if cell.status in {CellStatus.LEAKED, CellStatus.KEPT}:
            _say(console, f"  to end it: harness destroy {result.run}", "bold")
    counts = ", ".join(
        f"{sum(cell.status is status for cell in result.cells)} {status.value.lower()}"
        for status in CellStatus
        if any(cell.status is status for cell in result.cells)
    )
    line = (
        f"{counts} in {result.seconds:.1f} s (engine {result.engine['version']} from {result.engine['origin']}, "
        f"provider {result.provider}, target {result.target}, run {result.run})"
    )
    if console.is_terminal:
        console.print(Text(line), style="bold", highlight=False)
    else:
        _say(console, line, "bold")


def _cell(cell: CellResult, console: Console) -> None:
    style = _STYLE.get(cell.status, "red")
    console.print()
    head = Text.assemble((cell.status.value, f"bold {style}"), printable(f" {cell.cell} in {cell.region}"))
    console.print(head, highlight=False, soft_wrap=True)
    if cell.phases:
        _flow(console, " · ".join(_phase(phase) for phase in cell.phases))
    slow = sorted((t for t in cell.timings if not t.op.startswith("delete")), key=lambda t: -t.seconds)[:SLOWEST]
    if slow:
        _flow(console, f"slowest: {', '.join(f'{short_urn(t.urn)} {t.seconds:.1f} s' for t in slow)}")
    if cell.phases:
        r = cell.resources
        left = f"{len(r.leaked)} leaked, {len(r.unverified)} unverified"
        _flow(console, f"resources: {r.created} created, {r.deleted} deleted, {left}")
    for line in _looked_at(cell):
        _flow(console, line)
    for line in faults_idle(cell):
        _say(console, f"  {line}", "yellow")
    _violations(cell, console)
    _probes(cell, console)
    _rechecks(cell, console)
    if cell.error is not None:
        _failure(cell.error, console)
    for incident in cell.incidents:
        _say(console, f"  known as {incident.id}: {incident.title}: {incident.cause}")
        _say(console, f"    remedy: {incident.remedy}")
    _left(cell, console)
    if cell.status is not CellStatus.PASSED and cell.log:
        _say(console, f"  log: {cell.log}", "dim")


def _phase(phase: PhaseResult) -> str:
    if phase.status is PhaseStatus.SKIPPED:
        return f"{phase.phase} skipped"
    return f"{phase.phase} {MARK[phase.status]} {phase.seconds:.1f} s"


def _looked_at(cell: CellResult) -> Iterator[str]:
    if cell.stages:
        yield f"stages: {_stages(cell)}"
    if checks := _checks(cell):
        yield f"checks: {checks}"
    if fired := faults_fired(cell):
        yield fired


def _stages(cell: CellResult) -> str:
    """`repository ok 3.2 s (2 created, command 1.2 s) · whole ok 4.0 s (9 created)`."""
    return " · ".join(
        f"{one.name} {MARK[PhaseStatus(one.status)]} {one.seconds:.1f} s ({stage_told(one)})" for one in cell.stages
    )


def _checks(cell: CellResult) -> str:
    """`12 rules passed · 4/4 probes passed · idempotency ok, drift ok`; of what was not asked, nothing."""
    probes = f"{sum(p.status == 'passed' for p in cell.probes)}/{len(cell.probes)} probes passed"
    parts = (
        f"policy {rules_counted(cell)}" if cell.rules else "",
        probes if cell.probes else "",
        ", ".join(f"{check.name} {_RECHECK[check.status]}" for check in cell.rechecks),
    )
    return " · ".join(part for part in parts if part)


def _violations(cell: CellResult, console: Console) -> None:
    advised = {(rule.pack, rule.rule) for rule in cell.rules if rule.status is RuleStatus.ADVISED}
    hard_first = sorted(cell.findings, key=lambda found: (found.source, found.id) in advised)
    for found in hard_first[:MOST]:
        cause, *remedy = finding_lines(found)
        style = "yellow" if (found.source, found.id) in advised else "red"
        _say(console, f"  {found.severity} {found.id}: {cause}", style)
        for line in remedy:
            _say(console, f"    {line}")
    _more(len(cell.findings) - MOST, console)


def _probes(cell: CellResult, console: Console) -> None:
    for probe in cell.probes:
        if probe.status != "passed":
            tries = "1 attempt" if probe.attempts == 1 else f"{probe.attempts} attempts"
            _say(console, f"  probe {probe.status}: {probe.name} ({tries}, {probe.seconds:.1f} s)", "red")
            for line in probe.detail.splitlines():
                _say(console, f"    {line}")


def _rechecks(cell: CellResult, console: Console) -> None:
    for check in cell.rechecks:
        if check.status == "passed":
            continue
        detail = f": {check.detail}" if check.detail else ""
        _say(console, f"  recheck {check.name} {_RECHECK[check.status]}{detail}", "red")
        for change in check.changes[:MOST]:
            for line in change_lines(change):
                _say(console, f"    {line}")
        _more(len(check.changes) - MOST, console)


def _left(cell: CellResult, console: Console) -> None:
    left = cell.resources
    told = (
        ("still there", "red", left.leaked),
        ("unverified", "yellow", left.unverified),
        ("kept by AWS for a while", "dim", left.lasting),
    )
    for how, style, refs in told:
        for ref in refs:
            _say(console, f"  {how}: {ref.type} {ref.id}: {ref.reason}", style)
            if ref.command and style != "dim":
                _say(console, f"    {ref.command}")
    if left.unblocked or left.remnants:
        done = f"{len(left.unblocked)} unblocked for the destroy, {len(left.remnants)} left by AWS and removed"
        _say(console, f"  {done}", "dim")
    if cell.leak_record:
        _say(console, f"  leak record: {cell.leak_record} (and .txt beside it)", "bold")


def _failure(failure: Failure, console: Console) -> None:
    print_error(failure.message, failure.hint, console)
    for line in failure.detail.splitlines():
        _say(console, f"  {line}", "dim")


def _more(number: int, console: Console) -> None:
    if number > 0:
        _say(console, f"  and {number} more: --html FILE or --json FILE has them", "dim")


def _flow(console: Console, text: str) -> None:
    """Words to be read, not copied: a terminal's lines end between two of them."""
    if console.is_terminal:
        console.print(Padding(Text(printable(text)), (0, 0, 0, 2), expand=False), highlight=False)
    else:
        _say(console, f"  {text}")


def _say(console: Console, text: str, style: str = "") -> None:
    for line in _lines(text):
        console.print(Text(line), style=style, highlight=False, soft_wrap=True)


def _lines(text: str) -> Iterator[str]:
    """Text of any origin, as lines that do nothing to the terminal."""
    yield from (shorten(line, _LONGEST) for line in printable(text).split("\n"))

"""The result document in; what GitHub Actions shows of it out: a Markdown summary, and annotations.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.model import CellResult, CellStatus, RuleStatus, RunResult
from harness.report.plain import one_line, printable, shorten
from harness.report.words import (
    Tone,
    change_lines,
    duration,
    fate,
    faults_idle,
    finding_lines,
    rules_counted,
    short_type,
    short_urn,
    tone,
    verdict,
)

LARGEST = 1024 * 1024  # bytes that GitHub takes as the summary of one step ("Adding a job summary", same page)
MOST_ANNOTATIONS = 10  # of one level that GitHub shows of one step (same page); the rest would be lost silently
_ROOM = 1024  # bytes kept for the note that something was cut
_LONGEST_TEXT = 4000  # characters of one cause or evidence
_LONGEST_CELL = 300  # characters in one cell of a table
_LONGEST_ANNOTATION = 2000  # characters; a longer one is folded away in the log
_SLOWEST = 10
_RULE_ORDER = (RuleStatus.FAILED, RuleStatus.ADVISED, RuleStatus.PASSED, RuleStatus.DISABLED)
_MARKS = {Tone.GOOD: "✅", Tone.BAD: "❌", Tone.WARN: "⚠️", Tone.QUIET: "▫️"}
# What Markdown, HTML, GitHub's mentions and its formulas could take for their own.
_SPECIAL = re.compile(r"[&<>\\`*_{}\[\]#!|~^$@]")


def append_summary(result: RunResult, file: str) -> None:
    """Add the summary to the step's file, within what GitHub still takes. Raises OSError."""
    path = Path(file)
    there = path.stat().st_size if path.exists() else 0
    with path.open("a", encoding="utf-8") as stream:
        stream.write(summary(result, LARGEST - there))


def summary(result: RunResult, room: int = LARGEST) -> str:
    """Markdown of at most `room` bytes; whole pieces are left out at the end, which is told."""
    pieces = list(_pieces(result))
    kept: list[str] = []
    left = room - _ROOM
    for piece in pieces:
        left -= len(piece.encode())
        if left < 0:
            note = f"\n{len(pieces) - len(kept)} more parts do not fit into a step's summary; the reports have them.\n"
            return "".join(kept) + note if room >= _ROOM else ""
        kept.append(piece)
    return "".join(kept)


def workflow_commands(result: RunResult) -> tuple[str, ...]:
    """Workflow commands, errors first, not more of a level than GitHub shows."""
    errors = [line for cell in result.cells for line in _errors(cell, result.run)]
    warnings = [
        _command("warning", f"{cell.cell}: {found.id}", "\n".join(finding_lines(found)))
        for cell in result.cells
        for found in cell.findings
        if tone(found.severity) is Tone.WARN
    ]
    warnings += [_command("warning", cell.cell, line) for cell in result.cells for line in faults_idle(cell)]
    return (*errors[:MOST_ANNOTATIONS], *warnings[:MOST_ANNOTATIONS])


def _errors(cell: CellResult, run: str) -> Iterator[str]:
    if cell.error is not None:
        where = f" in {cell.error.phase}" if cell.error.phase else ""
        hint = f"\nhint: {cell.error.hint}" if cell.error.hint else ""
        yield _command("error", f"{cell.cell} {cell.status.value.lower()}{where}", f"{cell.error.message}{hint}")
    for found in cell.findings:
        if tone(found.severity) is Tone.BAD:
            yield _command("error", f"{cell.cell}: {found.id}", "\n".join(finding_lines(found)))
    if cell.status in {CellStatus.LEAKED, CellStatus.KEPT}:
        ids = "\n".join(f"{ref.type} {ref.id}" for ref in cell.resources.leaked)
        told = "\n".join(part for part in (fate(cell), ids, f"harness destroy {run} ends it") if part)
        yield _command("error", f"{cell.cell}: {fate(cell)}", told)


def _command(level: str, title: str, text: str) -> str:
    """`::error title=…::…`, with the signs escaped that the runner reads."""
    data = _escaped(shorten(printable(text), _LONGEST_ANNOTATION))
    name = _escaped(one_line(title, 200)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{data}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _pieces(result: RunResult) -> Iterator[str]:
    told = verdict(result)
    yield f"## {_MARKS[told.tone]} {told.word}: {_md(told.sentence)}\n\n"
    yield _table(("cell", "verdict", "region", "took", "resources", "policy", "probes"), map(_row, result.cells))
    engine = f"{result.engine.get('version', '?')} from {result.engine.get('origin', '?')}"
    facts = f"engine {engine}, provider {result.provider}, target {result.target}, run {result.run}"
    yield f"\n<sub>{_md(duration(result.seconds))} · {_md(facts)}</sub>\n"
    for cell in result.cells:
        yield from _failures(cell, result.run)
    for cell in result.cells:
        yield "".join(_details(cell))


def _row(cell: CellResult) -> tuple[str, ...]:
    probes = f"{sum(probe.status == 'passed' for probe in cell.probes)}/{len(cell.probes)}" if cell.probes else ""
    return (
        _md(cell.cell),
        f"{_MARKS[tone(cell.status)]} {cell.status.value.lower()}",
        _md(cell.region),
        _md(duration(cell.seconds)),
        _md(f"{cell.resources.created} created, {cell.resources.deleted} deleted; {fate(cell)}"),
        _md(rules_counted(cell)),
        probes,
    )


def _failures(cell: CellResult, run: str) -> Iterator[str]:
    """What is wrong with a cell: cause, remedy, what is left. Nothing when all is well."""
    findings = [line for found in cell.findings for line in _finding(found.id, finding_lines(found))]
    probes = [f"- **{_md(p.name)}** {_md(p.status)}: {_code(p.detail)}\n" for p in cell.probes if p.status != "passed"]
    changed = [
        f"- **{_md(check.name)}** {_md(check.status)}: {_md(check.detail)}\n{_block(lines)}"
        for check in cell.rechecks
        if check.status != "passed"
        for lines in ["\n".join(line for change in check.changes for line in change_lines(change))]
    ]
    parts = [*_cause(cell), *findings, *probes, *changed, *_left(cell, run)]
    if parts:
        yield f"\n### {_MARKS[tone(cell.status)]} {_md(cell.cell)} {cell.status.value.lower()}\n\n"
        yield from parts


def _cause(cell: CellResult) -> Iterator[str]:
    if cell.error is not None:
        where = f"Failed in {_md(cell.error.phase)}" if cell.error.phase else "Failed"
        yield f"{where}:\n\n{_block(cell.error.message)}"
        if cell.error.hint:
            yield f"**What to do:** {_md(cell.error.hint)}\n\n"
    for incident in cell.incidents:
        remedy = f" **What to do:** {_md(incident.remedy)}" if incident.remedy else ""
        yield f"- **{_md(incident.title)}** ({_md(incident.id)}): {_md(incident.cause)}{remedy}\n"


def _finding(name: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"- **{_md(name)}**: {'<br>'.join(_md(line) for line in lines)}\n"


def _left(cell: CellResult, run: str) -> Iterator[str]:
    for how, refs in (("still there", cell.resources.leaked), ("unverified", cell.resources.unverified)):
        for ref in refs:
            yield f"- {how}: **{_md(ref.id)}** {_md(ref.type)}: {_md(ref.reason)}\n"
            if ref.command:
                yield f"  {_code(ref.command)}\n"
    if cell.status in {CellStatus.LEAKED, CellStatus.KEPT}:
        yield f"\nTo end it: {_code(f'harness destroy {run}')}\n"


def _details(cell: CellResult) -> Iterator[str]:
    """Everything else, folded."""
    if not cell.phases:
        return
    yield f"\n<details><summary>{_md(cell.cell)}: phases, checks, slowest resources</summary>\n\n"
    yield _table(
        ("phase", "", "took"),
        ((_md(p.phase), f"{_MARKS[tone(p.status)]} {p.status.value}", _md(duration(p.seconds))) for p in cell.phases),
    )
    slow = sorted(cell.timings, key=lambda timing: -timing.seconds)[:_SLOWEST]
    yield _table(
        ("slowest resources", "", "operation", "took"),
        ((_md(short_urn(t.urn)), _md(short_type(t.type)), _md(t.op), _md(duration(t.seconds))) for t in slow),
    )
    yield _table(
        ("rule", "level", "", "violations"),
        (
            (_md(r.rule), r.level.value, f"{_MARKS[tone(r.status)]} {r.status.value}", str(r.violations or ""))
            for r in sorted(cell.rules, key=lambda rule: _RULE_ORDER.index(rule.status))
        ),
    )
    yield _table(
        ("probe", "", "attempts", "took", "evidence"),
        (
            (_md(p.name), f"{_MARKS[tone(p.status)]} {_md(p.status)}", str(p.attempts), _md(duration(p.seconds)), e)
            for p in cell.probes
            for e in [_md(shorten(p.detail, _LONGEST_CELL))]
        ),
    )
    yield _table(
        ("recheck", "", "took", "changes"),
        (
            (_md(c.name), f"{_MARKS[tone(c.status)]} {c.status}", _md(duration(c.seconds)), str(len(c.changes) or ""))
            for c in cell.rechecks
        ),
    )
    yield _table(
        ("fault", "", "fired"),
        (
            (
                _md(f"{f.rule}: {f.name}"),
                _MARKS[Tone.QUIET if f.times else Tone.WARN],
                str(f.times) if f.times else "never",
            )
            for f in cell.faults
        ),
    )
    yield "\n</details>\n"


def _table(heads: Sequence[str], rows: Iterable[tuple[str, ...]]) -> str:
    """A table, and an empty line after it; nothing without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join((f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *lines)) + "\n\n"


def _md(text: str) -> str:
    """Text of any origin as one line of Markdown that shows it as it is."""
    line = " ".join(printable(shorten(str(text), _LONGEST_TEXT)).split())
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", line)


def _code(text: str) -> str:
    """One line as code, which no sign in it can end."""
    return f"<code>{_md(text)}</code>"


def _block(text: str) -> str:
    """Lines as they are; the fence is longer than any run of backticks inside."""
    if not text.strip():
        return ""
    body = printable(shorten(text, _LONGEST_TEXT))
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{body}\n{fence}\n\n"

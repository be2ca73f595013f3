"""The result document in; one self-contained HTML page out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import CellResult, CellStatus, Finding, RuleOutcome, RuleStatus, RunResult
from harness.report.gantt import Plot, phase_plot, resource_plots
from harness.report.logs import LogEnd, end_of
from harness.report.render import render
from harness.report.words import Tone, fate, tone, verdict

_LONGEST_VALUE = 4000  # characters of one output


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """A policy rule and what it found."""

    rule: RuleOutcome
    tone: Tone
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CellPage:
    """What the page says about one cell, beside the result itself."""

    result: CellResult
    anchor: str
    tone: Tone
    fate: str
    ends_by: str  # the command that ends what is left; empty when nothing is
    phases: Plot | None
    plots: tuple[Plot, ...]
    violated: tuple[JudgedRule, ...]
    kept_rules: tuple[JudgedRule, ...]
    findings: tuple[Finding, ...]  # those that belong to no rule above
    outputs: tuple[tuple[str, str], ...]
    log: LogEnd


def run_page(result: RunResult) -> str:
    """The page. Reads the cells' logs where they can be read; embeds nothing else."""
    return render(
        "run.html.j2",
        result=result,
        verdict=verdict(result),
        cells=tuple(_cell(result.run, number, cell) for number, cell in enumerate(result.cells, 1)),
        tone=tone,
    )


def _cell(run: str, number: int, cell: CellResult) -> CellPage:
    rules = tuple(_judged(rule, cell.findings) for rule in cell.rules)
    bad = {RuleStatus.FAILED, RuleStatus.ADVISED}
    claimed = {id(finding) for rule in rules for finding in rule.findings}
    return CellPage(
        result=cell,
        anchor=f"cell-{number}",
        tone=tone(cell.status),
        fate=fate(cell),
        ends_by=f"harness destroy {run}" if cell.status in {CellStatus.LEAKED, CellStatus.KEPT} else "",
        phases=phase_plot(cell),
        plots=resource_plots(cell),
        violated=tuple(rule for rule in rules if rule.rule.status in bad),
        kept_rules=tuple(rule for rule in rules if rule.rule.status not in bad),
        findings=tuple(finding for finding in cell.findings if id(finding) not in claimed),
        outputs=tuple((name, _value(value)) for name, value in cell.outputs.items()),
        log=end_of(cell.log),
    )


def _judged(rule: RuleOutcome, findings: Sequence[Finding]) -> JudgedRule:
    own = tuple(finding for finding in findings if (finding.source, finding.id) == (rule.pack, rule.rule))
    return JudgedRule(rule, tone(rule.status), own)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"

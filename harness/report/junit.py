"""The result document in; JUnit XML out: a suite per cell, a case per phase, stage, policy rule, probe and recheck.

The shape is the one that Ant began (https://github.com/windyroad/JUnit-Schema) and Jenkins, GitLab and GitHub's actions
read: no empty name, class and name unique within the run, counts that are right. A *failure* is what was looked at and
is not so; an *error* is what could not be done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from itertools import count

from junitparser import Error, Failure, JUnitXml, Skipped, SystemOut, TestCase, TestSuite

from harness.model import (
    CellResult,
    CellStatus,
    FaultOutcome,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    ProbeOutcome,
    RecheckOutcome,
    ResourceRef,
    RuleLevel,
    RuleOutcome,
    RuleStatus,
    RunResult,
    StageOutcome,
)
from harness.report.plain import one_line, printable, shorten
from harness.report.words import change_lines, fate, finding_lines, stage_told
from harness.report.words import count as count_of

LONGEST_MESSAGE = 300  # characters of a failure's first line
LONGEST_TEXT = 32 * 1024  # characters of one case's own text: readers keep all of it in memory
_CHECKS = {PhaseName.PROBE, PhaseName.RECHECK, PhaseName.LEAK_CHECK}


@dataclass(frozen=True, slots=True)
class _Bad:
    """What is wrong with a case; `could_not` makes it an error instead of a failure."""

    kind: str
    text: str
    could_not: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    group: str
    name: str
    seconds: float = 0
    bad: _Bad | None = None
    skipped: str | None = None
    said: str = ""


def junit_xml(result: RunResult) -> bytes:
    """The report as UTF-8."""
    report = JUnitXml(name=_name(f"harness {result.run}"))
    classes = _class_names(result)
    suites = [_suite(result, cell, classes[cell.cell]) for cell in result.cells]
    for suite in suites:
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call]  # the library has types for a part of itself
    # The sum of the cases counts a probe twice, as itself and in its phase: what passed on the clock is said instead.
    report.time = round(result.seconds, 3)
    for suite, cell in zip(suites, result.cells, strict=True):
        suite.time = round(cell.seconds, 3)
    stream = BytesIO()
    report.write(stream)
    return stream.getvalue()


def _class_names(result: RunResult) -> Mapping[str, str]:
    """Each cell's name without its random suffix, so that servers find the case of the run before.

    With it where two cells of one run would share it.
    """
    stable = {cell.cell: _class(cell.cell.removesuffix(f"-{cell.suffix}")) for cell in result.cells}
    shared = Counter(stable.values())
    used: set[str] = set()
    return {cell: _unique(name if shared[name] == 1 else _class(cell), used) for cell, name in stable.items()}


def _class(text: str) -> str:
    """A dot ends a package's name for those readers that know Java."""
    return _name(text).replace(".", "_")


def _unique(name: str, used: set[str]) -> str:
    """The name, or with the first number that makes it one of its kind."""
    numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
    free = next(candidate for candidate in numbered if candidate not in used)
    used.add(free)
    return free


def _suite(result: RunResult, cell: CellResult, class_name: str) -> TestSuite:
    suite = TestSuite(_name(cell.cell))
    suite.timestamp = f"{(cell.started or result.started).astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    suite.hostname = "localhost"  # the schema wants one, and says this for an unknown one
    facts = {
        "run": result.run,
        "status": cell.status.value,
        "program": cell.program,
        "stack": cell.stack,
        "region": cell.region,
        "account": cell.account or "",
        "engine": " ".join(result.engine.get(key, "") for key in ("version", "origin")).strip(),
        "provider": result.provider,
        "target": result.target,
        "left": fate(cell),
    }
    for name, value in facts.items():
        suite.add_property(name, printable(value))
    used: dict[str, set[str]] = {}
    made = []
    for case in _cases(cell):
        name = _unique(_name(case.name), used.setdefault(case.group, set()))
        made.append(_test_case(case, f"{class_name}.{case.group}", name))
    suite.add_testcases(made)
    if cell.log:
        suite.append(SystemOut(printable(f"log: {cell.log}")))  # type: ignore[no-untyped-call]  # as above
    return suite


def _cases(cell: CellResult) -> Iterator[_Case]:
    cases = [_phase(cell, phase) for phase in cell.phases]
    cases += [_stage(cell, stage) for stage in cell.stages]
    cases += [_rule(cell, rule) for rule in cell.rules]
    cases += [_probe(probe) for probe in cell.probes]
    cases += [_recheck(check) for check in cell.rechecks]
    cases += [_fault(fault) for fault in cell.faults]
    told = any(case.bad for case in cases)
    if not told and cell.status not in {CellStatus.PASSED, CellStatus.SKIPPED}:
        bad = _Bad(cell.status.value, _cause(cell) or cell.status.value, could_not=True)
        cases.append(_Case("cell", cell.status.value.lower(), cell.seconds, bad))
    elif not cases:
        cases.append(_Case("cell", cell.status.value.lower(), cell.seconds, skipped="it was not begun"))
    yield from cases


def _phase(cell: CellResult, phase: PhaseResult) -> _Case:
    name = phase.phase.value
    if phase.status is PhaseStatus.SKIPPED:
        return _Case("phase", name, skipped=phase.detail or "skipped")
    if phase.status is PhaseStatus.PASSED:
        return _Case("phase", name, phase.seconds, said=phase.detail)
    text = _cause(cell) if cell.error is not None and cell.error.phase is phase.phase else phase.detail
    if phase.phase is PhaseName.LEAK_CHECK:
        text = "\n".join([text, *_left(cell)]).strip()
    violated = phase.phase is PhaseName.PREFLIGHT and any(rule.status is RuleStatus.FAILED for rule in cell.rules)
    judged = phase.phase in _CHECKS or violated
    could_not = not judged or phase.status is not PhaseStatus.FAILED
    bad = _Bad(f"phase {phase.status.value}", text or f"{name} {phase.status.value}", could_not=could_not)
    return _Case("phase", name, phase.seconds, bad)


def _stage(cell: CellResult, stage: StageOutcome) -> _Case:
    if stage.status == "passed":
        return _Case("stage", stage.name, stage.seconds, said=stage_told(stage))
    text = _cause(cell) if cell.error is not None and cell.error.phase is PhaseName.UP else "up failed in it"
    return _Case("stage", stage.name, stage.seconds, _Bad("stage failed", text, could_not=True))


def _cause(cell: CellResult) -> str:
    if cell.error is None:
        return ""
    hint = f"hint: {cell.error.hint}" if cell.error.hint else ""
    return "\n".join(part for part in (cell.error.message, hint, cell.error.detail) if part)


def _left(cell: CellResult) -> Iterator[str]:
    def told(how: str, ref: ResourceRef) -> str:
        return "\n".join(part for part in (f"{how}: {ref.type} {ref.id}: {ref.reason}", ref.command) if part)

    yield from (told("still there", ref) for ref in cell.resources.leaked)
    yield from (told("unverified", ref) for ref in cell.resources.unverified)


def _rule(cell: CellResult, rule: RuleOutcome) -> _Case:
    # Two packs may have a rule of one name.
    name = rule.rule if sum(other.rule == rule.rule for other in cell.rules) == 1 else f"{rule.pack}: {rule.rule}"
    if rule.level is RuleLevel.DISABLED or rule.status is RuleStatus.DISABLED:
        return _Case("rule", name, skipped="disabled")
    own = [found for found in cell.findings if (found.source, found.id) == (rule.pack, rule.rule)]
    text = "\n".join(line for found in own for line in finding_lines(found))
    if rule.status is RuleStatus.FAILED:
        return _Case("rule", name, bad=_Bad("policy violation", text or rule.description or "violated"))
    return _Case("rule", name, said=f"advisory:\n{text}" if rule.status is RuleStatus.ADVISED else "")


def _probe(probe: ProbeOutcome) -> _Case:
    if probe.status == "skipped":
        return _Case("probe", probe.name, skipped=probe.detail or "skipped")
    if probe.status == "passed":
        return _Case("probe", probe.name, probe.seconds, said=probe.detail)
    text = f"{probe.detail or probe.status}\nattempts: {probe.attempts}"
    bad = _Bad(f"probe {probe.status}", text, could_not=probe.status != "failed")
    return _Case("probe", probe.name, probe.seconds, bad)


def _recheck(check: RecheckOutcome) -> _Case:
    if check.status == "passed":
        return _Case("recheck", check.name, check.seconds, said=check.detail)
    changes = [line for change in check.changes for line in change_lines(change)]
    text = "\n".join(part for part in (check.detail, *changes) if part) or check.status
    return _Case("recheck", check.name, check.seconds, _Bad(f"recheck {check.status}", text, check.status == "errored"))


def _fault(fault: FaultOutcome) -> _Case:
    name = f"{fault.rule}: {fault.name}"
    if fault.times:
        calls = "\n".join(f"{hit.seconds:.1f} s {hit.call} {hit.resource}".rstrip() for hit in fault.at)
        return _Case("fault", name, said=f"{count_of(fault.times, 'call')} met it:\n{calls}")
    if fault.must_fire:
        return _Case("fault", name, bad=_Bad("fault never fired", "it had to fire, and no call matched"))
    return _Case("fault", name, skipped="never fired, so it tested nothing")


def _test_case(case: _Case, class_name: str, name: str) -> TestCase:
    made = TestCase(name, class_name, round(max(0.0, case.seconds), 3))
    if case.bad is not None:
        result = (Error if case.bad.could_not else Failure)(_name(case.bad.text), _name(case.bad.kind))
        result.text = shorten(printable(case.bad.text), LONGEST_TEXT)
        made.result = [result]
    elif case.skipped is not None:
        made.result = [Skipped(one_line(case.skipped, LONGEST_MESSAGE))]
    if case.said:
        made.system_out = shorten(printable(case.said), LONGEST_TEXT)
    return made


def _name(text: str) -> str:
    """A name that is not empty, on one line, and not longer than a person reads."""
    return one_line(text, LONGEST_MESSAGE) or "(unnamed)"

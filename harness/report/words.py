"""A result in; the words that every report tells it with out: verdicts, what became of a cell, durations, names."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.errors import ExitCode
from harness.model import (
    CellResult,
    CellStatus,
    Change,
    Finding,
    PhaseName,
    PhaseStatus,
    RuleLevel,
    RunResult,
    StageOutcome,
)

GONE, NOTHING = "everything it made is proved gone", "nothing was made"
_MINUTE, _HOUR = 60, 3600


class Tone(enum.StrEnum):
    """How something is to be taken; every tone has a mark and a word of its own beside its colour."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run in a word, and in a sentence."""

    word: str
    tone: Tone
    sentence: str


_TONES = {
    **dict.fromkeys(("passed", "PASSED"), Tone.GOOD),
    **dict.fromkeys(("advised", "interrupted", "INTERRUPTED", "KEPT", "advisory", "warning"), Tone.WARN),
    **dict.fromkeys(("skipped", "SKIPPED", "disabled", "running", "info"), Tone.QUIET),
}
_VERDICTS = {
    ExitCode.PASSED: ("Passed", Tone.GOOD),
    ExitCode.FAILED: ("Failed", Tone.BAD),
    ExitCode.USAGE: ("Rejected", Tone.BAD),
    ExitCode.LEAKED: ("Leaked", Tone.BAD),
    ExitCode.INTERRUPTED: ("Interrupted", Tone.WARN),
}


def tone(status: str) -> Tone:
    """The tone of any status or level of the model; what is neither good nor known to be harmless is bad."""
    return _TONES.get(str(status), Tone.BAD)


def verdict(result: RunResult) -> Verdict:
    """The whole run, as one would say it across a table."""
    word, how = _VERDICTS[ExitCode(result.exit_code)]
    passed = sum(cell.status is CellStatus.PASSED for cell in result.cells)
    if len(result.cells) == 1:
        [cell] = result.cells
        told = f"{cell.cell}: {fate(cell)}."
    elif passed == len(result.cells):
        told = f"{passed} cells passed; {_fates(result.cells)}."
    else:
        told = f"{passed} of {len(result.cells)} cells passed; {_fates(result.cells)}."
    return Verdict(word, how, told)


def fate(cell: CellResult) -> str:
    """What became of all that the cell made. Only the leak check says that it is gone."""
    ended = {phase.phase: phase.status for phase in cell.phases if phase.status is not PhaseStatus.SKIPPED}
    left = cell.resources
    if cell.status is CellStatus.KEPT:
        return "left up on request"
    if left.leaked or left.unverified:
        there = count(len(left.leaked), "resource") + " still there"
        return f"{there}, {len(left.unverified)} unverified" if left.unverified else there
    if ended.get(PhaseName.LEAK_CHECK) is PhaseStatus.PASSED:
        return GONE
    if not {PhaseName.UP, PhaseName.DESTROY} & ended.keys():
        return NOTHING
    return "what is left is not known"


def _fates(cells: Sequence[CellResult]) -> str:
    """What is left, cell by cell; in one phrase when nothing is."""
    fates = [fate(cell) for cell in cells]
    left = [f"{cell.cell}: {what}" for cell, what in zip(cells, fates, strict=True) if what not in {GONE, NOTHING}]
    if left:
        return "; ".join(left)
    return "everything they made is proved gone" if GONE in fates else NOTHING


def duration(seconds: float) -> str:
    """`0.4 s`, `11.6 s`, `3 min 05 s`, `1 h 02 min`."""
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def fine(seconds: float) -> str:
    """As `duration`, but what is short to the hundredth: `0.35 s`."""
    return f"{seconds:.2f} s" if seconds < 10 else duration(seconds)  # noqa: PLR2004 - two digits that matter


def clock(seconds: float) -> str:
    """An offset on an axis, as short as it goes: `0.5`, `12`, `2:05`, `1:02:05`."""
    if seconds < _MINUTE:
        return f"{seconds:g}"
    whole = round(seconds)
    hours, minutes = whole // _HOUR, whole % _HOUR // _MINUTE
    return f"{hours}:{minutes:02}:{whole % _MINUTE:02}" if hours else f"{minutes}:{whole % _MINUTE:02}"


def moment(when: datetime) -> str:
    """A date and time in UTC that nobody misreads."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def count(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short_type(token: str) -> str:
    """`Bucket` of `aws:s3/bucket:Bucket`."""
    return token.rpartition("$")[2].rpartition(":")[2] or token


def short_urn(urn: str) -> str:
    """The resource's name, the last part of its URN."""
    return urn.rpartition("::")[2]


def parents(urn: str) -> tuple[str, ...]:
    """Type tokens of the resource's parents, outermost first, without the stack."""
    parts = urn.split("::")
    chain = parts[2].split("$")[:-1] if len(parts) > 3 else []  # noqa: PLR2004 - urn:pulumi:STACK::PROJECT::TYPES::NAME
    return tuple(kind for kind in chain if kind != "pulumi:pulumi:Stack")


def rules_counted(cell: CellResult) -> str:
    """`12 rules passed, 1 advised, 2 disabled`; empty without rules."""
    numbers = {status: sum(rule.status == status for rule in cell.rules) for status in ("failed", "advised", "passed")}
    disabled = sum(rule.level is RuleLevel.DISABLED for rule in cell.rules)
    parts = [f"{number} {status}" for status, number in numbers.items() if number]
    return ", ".join([*parts, f"{disabled} disabled"] if disabled else parts)


def stage_told(stage: StageOutcome) -> str:
    """`2 created, command 1.2 s`."""
    return f"{stage.created} created" + (f", command {duration(stage.command)}" if stage.command else "")


def faults_fired(cell: CellResult) -> str:
    """`3 faults fired: throttle sqs:CreateQueue (2), hang s3:* (1)`; empty without faults, or when none fired."""
    fired = [fault for fault in cell.faults if fault.times]
    told = ", ".join(f"{fault.name} ({fault.times})" for fault in fired)
    return f"{count(sum(fault.times for fault in fired), 'fault')} fired: {told}" if fired else ""


def faults_idle(cell: CellResult) -> tuple[str, ...]:
    """A line for each fault that never fired: what it was to show was not tested."""
    idle = (fault for fault in cell.faults if not fault.times)
    return tuple(f"fault {fault.rule} never fired, so it tested nothing: {fault.name}" for fault in idle)


def finding_lines(found: Finding) -> tuple[str, ...]:
    """`Bucket assets: cause` and `remedy: …`."""
    told = f"{found.resource}: {found.cause}" if found.resource else found.cause
    return (told, f"remedy: {found.remedy}") if found.remedy else (told,)


def change_lines(change: Change) -> tuple[str, ...]:
    """`Queue orders (update)`, then a line per property: `  size: 1 -> 2`."""
    head = f"{short_type(change.type)} {short_urn(change.urn)} ({change.op})"
    return (head, *(f"  {p.property}: {p.before or '(none)'} -> {p.after or '(none)'}" for p in change.properties))

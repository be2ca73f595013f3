"""The summary on the terminal: short when all is well, and the cause, the evidence and the remedy when not."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import DRIFTED, cell, cells, finding, rules, run, sample_result
from rich.console import Console

from harness.model import CellStatus, Failure, RunResult
from harness.report.summary import summarise
from harness.report.words import duration, fine, moment, verdict


def said(*names: str) -> str:
    """What is told about these cells."""
    return told(sample_result(*names))


def told(result: RunResult) -> str:
    """What is told about this run."""
    console = Console(file=io.StringIO(), width=80)
    summarise(result, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_that_passed_is_told_in_six_lines() -> None:
    """What ran and how it went; no list of what passed."""
    text = said("passed")
    assert len(text.strip().splitlines()) == 6
    assert "policy 5 passed, 1 disabled · 2/2 probes passed · idempotency ok, drift ok" in text
    assert "1 passed in 12.3 s (engine 3.255.0 from cache, provider bundled, target emulator, run r-sample" in text


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "failed-policy",
            ["mandatory suffix-in-names: Bucket", "    remedy: put the suffix", "advisory "],
        ),
        (
            "failed-probe",
            ["probe failed: shop answers (7 attempts, 30.1 s)", "    GET http://127.0.0.1:8080/health"],
        ),
        ("drifted", ["recheck drift FAILED", "Queue orders (update)", "visibilityTimeoutSeconds: 30 -> 45"]),
        ("leaked", ["still there: aws:s3/bucket:Bucket", "    aws s3 rb", "unverified: ", "harness destroy r-sample"]),
        ("kept", ["destroy skipped", "to end it: harness destroy r-sample00001"]),
        ("errored", ["known as sqs-visibility", "    remedy: visibility_timeout_seconds"]),
        ("interrupted", ["up stopped 4.0 s", "was working on: Queue orders"]),
    ],
)
def test_each_way_to_fail_is_told_with_what_to_do(name: str, lines: list[str]) -> None:
    """In this order, and the log is named."""
    text = said(name)
    places = [text.find(line) for line in lines]
    assert -1 not in places, lines[places.index(-1)]
    assert places == sorted(places)
    assert "error: " in text
    assert "log: /nonexistent/cell.log" in text


def test_a_flood_of_findings_and_changes_is_cut_with_a_note() -> None:
    """Ten of each; the reports have all. What is mandatory comes first."""
    findings = (*(finding("log-retention", "advisory"),) * 15, finding("suffix-in-names"))
    drift = DRIFTED[1].model_copy(update={"changes": DRIFTED[1].changes * 40})
    text = told(run(cell(rules=rules(advised="log-retention"), findings=findings, rechecks=(drift,))))
    assert text.index("mandatory suffix-in-names") < text.index("advisory log-retention")
    assert "and 6 more" in text
    assert "and 30 more" in text
    assert len(text.splitlines()) < 70


@given(st.text(st.characters(codec=None, categories=None)))
def test_no_text_can_do_anything_to_the_terminal(text: str) -> None:
    """No escape, no bell, no return of the carriage."""
    wild = cell(text, CellStatus.FAILED, error=Failure(phase=None, message=text, hint=text, detail=text))
    assert not set(told(run(wild))) & {"\x1b", "\a", "\r", "\b", "\x9b"}


@pytest.mark.parametrize(
    ("names", "word", "sentence"),
    [
        (("passed",), "Passed", "passed-abc12345: everything it made is proved gone."),
        (("passed", "failed-policy"), "Failed", "1 of 2 cells passed; everything they made is proved gone."),
        (("rejected",), "Rejected", "rejected-abc12345: nothing was made."),
        (("rejected", "failed-policy"), "Failed", "0 of 2 cells passed; nothing was made."),
        (("passed", "leaked"), "Leaked", "1 of 2 cells passed; leaked-abc12345: 1 resource still there, 1 unverified."),
        (("kept",), "Failed", "kept-abc12345: left up on request."),
        (("interrupted",), "Interrupted", "interrupted-abc12345: everything it made is proved gone."),
    ],
)
def test_the_verdict_is_said_in_one_sentence(names: tuple[str, ...], word: str, sentence: str) -> None:
    """Gone is said only of what the leak check saw gone."""
    judged = verdict(sample_result(*names))
    assert (judged.word, judged.sentence) == (word, sentence)


def test_nothing_is_called_gone_that_nobody_looked_for() -> None:
    """A cell whose destroy or leak check did not come to its end."""
    whole = cells()["passed"]
    cut = whole.model_copy(update={"phases": whole.phases[:-1], "status": CellStatus.ERRORED})
    assert verdict(run(cut)).sentence.endswith("what is left is not known.")


def test_times_are_as_short_as_they_go() -> None:
    """Seconds, then minutes, then hours; dates in UTC."""
    assert [duration(s) for s in (0, 0.04, 59.94, 59.96, 185, 3720)] == [
        "0.0 s", "0.0 s", "59.9 s", "1 min 00 s", "3 min 05 s", "1 h 02 min",
    ]  # fmt: skip
    assert [fine(s) for s in (0.351, 12.3)] == ["0.35 s", "12.3 s"]
    assert moment(sample_result("passed").started) == "2026-11-22 19:15:16 UTC"

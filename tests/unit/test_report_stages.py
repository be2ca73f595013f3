"""Each stage of an `up` in every report: how it ended, how long it took, what it made."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

from report_samples import cell, ending, run
from rich.console import Console

from harness.model import CellStatus, Failure, PhaseName, StageOutcome
from harness.report.html import run_page
from harness.report.junit import junit_xml
from harness.report.summary import summarise

STAGES = (
    StageOutcome(name="repository", status="passed", seconds=3.2, created=2, command=1.25),
    StageOutcome(name="whole", status="failed", seconds=0.8, created=1),
)
RESULT = run(
    cell(
        "shop-abc12345",
        CellStatus.ERRORED,
        phases=ending(PhaseName.UP),
        stages=STAGES,
        error=Failure(phase=PhaseName.UP, message="InvalidAttributeValue: 999999"),
    )
)


def test_the_terminal_tells_each_stage_in_one_line() -> None:
    """With its command's share."""
    console = Console(file=io.StringIO(), width=200)
    summarise(RESULT, console)
    line = "stages: repository ok 3.2 s (2 created, command 1.2 s) · whole FAILED 0.8 s (1 created)"
    assert line in console.file.getvalue()  # type: ignore[attr-defined]


def test_junit_has_a_case_for_each_stage() -> None:
    """The one that failed has the cause, and could not be done."""
    root = ET.fromstring(junit_xml(RESULT))  # noqa: S314 - our own report
    cases = {one.get("name"): one for one in root.iter("testcase") if one.get("classname") == "shop.stage"}
    assert list(cases) == ["repository", "whole"]
    assert cases["repository"].get("time") == "3.2"
    assert cases["repository"].findtext("system-out") == "2 created, command 1.2 s"
    assert "InvalidAttributeValue" in (cases["whole"].findtext("error") or "")


def test_the_page_has_a_row_for_each_stage() -> None:
    """Without any, no section."""
    page = run_page(RESULT)
    assert "Stages of up" in page
    assert "2 created, command 1.2 s · 3.2 s" in page
    assert "Stages of up" not in run_page(run(cell()))

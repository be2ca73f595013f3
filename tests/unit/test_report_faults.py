"""What fired, and what never did, in every report."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

from report_samples import cell, run
from rich.console import Console

from harness.model import CellStatus, FaultHit, FaultOutcome
from harness.report.github import summary, workflow_commands
from harness.report.html import run_page
from harness.report.junit import junit_xml
from harness.report.summary import summarise

HIT = FaultHit(seconds=1.25, call="sqs:CreateQueue", resource="orders")
FIRED = FaultOutcome(rule=1, name="slow | queue", service="sqs", operation="*", kind="latency", times=2, at=(HIT, HIT))
IDLE = FaultOutcome(rule=2, name="hang s3:*", service="s3", operation="*", kind="hang")
WANTED = FaultOutcome(rule=3, name="reset kms:*", service="kms", operation="*", kind="reset", must_fire=True)
RESULT = run(cell("faulty-1", CellStatus.FAILED, faults=(FIRED, IDLE, WANTED)))


def test_the_terminal_tells_what_fired_and_warns_of_what_did_not() -> None:
    """One line for the former, one each for the latter."""
    console = Console(file=io.StringIO(), width=100)
    summarise(RESULT, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 faults fired: slow | queue (2)" in text
    assert "fault 2 never fired, so it tested nothing: hang s3:*" in text
    assert "fault 3 never fired" in text


def test_junit_has_a_case_for_each_fault() -> None:
    """Fired: passed, with its calls; never fired: skipped; had to fire and did not: failed."""
    cases = {one.get("name"): one for one in ET.fromstring(junit_xml(RESULT)).iter("testcase")}  # noqa: S314 - our own
    fired, idle, wanted = cases["1: slow | queue"], cases["2: hang s3:*"], cases["3: reset kms:*"]
    assert fired.get("classname") == "faulty-1.fault"
    assert "1.2 s sqs:CreateQueue orders" in (fired.findtext("system-out") or "")
    assert idle.find("skipped") is not None
    assert wanted.find("failure") is not None


def test_github_has_a_table_and_a_warning() -> None:
    """The table among what is folded; the warning where everybody sees it."""
    assert "| 1: slow &#124; queue | ▫️ | 2 |" in summary(RESULT)
    assert "| 2: hang s3:&#42; | ⚠️ | never |" in summary(RESULT)
    warned = [line for line in workflow_commands(RESULT) if line.startswith("::warning")]
    assert len(warned) == 2
    assert "fault 2 never fired" in warned[0]


def test_the_page_has_a_section() -> None:
    """With the calls of each that fired."""
    page = run_page(RESULT)
    assert "<h3" in page
    assert "Faults</h3>" in page
    assert "sqs:CreateQueue orders" in page
    assert "No call matched: it tested nothing." in page

"""What GitHub Actions shows: the step's summary and the annotations, in its own escaping and within its limits."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from report_samples import cell, cells, finding, run, sample_result

from harness.model import CellStatus, Failure, ProbeOutcome
from harness.report.github import LARGEST, append_summary, summary, workflow_commands

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=200) | st.sampled_from(
    ["```\n::error::x", "</details><script>", "| a | b |\n", "\ud800", "\r\n# big", "**x**", "@team #1 :x: $a$"]
)


def test_the_verdict_comes_first_and_every_cell_has_its_row() -> None:
    """Then causes with remedies, what is left with its command, and all else folded."""
    text = summary(sample_result())
    assert text.startswith("## ❌ Leaked")
    for name in cells():
        assert f"| {name}-abc12345 |" in text
    assert "**What to do:** --config size=VALUE" in text
    assert "remedy: put the suffix into its name" in text
    assert "visibilityTimeoutSeconds: 30 -> 45" in text
    assert "<code>aws s3 rb s3://shop-assets-abc12345 --force</code>" in text
    assert "<code>harness destroy r-sample00001</code>" in text
    assert text.count("<details>") == text.count("</details>") == 9, "a cell that never began has nothing to fold"
    folded = text[text.index("<details>") :]
    assert "| slowest resources |" in folded
    assert "| shop answers | ❌ failed | 7 |" in folded


def test_a_run_that_passed_shows_no_failure() -> None:
    """The verdict, the table, and the folded rest."""
    text = summary(sample_result("passed"))
    assert text.startswith("## ✅ Passed")
    assert "###" not in text
    assert "❌" not in text


@given(ANY_TEXT)
def test_no_text_can_break_out_of_where_it_is_shown(said: str) -> None:
    """Not out of a table's row, a fence or the folded part, and not into HTML, a mention or a formula."""
    wild = cell(
        "wild-1",
        CellStatus.FAILED,
        error=Failure(phase=None, message=said, hint=said, detail=said),
        probes=(ProbeOutcome(name=said, status="failed", attempts=1, seconds=0, detail=said),),
        findings=(finding("x").model_copy(update={"cause": said, "resource": said}),),
        region=said,
    )
    text = summary(run(wild))
    text.encode()
    rest, fence = [], ""
    for line in text.split("\n"):
        if not fence and (opened := re.fullmatch(r"`{3,}", line)):
            fence = opened[0]
        elif line == fence:
            fence = ""
        elif not fence:
            rest.append(line)
    assert not fence
    for line in rest:
        bare = re.sub(r"</?(?:details|summary|code|sub|br)>|&#\d+;", "", line)
        assert not re.search(r"[<>@$`]", bare), line
        if line.startswith("| wild-1"):
            assert line.count("|") == 8


def test_the_summary_stays_below_the_limit_and_says_that_it_was_cut(tmp_path: Path) -> None:
    """GitHub drops a summary that is too large as a whole; what earlier commands of the step wrote counts too."""
    many = run(*(cell(f"shop-{number}") for number in range(1200)))
    assert len(summary(many).encode()) <= LARGEST
    assert summary(many).rstrip().endswith("the reports have them.")
    file = tmp_path / "summary.md"
    file.write_text("x" * (LARGEST - 10_000), encoding="utf-8")
    append_summary(many, str(file))
    assert LARGEST - 10_000 < file.stat().st_size <= LARGEST
    file.write_text("x" * LARGEST, encoding="utf-8")
    append_summary(many, str(file))
    assert file.stat().st_size == LARGEST


def test_annotations_name_the_cell_and_carry_cause_and_remedy() -> None:
    """Errors for what failed, warnings for advice; in a step GitHub shows ten of each."""
    lines = workflow_commands(sample_result())
    assert "::error title=failed-policy-abc12345%3A suffix-in-names::Bucket assets: bucket 'shop-assets'" in lines[1]
    assert "%0Aremedy: put the suffix" in lines[1]
    assert any(line.startswith("::warning title=failed-policy-abc12345%3A log-retention::") for line in lines)
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert workflow_commands(sample_result("passed")) == ()


@given(ANY_TEXT)
def test_an_annotation_is_one_line_whatever_it_says(said: str) -> None:
    """The runner reads lines; a percent sign, a comma or a colon in a title would cut it."""
    wild = cell(said, CellStatus.FAILED, error=Failure(phase=None, message=said, hint=said))
    [line] = workflow_commands(run(wild))
    assert "\n" not in line
    assert "\r" not in line
    matched = re.fullmatch(r"::error title=([^:,]*)::(.*)", line)
    assert matched
    assert not re.search(r"%(?!25|0A|0D|3A|2C)", line)

"""A trend tells slower from faster from the same, from runs that can be compared, and draws what it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from harness.errors import UsageError
from harness.model import CellResult, CellStatus, PhaseName, PhaseResult, PhaseStatus, RunResult, Timing
from harness.report.history import show_list, show_run, show_trend
from harness.report.trend import Trend, check_phase, make_trend
from harness.report.trend_page import trend_page
from harness.world.history import Past

START = datetime(2026, 11, 1, tzinfo=UTC)


def past(
    number: int,
    up: float,
    *,
    status: PhaseStatus = PhaseStatus.PASSED,
    program: str = "shop",
    target: str = "emulator",
    provider: str = "bundled",
    kind: str = "run",
) -> Past:
    """A run of one cell whose `up` took so long."""
    ended = {
        PhaseStatus.PASSED: CellStatus.PASSED,
        PhaseStatus.FAILED: CellStatus.ERRORED,
        PhaseStatus.INTERRUPTED: CellStatus.INTERRUPTED,
    }[status]
    cell = CellResult(
        cell=f"{program}-{number}",
        program=program,
        stack="s",
        suffix="x",
        region="us-east-1",
        account=None,
        status=ended,
        started=START + timedelta(days=number),
        seconds=up + 1,
        phases=(
            PhaseResult(phase=PhaseName.UP, status=status, seconds=up),
            PhaseResult(phase=PhaseName.PROBE, status=PhaseStatus.SKIPPED, seconds=0),
            PhaseResult(phase=PhaseName.DESTROY, status=PhaseStatus.PASSED, seconds=1),
        ),
        timings=(
            Timing(urn="u::fast", type="t:m:Fast", op="create", seconds=0.1),
            Timing(urn="u::slow", type="t:m:Slow", op="create", seconds=up),
            Timing(urn="u::bad", type="t:m:Bad", op="create", seconds=99, failed=True),
        ),
    )
    engine = {"version": "3", "origin": "cache", "path": ""}
    result = RunResult(
        run=f"r-{number:010}",
        started=START + timedelta(days=number),
        seconds=up + 2,
        exit_code=int(ended.exit_code),
        engine=engine,
        provider=provider,  # type: ignore[arg-type]
        target=target,
        cells=(cell,),
    )
    return Past(kind, "0.1.0", result)  # type: ignore[arg-type]


def trend(*ups: float, phase: str | None = None) -> Trend:
    """The trend of runs with these times, oldest first."""
    return make_trend("shop", [past(number, up) for number, up in enumerate(ups)][::-1], phase)


def line(found: Trend, phase: str = "up"):
    """The figures of a phase."""
    [one] = [line for line in found.lines if line.phase == phase]
    return one


@pytest.mark.parametrize(
    ("ups", "word"),
    [
        ([10.0], "first"),
        ([10, 10, 10, 10, 10, 14], "slower"),
        ([10, 10, 10, 10, 10, 7], "faster"),
        ([10, 10, 10, 10, 10, 10.9], "steady"),  # less than a tenth
        ([0.1, 0.1, 0.1, 0.25], "steady"),  # more than a tenth, but who waits for it?
        ([8, 14, 9, 15, 10, 14, 8, 14], "steady"),  # it varies so much anyway
        ([0.0, 0.0], "steady"),
    ],
)
def test_the_word_for_the_last_run(ups: list[float], word: str) -> None:
    """Against the median of those before it, and beyond what is usual for them."""
    assert line(trend(*ups)).word == word


def test_the_figures() -> None:
    """Median and p90 over all, the change against those before the last."""
    found = line(trend(1, 2, 3, 4, 10))
    assert (found.runs, found.last, found.median) == (5, 10, 3)
    assert found.p90 == pytest.approx(7.6)
    assert found.change == pytest.approx(3.0)
    assert line(trend(10.0)).change is None


def test_what_did_not_pass_is_shown_and_counts_for_nothing() -> None:
    """A failure after a second would make every next run look slow."""
    runs = [past(0, 10), past(1, 1, status=PhaseStatus.FAILED), past(2, 10), past(3, 2, status=PhaseStatus.INTERRUPTED)]
    found = make_trend("shop", runs[::-1])
    assert (line(found).runs, line(found).last, line(found).word) == (2, 10, "steady")
    assert [point.took("up") for point in found.points] == [10, 1, 10, 2]
    assert line(found, "total").runs == 2
    assert line(found, "destroy").runs == 4
    assert "probe" not in {one.phase for one in found.lines}  # skipped everywhere


def test_like_is_compared_with_like() -> None:
    """The newest run says what counts; a real cloud's times say nothing about the emulator's."""
    runs = [
        past(5, 10, target="http://127.0.0.1:4"),
        past(4, 99, target="aws", provider="official"),
        past(3, 10, target="http://127.0.0.1:3"),
        past(2, 99),
        past(1, 1, kind="destroy", target="http://127.0.0.1:3"),
    ]
    found = make_trend("shop", runs)
    assert ([point.took("up") for point in found.points], found.target, found.left_out) == ([10, 10], "url", 2)


def test_the_slowest_types_are_named_by_their_median() -> None:
    """Operations that failed are not among them."""
    assert [(slow.type, slow.count, slow.longest) for slow in trend(1, 2, 6).slowest] == [
        ("t:m:Slow", 3, 6),
        ("t:m:Fast", 3, 0.1),
    ]


def test_one_phase_only() -> None:
    """By its name, with or without a hyphen; another name is an error with those that are."""
    assert [one.phase for one in trend(1, 2, phase="up").lines] == ["up"]
    assert check_phase("leak-check") == "leak check"
    with pytest.raises(UsageError, match="'dance'") as refused:
        check_phase("dance")
    assert "preflight, up" in refused.value.hint


class _Page(HTMLParser):
    """Tags of a page, and everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.shapes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.fetched += [value for name in ("src", "href") if (value := given.get(name)) and value != "data:,"]
        if given.get("class") in {"passed", "failed", "stopped"}:
            self.shapes.append(f"{given['class']}:{tag}")


def test_the_page_draws_every_run_and_fetches_nothing() -> None:
    """A shape of its own for what passed, failed, and was stopped; no script, nothing from elsewhere."""
    runs = [past(0, 10), past(1, 1, status=PhaseStatus.FAILED), past(2, 10), past(3, 2, status=PhaseStatus.INTERRUPTED)]
    page = _Page()
    text = trend_page(make_trend("shop", runs[::-1], "up"))
    page.feed(text)
    legend = ["passed:circle", "failed:g", "stopped:path"]
    assert sorted(page.shapes) == sorted([*legend, *legend, "passed:circle"])
    assert page.fetched == []
    assert "script" not in page.tags
    assert "r-0000000001" in text
    assert "prefers-color-scheme: dark" in text


def test_no_line_leads_through_a_run_that_did_not_pass() -> None:
    """It would show a time that means nothing."""
    runs = [past(n, 10, status=PhaseStatus.FAILED if n == 2 else PhaseStatus.PASSED) for n in range(5)]
    text = trend_page(make_trend("shop", runs[::-1], "up"))
    lines = re.findall(r'<polyline class="line" points="([^"]+)"', text)
    assert [len(one.split()) for one in lines] == [2, 2]


@pytest.mark.parametrize("ups", [[0.0], [0.04, 0.05], [59, 61], [4000.0, 1.0], [1e6, 1], list(range(1, 200))])
def test_every_point_lies_within_its_picture(ups: list[float]) -> None:
    """Whatever the times: a single run, none at all, hours, hundreds."""
    text = trend_page(trend(*map(float, ups), phase="up"))
    spots = re.findall(r'<circle class="passed" cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+"><title>', text)
    assert len(spots) == len(ups)
    assert all(38 <= float(x) <= 310 and 22 <= float(y) <= 128 for x, y in spots)


def test_what_a_program_is_called_does_not_become_markup() -> None:
    """Names are text."""
    runs = [past(0, 1, program="<script>alert(1)</script>")]
    assert "<script>" not in trend_page(make_trend("<script>alert(1)</script>", runs))


def test_no_run_that_passed_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    """There are no figures then, and the table and the page say so."""
    found = make_trend("shop", [past(0, 1, status=PhaseStatus.FAILED)], "up")
    assert found.lines == ()
    assert "no figures" in trend_page(found)
    show_trend(found)
    assert "r-0000000000" in capsys.readouterr().out


def test_the_tables_fit_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the longest status, long runs and long times; identifiers are never cut."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    runs = [past(n, 3599.0 * n, status=PhaseStatus.INTERRUPTED, program="a-program-with-a-name") for n in range(1, 3)]
    runs += [past(3, 7200.0, program="a-program-with-a-name")]
    show_list(runs)
    show_trend(make_trend("a-program-with-a-name", runs[::-1]))
    show_run([past(3, 12.5)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    assert sum("r-0000000002 INTERRUPTED" in line for line in lines) == 2
    assert sum("r-0000000003 PASSED" in line for line in lines) == 2
    assert sum("2026-11-04 00:00 " in line for line in lines) == 1


def test_in_a_pipe_a_run_is_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is folded, and no line ends in spaces."""
    monkeypatch.delenv("COLUMNS", raising=False)
    show_list([past(n, 1, program="a-program-with-quite-a-long-name" * 5) for n in range(3)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line == line.rstrip() for line in lines)


def test_a_destroy_that_passed_is_not_a_run_that_passed(capsys: pytest.CaptureFixture[str]) -> None:
    """The list tells them apart."""
    show_list([past(1, 1, kind="destroy"), past(1, 1, status=PhaseStatus.FAILED)])
    out = capsys.readouterr().out
    assert "destroy ok" in out
    assert "PASSED" not in out

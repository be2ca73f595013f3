"""The page as text: whole, escaped, closed to the outside; and its bars, in figures."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import cell, cells, phases, run, sample_result, timings, urn

from harness.model import CellStatus, Failure, PhaseName, ProbeOutcome, Timing
from harness.report.gantt import MOST_TICKS, phase_plot, resource_plots
from harness.report.html import run_page
from harness.report.logs import end_of
from harness.report.render import render

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=100) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "</style>", "\x00", "\ud800", "{{ 7 * 7 }}", "&lt;"]
)
EMPTY = {"meta", "link", "br", "rect", "line", "path", "circle"}


class Tags(HTMLParser):
    """Every element, and whether they close in the order in which they opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text.append(data)


def checked(page: str) -> Tags:
    """The page's elements; well-formed, without a script, and without an address that a browser would ask."""
    tags = Tags(page)
    assert tags.open == []
    assert {tag for tag, _ in tags.seen}.isdisjoint({"script", "img", "iframe", "object", "form", "base"})
    for tag, attributes in tags.seen:
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert "url(http" not in page
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    return tags


@pytest.mark.parametrize("name", cells())
def test_every_way_to_end_makes_a_whole_page(name: str) -> None:
    """Verdict first, and the cell with its own status."""
    page = run_page(sample_result(name))
    text = " ".join(" ".join(checked(page).text).split())
    assert page.index('class="verdict') < page.index('class="sheet"')
    assert name in text
    assert cells()[name].status.value.lower() in text


def test_the_page_says_what_is_wrong_and_what_to_do() -> None:
    """Causes, remedies, evidence, changed properties, commands, incidents, outputs; passed rules are folded."""
    text = " ".join(" ".join(checked(run_page(sample_result())).text).split())
    for said in (
        "put the suffix into its name",
        "503 Service Unavailable, wanted 200",
        "visibilityTimeoutSeconds before 30 after 45",
        "aws s3 rb s3://shop-assets-abc12345 --force",
        "harness destroy r-sample00001",
        "visibility_timeout_seconds=43200 at most",
        "bucketName shop-assets-abc12345",
        "5 rules passed, 1 disabled",
        "was working on: Queue orders (4 s)",
    ):
        assert said in text, said


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_no_text_becomes_markup(said: str, other: str) -> None:
    """Whatever a program, a probe or the target says is shown as it is."""
    wild = cell(
        said,
        CellStatus.FAILED,
        error=Failure(phase=None, message=said, hint=other, detail=said),
        probes=(ProbeOutcome(name=other, status=said, attempts=2, seconds=0, detail=said, kind=other),),
        timings=(Timing(urn=urn(said, other), type=said, op=other, seconds=1),),
        outputs={said: other, other: {said: said}},
        log=said,
    )
    page = run_page(run(wild, wild))
    page.encode()
    checked(page)


def test_a_template_without_a_value_fails_instead_of_showing_nothing() -> None:
    """A misspelt name in a template is found by the first test that renders it."""
    with pytest.raises(Exception, match="undefined"):
        render("run.html.j2")


def test_the_page_carries_the_end_of_the_log(tmp_path: Path) -> None:
    """In whole lines and without terminal codes; how much stands before it is said, or why there is none."""
    log = tmp_path / "cell.log"
    log.write_bytes(b"".join(b"line %06d \x1b[31m<b>\x1b[0m \xff\n" % number for number in range(10_000)))
    page = run_page(run(cell(log=str(log))))
    assert "line 009999 &lt;b&gt; \\xff" in page
    assert "line 000000" not in page
    assert re.search(r"\d+ KB stand before", page)
    end = end_of(str(log), 1000)
    assert end.text.startswith("line ")
    assert end.left_out + len(end.text) > 100_000
    assert "No such file" in end_of(str(tmp_path / "none")).why
    assert "directory" in end_of(str(tmp_path)).why
    log.write_bytes(b"")
    assert end_of(str(log)).why == "the log is empty"


def test_bars_lie_where_their_time_is() -> None:
    """The axis of a phase begins with its first resource and ends with its last; half of the time is half of it."""
    made = (
        Timing(urn=urn("aws:s3/bucket:Bucket", "a"), type="aws:s3/bucket:Bucket", op="create", started=3, seconds=2),
        Timing(urn=urn("aws:s3/bucket:Bucket", "b"), type="aws:s3/bucket:Bucket", op="create", started=4, seconds=1),
    )
    span = phases((PhaseName.PREFLIGHT, "passed", 3), (PhaseName.UP, "passed", 2), (PhaseName.DESTROY, "passed", 1))
    [plot] = resource_plots(cell(timings=made, phases=span))
    assert [(bar.left, bar.width) for bar in plot.bars] == [(0, 100), (50, 50)]
    assert (plot.title, plot.began, plot.seconds) == ("up", 3, 2)
    shown = phase_plot(cell(phases=span))
    assert shown is not None
    assert [(round(bar.left), round(bar.width)) for bar in shown.bars] == [(0, 50), (50, 33), (83, 17)]
    assert phase_plot(cell(phases=())) is None


def test_resources_are_grouped_by_phase_and_component() -> None:
    """Components come from the URN; a resource that has children is no component; what has none stands first."""
    up, destroy = resource_plots(cell(timings=timings(9)))
    assert (up.title, destroy.title) == ("up", "destroy")
    assert [(group.name, len(group.bars)) for group in up.groups] == [("", 3), ("Network", 3), ("Store", 3)]
    assert {bar.look for bar in up.bars} == {"create"}
    assert {bar.look for bar in destroy.bars} == {"delete"}
    bucket = "aws:s3/bucket:Bucket"
    policy = f"{bucket}$aws:s3/bucketPolicy:BucketPolicy"
    nested = (
        Timing(urn=urn(bucket, "b"), type=bucket, op="create", started=3, seconds=1),
        Timing(urn=urn(policy, "p"), type="aws:s3/bucketPolicy:BucketPolicy", op="create", started=3, seconds=1),
    )
    [plot] = resource_plots(cell(timings=nested))
    assert [group.name for group in plot.groups] == [""]


@given(
    st.lists(st.tuples(st.floats(-1, 1e5), st.floats(-1, 1e5)), min_size=1, max_size=20),
    st.lists(st.floats(0, 1e5), min_size=1, max_size=3),
)
def test_no_bar_leaves_its_plot_whatever_the_clocks_say(spans: list[tuple[float, float]], lengths: list[float]) -> None:
    """Also for zero and negative times, and for operations outside of every phase; and the axis stays readable."""
    made = tuple(
        Timing(urn=urn("a:b:C", str(number)), type="a:b:C", op="create", started=started, seconds=seconds)
        for number, (started, seconds) in enumerate(spans)
    )
    names = (PhaseName.UP, PhaseName.RECHECK, PhaseName.DESTROY)[: len(lengths)]
    result = cell(
        timings=made, phases=phases(*((name, "passed", length) for name, length in zip(names, lengths, strict=False)))
    )
    shown = phase_plot(result)
    assert shown is not None
    plots = (*resource_plots(result), shown)
    assert sum(len(plot.bars) for plot in plots[:-1]) == len(made)
    for plot in plots:
        assert 1 <= len(plot.ticks) <= MOST_TICKS + 1
        assert all(0 <= tick.left <= 100 for tick in plot.ticks)
        for bar in plot.bars:
            assert bar.left >= 0
            assert bar.width > 0
            assert bar.left + bar.width <= 100.001

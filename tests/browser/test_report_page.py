"""The report page in a real browser: readable on a telephone and in the dark, whole without a network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page
from report_samples import cell, cells, phases, run, sample_result, timings

from harness.model import PhaseName
from harness.report.html import run_page

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all of them
PHONE, DESK = (360, 780), (1200, 900)
SCHEMES = ("light", "dark")
WORST = "x" * 400 + " " + "unbroken-" * 60
LONG = run(
    cell(
        f"shop-{'long' * 30}",
        timings=timings(150),
        outputs={WORST[:60]: WORST, "list": [WORST] * 3},
        log="/nonexistent/" + "deep/" * 60,
    )
)
# Contrast by https://www.w3.org/TR/WCAG22/#contrast-minimum, of every text that is shown, on what really lies below it.
CONTRAST = """() => {
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const below = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour.slice(0, 3);
      if (colour[3] > 0) throw new Error('half transparent: ' + e.className);
    }
    throw new Error('nothing below');
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const colour = element.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const [a, b] = [light(parse(colour)), light(below(element))].sort((x, y) => y - x);
    const who = `${element.tagName}.${element.getAttribute('class')}: ${node.data.trim()}`;
    found.push([(a + 0.05) / (b + 0.05), who]);
  }
  return found;
}"""
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


def overflow(page: Page) -> int:
    """How wide the page is, in CSS pixels."""
    width: int = page.evaluate("document.scrollingElement.scrollWidth")
    return width


@pytest.mark.parametrize("name", cells())
def test_the_verdict_is_seen_at_once(open_page: Callable[..., Page], name: str) -> None:
    """Without scrolling, on a telephone; the page's headings tell the rest."""
    page = open_page(run_page(sample_result(name)), size=PHONE)
    heading = page.get_by_role("heading", level=1)
    assert heading.is_visible()
    box = heading.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE[1] / 2
    assert name in (page.get_by_role("heading", level=2).text_content() or "")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("result", [sample_result(), LONG], ids=["all", "long"])
def test_a_telephone_does_not_scroll_sideways(open_page: Callable[..., Page], result, scheme: str) -> None:
    """At 360 pixels, with everything folded and with everything open, whatever names and values are like."""
    page = open_page(run_page(result), size=PHONE, scheme=scheme)
    assert overflow(page) <= PHONE[0]
    page.evaluate(OPEN_ALL)
    assert overflow(page) <= PHONE[0]
    page.emulate_media(media="print")
    assert overflow(page) <= PHONE[0]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_text_can_be_read(open_page: Callable[..., Page], scheme: str, size: tuple[int, int]) -> None:
    """4.5 to 1 for every text of every kind of cell, in both schemes, with everything open."""
    page = open_page(run_page(sample_result()), size=size, scheme=scheme)
    page.evaluate(OPEN_ALL)
    found = page.evaluate(CONTRAST)
    assert len(found) > 500
    assert [text for ratio, text in found if ratio < 4.5] == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 200) == (scheme == "dark")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_bar_lies_inside_its_plot(open_page: Callable[..., Page], size: tuple[int, int]) -> None:
    """300 operations on 150 resources: each can be seen, in a row of its own; so do the labels of the axes."""
    page = open_page(run_page(LONG), size=size)
    page.evaluate(OPEN_ALL)
    bars = page.evaluate(
        """() => [...document.querySelectorAll('svg.plot .bar, svg.plot text')].map(bar => {
          const [b, p] = [bar.getBoundingClientRect(), bar.ownerSVGElement.getBoundingClientRect()];
          const inside = b.left >= p.left - 0.5 && b.right <= p.right + 0.5
            && b.top >= p.top - 0.5 && b.bottom <= p.bottom + 0.5;
          return {kind: bar.tagName, width: b.width, height: b.height, inside};
        })"""
    )
    drawn = [bar for bar in bars if bar["kind"] == "rect"]
    assert len(drawn) == 300 + 6
    assert all(bar["inside"] for bar in bars)
    assert all(bar["width"] >= 1 and bar["height"] >= 4 for bar in drawn)
    axes = page.evaluate(
        """() => [...document.querySelectorAll('.axis svg')].map(
          axis => [...axis.querySelectorAll('text')].map(text => text.getBoundingClientRect())
            .map(box => [box.left, box.right]))"""
    )
    for labels in axes:
        assert all(left[1] < right[0] for left, right in pairwise(labels)), "labels run together"


def test_creates_and_deletes_differ_without_colour(open_page: Callable[..., Page]) -> None:
    """Filled and hatched, with a sign in front, and a word for who does not see either."""
    page = open_page(run_page(sample_result("passed")))
    page.evaluate(OPEN_ALL)
    fills = page.evaluate(
        "['create', 'delete'].map(look => getComputedStyle(document.querySelector('.plot .' + look)).fill)"
    )
    assert fills[0].startswith("rgb")
    assert "#hatch" in fills[1]
    rows = page.locator(".gantt summary").all_text_contents()
    assert sum("+" in row and ": create" in row for row in rows) == 6
    assert sum("−" in row and ": delete" in row for row in rows) == 6  # noqa: RUF001 - a minus sign


def test_parts_open_by_click_and_by_keyboard(open_page: Callable[..., Page]) -> None:
    """Passed rules, a resource of the chart; a telephone has no pointer that could hover."""
    page = open_page(run_page(sample_result("passed")), size=PHONE)
    rules = page.get_by_text("5 rules passed, 1 disabled")
    hidden = page.get_by_text("Customer keys rotate.")
    assert not hidden.is_visible()
    rules.click()
    assert hidden.is_visible()
    rules.press("Enter")
    assert not hidden.is_visible()
    page.locator(".gantt summary").first.focus()
    urn = page.locator(".gantt li details").first.get_by_text("urn:pulumi:")
    assert not urn.is_visible()
    page.keyboard.press("Space")
    assert urn.is_visible()


def test_links_lead_to_the_cells(open_page: Callable[..., Page]) -> None:
    """From the list at the top."""
    page = open_page(run_page(sample_result()))
    page.get_by_role("link", name="leaked-abc12345").click()
    box = page.get_by_role("heading", level=2, name="leaked-abc12345").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < DESK[1]


def test_headings_go_down_one_level_at_a_time(open_page: Callable[..., Page]) -> None:
    """A screen reader walks by them."""
    page = open_page(run_page(sample_result()))
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_a_program_says_cannot_run_or_load_anything(open_page: Callable[..., Page]) -> None:
    """Even if markup slipped through, the page's own policy forbids it; here it does not slip through."""
    attack = "<script>document.title='owned'</script><img src=http://127.0.0.1:9/x><style>*{display:none}</style>"
    page = open_page(run_page(run(cell(attack, outputs={attack: attack}))))
    assert "owned" not in page.title()[:6]
    assert page.get_by_text("<script>").first.is_visible()
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_phases_that_ran_at_once_are_shown_side_by_side(open_page: Callable[..., Page]) -> None:
    """Each phase has a row of its own, so that nothing is covered."""
    probe, recheck = phases((PhaseName.PROBE, "passed", 3))[0], phases((PhaseName.RECHECK, "passed", 3))[0]
    page = open_page(run_page(run(cell(phases=(probe, recheck)))))
    boxes = [bar.bounding_box() for bar in page.locator(".phases .bar").all()]
    assert all(boxes)
    assert boxes[0]["x"] == boxes[1]["x"]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]

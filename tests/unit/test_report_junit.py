"""The JUnit report, read by the library, by the standard library, and by the rules of Ant's schema."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import BAD_PROBE, cell, cells, finding, run, sample_result

from harness.model import (
    CellStatus,
    Failure,
    PhaseName,
    ProbeOutcome,
    RecheckOutcome,
    RuleLevel,
    RuleOutcome,
    RuleStatus,
    RunResult,
)
from harness.report.junit import junit_xml

# https://github.com/windyroad/JUnit-Schema/blob/master/JUnit.xsd, and what Jenkins adds to it: system-out of a case.
SUITE_ORDER = ("properties", "testcase", "system-out", "system-err")
CASE_CHILDREN = {"failure", "error", "skipped", "system-out", "system-err"}
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=200) | st.sampled_from(
    [
        "",
        "]]>",
        "\x00\x1b[31mred",
        "\ud800",
        "\ufffe",
        "a\r\nb\rc",
        "<![CDATA[",
        "&#0;",
        "x" * 100_000,
        "é\u2028\U0001f600",
    ]
)


def parsed(result: RunResult) -> ET.Element:
    """The report as the standard library reads it, after it was held against the schema's rules."""
    root = ET.fromstring(junit_xml(result))  # noqa: S314 - our own report
    assert root.tag == "testsuites"
    everywhere: list[tuple[str, str]] = []
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        kinds = [child.tag for child in suite]
        assert kinds == sorted(kinds, key=SUITE_ORDER.index), "the schema wants them in this order"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert suite.get("name")
        assert suite.get("hostname")
        assert float(suite.get("time", "")) >= 0
        cases = suite.findall("testcase")
        assert cases, "a suite without a case is lost by most readers"
        counted = {"tests": len(cases)}
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            counted[kind] = sum(case.find(tag) is not None for case in cases)
        for kind, number in counted.items():
            assert int(suite.get(kind, "")) == number
            totals[kind] += number
        for case in cases:
            assert {child.tag for child in case} <= CASE_CHILDREN
            assert sum(case.find(tag) is not None for tag in ("failure", "error", "skipped")) <= 1
            assert float(case.get("time", "")) >= 0
            for bad in (*case.findall("failure"), *case.findall("error")):
                assert bad.get("type")
                assert bad.get("message")
            everywhere.append((case.get("classname", ""), case.get("name", "")))
    assert {kind: int(root.get(kind, "")) for kind in totals} == totals
    assert all(part for names in everywhere for part in names)
    assert len(everywhere) == len(set(everywhere)), "servers tell cases apart by class and name"
    again = junitparser.JUnitXml.fromstring(junit_xml(result))
    assert [suite.name for suite in again] == [suite.get("name") for suite in root]
    return root


def case(root: ET.Element, class_name: str, name: str) -> ET.Element:
    """One case of the report."""
    [found] = [c for c in root.iter("testcase") if (c.get("classname"), c.get("name")) == (class_name, name)]
    return found


@pytest.mark.parametrize("name", cells())
def test_every_way_to_end_is_a_report_that_readers_accept(name: str) -> None:
    """And only a cell that passed has neither a failure nor an error."""
    root = parsed(sample_result(name))
    bad = int(root.get("failures", "")) + int(root.get("errors", ""))
    assert (bad == 0) == (name == "passed")


def test_a_cell_has_a_case_for_each_phase_rule_probe_and_recheck() -> None:
    """With its own time, its disabled rules as skipped, and what was run as properties."""
    root = parsed(sample_result("passed"))
    groups = [(c.get("classname") or "").partition(".")[2] for c in root.iter("testcase")]
    assert {group: groups.count(group) for group in groups} == {"phase": 6, "rule": 6, "probe": 2, "recheck": 2}
    assert case(root, "passed.phase", "up").get("time") == "4.0"
    assert case(root, "passed.rule", "ecr-scan").find("skipped") is not None
    assert "1 message" in (case(root, "passed.probe", "queue round trip").findtext("system-out") or "")
    properties = {p.get("name"): p.get("value") for p in root.iter("property")}
    wanted = {"run", "stack", "region", "account", "engine", "provider", "target"}
    assert wanted <= properties.keys()
    assert all(properties[name] for name in wanted)
    assert "/nonexistent/cell.log" in (root.findtext("testsuite/system-out") or "")


def test_what_is_not_so_is_a_failure_and_what_could_not_be_done_an_error() -> None:
    """Rules, probes, drift and leaks fail; up, a rejection and an interruption are errors; each says what to do."""
    root = parsed(sample_result())
    expected = {
        ("failed-policy.phase", "preflight"): "failure",
        ("failed-policy.rule", "suffix-in-names"): "failure",
        ("failed-probe.phase", "probe"): "failure",
        ("failed-probe.probe", "shop answers"): "failure",
        ("drifted.recheck", "drift"): "failure",
        ("drifted.phase", "recheck"): "failure",
        ("errored.phase", "up"): "error",
        ("leaked.phase", "leak check"): "failure",
        ("interrupted.phase", "up"): "error",
        ("rejected.phase", "preflight"): "error",
        ("never-begun.cell", "interrupted"): "error",
    }
    for (class_name, name), kind in expected.items():
        assert case(root, class_name, name).find(kind) is not None, (class_name, name)
    texts = {names: case(root, *names).findtext(kind) or "" for names, kind in expected.items()}
    assert "remedy: put the suffix" in texts["failed-policy.rule", "suffix-in-names"]
    assert "503 Service Unavailable" in texts["failed-probe.probe", "shop answers"]
    assert "visibilityTimeoutSeconds: 30 -> 45" in texts["drifted.recheck", "drift"]
    assert "aws s3 rb s3://shop-assets-abc12345 --force" in texts["leaked.phase", "leak check"]
    assert "hint: --config size=VALUE" in texts["rejected.phase", "preflight"]
    assert case(root, "kept.phase", "destroy").find("skipped") is not None
    advised = case(root, "failed-policy.rule", "log-retention")
    assert advised.find("failure") is None
    assert "remedy:" in (advised.findtext("system-out") or "")


def test_names_stay_from_run_to_run_and_are_never_shared_within_one() -> None:
    """The random suffix is no part of a class, unless two cells would have one name; cases of one name are numbered."""
    first, second = cell("shop-abc12345"), cell("shop-abc12345", suffix="other")
    assert {c.get("classname") for c in parsed(run(first)).iter("testcase")} >= {"shop.phase"}
    twins = (
        cell("shop-one", suffix="one"),
        cell("shop-two", suffix="two"),
        cell("a.b", suffix="x"),
        cell("a_b", suffix="x"),
    )
    parsed(run(*twins))
    probe = BAD_PROBE.model_copy(update={"name": "same"})
    numbered = (probe, probe, probe.model_copy(update={"name": "same (2)"}), probe.model_copy(update={"name": ""}))
    parsed(run(second.model_copy(update={"probes": numbered})))
    packs = tuple(RuleOutcome(pack=p, rule="r", level=RuleLevel.ADVISORY, status=RuleStatus.PASSED) for p in "ab")
    parsed(run(second.model_copy(update={"rules": packs})))


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_ends_up_in_a_report_that_readers_accept(name: str, said: str, hint: str) -> None:
    """Control characters, lone surrogates, the end of a CDATA section, very long ones, nothing at all."""
    wild = cell(
        name or "-",
        CellStatus.FAILED,
        suffix=hint,
        error=Failure(phase=PhaseName.PROBE, message=said, hint=hint, detail=name),
        probes=(
            ProbeOutcome(name=name, status="failed", attempts=1, seconds=0.1, detail=said),
            ProbeOutcome(name=said, status=hint, attempts=1, seconds=0.1, detail=name),
            ProbeOutcome(name=hint, status="passed", attempts=1, seconds=0.1, detail=said),
        ),
        rules=(RuleOutcome(pack=said, rule=name, level=RuleLevel.MANDATORY, status=RuleStatus.FAILED),),
        findings=(finding("x").model_copy(update={"id": name, "source": said, "cause": hint, "remedy": said}),),
        rechecks=(RecheckOutcome(name="drift", status="errored", seconds=0, detail=said),),
        log=said,
    )  # fmt: skip
    root = parsed(run(wild))
    assert int(root.get("failures", "")) + int(root.get("errors", "")) >= 3

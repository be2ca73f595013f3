"""Reports of a real run; a path that breaks meanwhile costs neither the destroy nor the other reports."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from commands import STRAIGHT


def test_a_run_writes_every_report_that_is_asked_for(harness, shop, emulator, tmp_path: Path) -> None:
    """JSON on standard output, JUnit and HTML in files, the summary for GitHub; no annotation where nothing failed."""
    summary = tmp_path / "summary.md"
    args = ("--json", "-", "--junit", str(tmp_path / "run.xml"), "--html", str(tmp_path / "run.html"))
    in_actions = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"}
    done = harness("run", str(shop()), "--target", emulator.url, *args, **in_actions)
    assert done.code == 0, done.err
    name, run = done.cell["cell"], done.document["run"]
    suite = ET.parse(tmp_path / "run.xml").getroot().find("testsuite")  # noqa: S314 - our own report
    assert suite is not None
    assert suite.get("name") == name
    phases = [case.get("name") for case in suite.iter("testcase") if case.get("classname") == "shop.phase"]
    assert phases == [phase["phase"] for phase in done.cell["phases"]]
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    log = Path(done.cell["log"]).read_text(encoding="utf-8")
    assert f"run {run}" in page
    assert "create begins" in log
    assert "create begins" in page
    assert str(harness.home / "runs") in page
    assert page.count('class="bar create"') - 1 == 2, "a bar for each resource, beside the legend's"
    assert summary.read_text(encoding="utf-8").startswith("## ✅ Passed")
    assert "::error" not in done.err
    assert "error: " not in done.err


def test_a_report_that_breaks_meanwhile_is_told_and_costs_neither_the_destroy_nor_the_rest(
    harness, shop, emulator, auditor, tmp_path: Path
) -> None:
    """Its folder vanishes while the program runs: exit 1 although all passed, `error:`, and the others are written."""
    folder = tmp_path / "reports"
    folder.mkdir()
    gone = f"\nif live:\n    after(lambda: __import__('shutil').rmtree({str(folder)!r}))\n"
    page, document = tmp_path / "run.html", tmp_path / "run.json"
    args = ("--junit", str(folder / "run.xml"), "--html", str(page), "--json", str(document))
    done = harness("run", str(shop(gone)), "--target", emulator.url, *STRAIGHT, *args)
    assert done.code == 1
    assert "error: --junit: the report cannot be written to" in done.err
    assert "hint: " in done.err
    assert "1 passed in" in done.err
    [cell] = json.loads(document.read_text(encoding="utf-8"))["cells"]
    assert cell["status"] == "PASSED"
    assert page.read_text(encoding="utf-8").endswith("</html>")
    assert auditor(cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []


@pytest.mark.parametrize("flag", ["--json", "--junit", "--html"])
@pytest.mark.parametrize("command", ["run", "destroy"])
def test_a_path_that_cannot_be_written_is_refused_before_anything_starts(
    harness, shop, command: str, flag: str
) -> None:
    """A directory and a folder that is not there: exit 2, the flag by name, not even a folder for the run."""
    what = str(shop()) if command == "run" else "r-none"
    for path in (str(harness.cwd), "/nonexistent/report"):
        done = harness(command, what, flag, path)
        assert done.code == 2, done.err
        assert f"error: {flag}: the report cannot be written to {path}" in done.err
        assert done.err.count("hint: ") == 1
    assert list(harness.home.glob("runs/*")) == []

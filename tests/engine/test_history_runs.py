"""Real runs are remembered: what passed, failed, was interrupted or kept; and one that cannot be, is told."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest
from commands import STRAIGHT


@pytest.mark.campaign
def test_what_ran_can_be_listed_shown_and_compared(harness, shop, emulator, tmp_path: Path) -> None:
    """Two runs of one program, the second of which fails; the list, each of them, the trend, and its page."""
    directory = shop("if config.get('broken'):\n    fail(RuntimeError('on purpose'))\n")
    good = harness("run", str(directory), "--target", emulator.url, "--json", "-")
    bad = harness("run", str(directory), "--target", emulator.url, "--json", "-", "--config", "broken=yes")
    assert (good.code, bad.code != 0) == (0, True), good.err + bad.err

    listed = harness("history", "list", "--json", "-").document
    assert [one["run"] for one in listed] == [bad.document["run"], good.document["run"]]
    table = harness("history", "list", "--program", "shop", COLUMNS="80").out
    assert max(map(len, table.splitlines())) <= 80
    assert "PASSED" in table

    [shown] = harness("history", "show", good.document["run"], "--json", "-").document
    [cell] = shown["cells"]
    for name in ("phases", "timings", "rules", "resources", "status", "seconds"):
        if name == "rules":
            assert [(one["rule"], one["status"]) for one in cell[name]] == [
                (one["rule"], one["status"]) for one in good.cell[name]
            ]
        else:
            assert cell[name] == good.cell[name], name
    assert cell["outputs"] == {}
    text = harness("history", "show", bad.document["run"][:9]).out
    assert "on purpose" in text

    page = tmp_path / "trend.html"
    trend = harness("history", "trend", "shop", "--json", "-", "--html", str(page)).document
    assert [one["run"] for one in trend["runs"]] == [good.document["run"], bad.document["run"]]
    assert trend["target"] == "url"
    assert good.document["run"] in page.read_text()

    for args in (
        ("trend", "nowhere"),
        ("show", "r-nowhere"),
        ("list", "--program", "nowhere"),
        ("trend", "shop", "--phase", "x"),
    ):
        refused = harness("history", *args)
        assert refused.code == 2
        assert refused.err.count("hint: ") == 1
    assert "shop" in harness("history", "trend", "nowhere").err

    assert "0 forgotten" in harness("history", "prune", "--older-than", "1d").err
    assert harness("history", "prune", "--older-than", "soon").code == 2


def test_a_kept_run_and_its_destroy_are_one_story(harness, shop) -> None:
    """`harness destroy RUN` adds to what is remembered of the run."""
    directory = shop("after(lambda: live and fail(RuntimeError('on purpose')))\n")
    kept = harness("run", str(directory), *STRAIGHT, "--keep-on-failure", "--json", "-")
    run = kept.document["run"]
    assert kept.cell["status"] == "KEPT", kept.err
    assert harness("destroy", run).code == 0
    shown = harness("history", "show", run, "--json", "-").document
    assert [(one["kind"], one["cells"][0]["status"]) for one in shown] == [("run", "KEPT"), ("destroy", "PASSED")]
    assert "destroy ok" in harness("history", "list").out


def test_an_interrupted_run_is_remembered(harness, shop, emulator, eventually, tmp_path: Path) -> None:
    """With its destroy."""
    mark = tmp_path / "began"
    directory = shop(f"live and (open({str(mark)!r}, 'w').close(), time.sleep(60))\n")
    process = harness.start("run", str(directory), "--target", emulator.url, "--json", "-")
    eventually(mark.exists)
    process.send_signal(signal.SIGINT)
    assert harness.finish(process).code == 130
    [past] = harness("history", "list", "--json", "-").document
    assert (past["exit_code"], past["cells"][0]["status"]) == (130, "INTERRUPTED")


def test_a_history_that_cannot_be_written_changes_nothing(harness, shop, emulator) -> None:
    """It is told; the verdict, the exit code and the report are as they were."""
    harness("leases")  # makes the database
    database = sqlite3.connect(harness.home / "harness.sqlite")
    database.execute("DROP TABLE IF EXISTS history_run")
    database.execute("CREATE TABLE history_run (id INTEGER PRIMARY KEY, strange TEXT)")
    database.commit()
    database.close()
    done = harness("run", str(shop()), "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["status"] == "PASSED"
    assert f"history: run {done.document['run']} is not in it" in done.err
    assert harness("leases", "--json", "-").document == []

"""Report paths are refused before anything starts; one that breaks later is told and costs no other report."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from report_samples import cell, run, sample_result
from rich.console import Console

from harness.errors import ConfigError
from harness.report.destinations import Destinations
from harness.report.files import check_writable
from harness.report.publish import publish

RESULT = sample_result("passed", "failed-probe")


class Screen(Console):
    """A console whose text the test reads."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=80)

    @property
    def said(self) -> str:
        return self.file.getvalue()  # type: ignore[attr-defined]


def written(tmp_path: Path) -> Destinations:
    """A file for each report."""
    return Destinations(*(str(tmp_path / name) for name in ("run.json", "run.xml", "run.html")))


def test_every_report_that_was_asked_for_is_written(tmp_path: Path) -> None:
    """All from the one document, and nothing is said."""
    screen = Screen()
    assert publish(RESULT, written(tmp_path), {}, screen)
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert (tmp_path / "run.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert screen.said == ""
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run.xml", "run.html"}


def test_a_report_that_can_no_longer_be_written_does_not_cost_the_others(tmp_path: Path) -> None:
    """`error:` and `hint:` with the flag; and whoever called knows."""
    for broken in range(3):
        folder = tmp_path / str(broken)
        folder.mkdir()
        destinations = written(folder)
        name = ("run.json", "run.xml", "run.html")[broken]
        (folder / name).mkdir()
        screen = Screen()
        assert not publish(RESULT, destinations, {}, screen)
        assert screen.said.count("error: ") == screen.said.count("hint: ") == 1
        assert ("--json", "--junit", "--html")[broken] in screen.said
        assert sum(path.is_file() for path in folder.iterdir()) == 2


def test_text_that_is_no_unicode_reaches_every_report(tmp_path: Path) -> None:
    """A lone surrogate in an output is legal JSON and legal Python, and no file can hold it as it is."""
    odd = run(cell(outputs={"odd\ud800": "\udfff"}))
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "GITHUB_ACTIONS": "true"}
    assert publish(odd, written(tmp_path), environ, Screen())
    assert "odd\\ud800" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_standard_output_that_is_closed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that went away early: the files are written, and Python's own end does not stumble."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        screen = Screen()
        assert not publish(RESULT, Destinations(json="-", junit=str(tmp_path / "run.xml")), {}, screen)
    assert "standard output" in screen.said
    assert (tmp_path / "run.xml").is_file()


def test_github_gets_a_summary_and_annotations_when_it_is_there(tmp_path: Path) -> None:
    """The summary is appended; annotations go where people read, a line each; elsewhere nothing is said."""
    file = tmp_path / "summary.md"
    file.write_text("before\n", encoding="utf-8")
    screen = Screen()
    environ = {"GITHUB_STEP_SUMMARY": str(file), "GITHUB_ACTIONS": "true"}
    assert publish(RESULT, Destinations(), environ, screen)
    assert file.read_text(encoding="utf-8").startswith("before\n## ❌ Failed")
    [line] = screen.said.splitlines()
    assert line.startswith("::error title=failed-probe-abc12345 failed in probe::1 of 3 probes")
    assert publish(RESULT, Destinations(), {"GITHUB_STEP_SUMMARY": ""}, screen)
    assert len(screen.said.splitlines()) == 1


def test_a_summary_that_cannot_be_written_is_told_and_costs_nothing(tmp_path: Path) -> None:
    """Nobody asked for it on the command line."""
    screen = Screen()
    assert publish(RESULT, written(tmp_path), {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")}, screen)
    assert screen.said.startswith("warning: ")
    assert (tmp_path / "run.html").is_file()


def test_paths_are_tried_before_anything_starts_and_left_as_they_were(tmp_path: Path) -> None:
    """A new file is not left behind, an old one keeps its content."""
    old = tmp_path / "run.json"
    old.write_text("old", encoding="utf-8")
    written(tmp_path).check()
    assert old.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [old]
    Destinations().check()
    Destinations(json="-").check()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"junit": "FOLDER"}, "--junit: the report cannot be written to"),
        ({"html": "FOLDER/none/run.html"}, "--html: the report cannot be written to"),
        ({"json": "FOLDER/file/run.json"}, "--json: the report cannot be written to"),
        ({"html": ""}, "it is empty"),
        ({"html": "FOLDER/a\0b"}, "null"),
        ({"junit": "-"}, "only --json writes to standard output"),
        ({"junit": "FOLDER/x", "html": "FOLDER/x"}, "--junit and --html name one file"),
        ({"json": "FOLDER/x", "html": "FOLDER/../FOLDERNAME/x"}, "--json and --html name one file"),
        ({"json": "FOLDER/file", "html": "FOLDER/link"}, "--json and --html name one file"),
        ({"json": "FOLDER/file", "html": "FOLDER/twin"}, "--json and --html name one file"),
    ],
)
def test_paths_that_cannot_work_are_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """A directory, a missing folder, nothing, standard output for what is no data, and one file for two reports."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "twin").hardlink_to(tmp_path / "file")
    paths = {
        flag: path.replace("FOLDERNAME", tmp_path.name).replace("FOLDER", str(tmp_path)) for flag, path in given.items()
    }
    with pytest.raises(ConfigError, match=said) as refused:
        Destinations(**paths).check()
    assert refused.value.hint


def test_a_pipe_is_not_opened_to_try_it(tmp_path: Path) -> None:
    """That would wait for its reader for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_writable(str(pipe))

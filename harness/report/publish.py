"""The result document and the paths that were asked for in; every report written, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.console import Console

from harness.errors import HarnessError
from harness.model import RunResult
from harness.report.console import print_error, print_warning
from harness.report.destinations import Destinations
from harness.report.files import result_document, write, write_json

SUMMARY_FILE = "GITHUB_STEP_SUMMARY"
IN_ACTIONS = "GITHUB_ACTIONS"


def publish(result: RunResult, destinations: Destinations, environ: Mapping[str, str], console: Console) -> bool:
    """Write every report that was asked for, and what GitHub Actions wants when it is there.

    Returns whether all that was asked for is written. What could not be is told on `console`; the others are written.
    """
    written = True
    for flag, path in destinations.asked():
        written &= _attempt(flag, partial(_WRITERS[flag], result, path), console)
    _tell_github(result, environ, console)
    return written


def _json(result: RunResult, path: str) -> None:
    write_json(result_document(result), path)


def _junit(result: RunResult, path: str) -> None:
    from harness.report.junit import junit_xml

    write(junit_xml(result), path)


def _html(result: RunResult, path: str) -> None:
    from harness.report.html import run_page

    write(run_page(result).encode(errors="backslashreplace"), path)


_WRITERS: Mapping[str, Callable[[RunResult, str], None]] = {"--json": _json, "--junit": _junit, "--html": _html}


def _attempt(flag: str, work: Callable[[], None], console: Console) -> bool:
    try:
        work()
    except HarnessError as error:
        print_error(f"{flag}: {error.message}", error.hint, console)
    except Exception as error:  # noqa: BLE001 - a defect in one report must not cost the others, nor the verdict
        message = f"{flag}: the harness failed to make the report: {type(error).__name__}: {error}"
        print_error(message, "please report it; the other reports and the exit code are not touched", console)
    else:
        return True
    return False


def _tell_github(result: RunResult, environ: Mapping[str, str], console: Console) -> None:
    """Nobody asked on the command line for it, so a failure costs nothing but a warning."""
    summary_file, in_actions = environ.get(SUMMARY_FILE), environ.get(IN_ACTIONS) == "true"
    if not summary_file and not in_actions:
        return
    from harness.report.github import append_summary, workflow_commands

    try:
        if in_actions:
            for line in workflow_commands(result):
                console.out(line, highlight=False)
        if summary_file:
            append_summary(result, summary_file)
    except (OSError, ValueError) as error:
        print_warning(f"the summary for GitHub cannot be written: {error}", f"see {SUMMARY_FILE}", console)

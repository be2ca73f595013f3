"""The report options that commands share; and their end: a summary, the reports, an exit code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Never

import typer

from harness.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from harness.model import RunResult
    from harness.report.destinations import Destinations

JunitOption = Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Write the result as JUnit XML.")]
HtmlOption = Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write the result as one HTML page.")]


def conclude(result: RunResult, reports: Destinations, screen: Console) -> Never:
    """Tell and write the result. The exit code is the run's; or 1 when only a report could not be written."""
    from harness.report.publish import publish
    from harness.report.summary import summarise

    summarise(result, screen)
    written = publish(result, reports, os.environ, screen)
    raise typer.Exit(result.exit_code or (ExitCode.PASSED if written else ExitCode.FAILED))

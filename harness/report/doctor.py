"""The doctor's rows in; a table for a person, or the document for a program, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from harness import __version__
from harness.doctor.check import State
from harness.doctor.examine import Row, able
from harness.errors import ExitCode
from harness.report.stdout import plain_table, show, stdout_console

_STYLE = {State.OK: "green", State.OPTIONAL: "yellow", State.MISSING: "bold red", State.BROKEN: "bold red"}


def exit_code(rows: Sequence[Row]) -> ExitCode:
    """0 when a run can work here; 1 when not. 2 stays for a doctor that was asked wrongly."""
    return ExitCode.PASSED if able(rows) else ExitCode.FAILED


def doctor_document(rows: Sequence[Row]) -> dict[str, Any]:
    """What `--json` writes; `schema` is its version, `able` whether a run can work."""
    return {
        "schema": 1,
        "harness": __version__,
        "able": able(rows),
        "exit_code": int(exit_code(rows)),
        "checks": [asdict(row) for row in rows],
    }


def show_doctor(rows: Sequence[Row]) -> None:
    """A row a check, under it what helps, and the verdict in the last line."""
    console = stdout_console()
    table = plain_table()
    for row in rows:
        state = Text(row.state.value, style=_STYLE[row.state], no_wrap=True)
        table.add_row(Text(row.name, no_wrap=True), state, Text(_one_line(row.found), overflow="fold"))
        if row.remedy:
            table.add_row("", "", Text(f"-> {_one_line(row.remedy)}", style="cyan", overflow="fold"))
    show(console, table)
    console.print()
    lacks = ", ".join(row.name for row in rows if row.needed and row.state is not State.OK)
    verdict = f"harness run cannot work here yet: see {lacks}" if lacks else "harness run can work here"
    console.print(Text(verdict, style="bold"), soft_wrap=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())

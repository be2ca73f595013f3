"""`harness doctor`: what this machine has and lacks, and what helps."""

from __future__ import annotations

import os

import typer

from harness.cli.app import JsonOption, app


@app.command()
def doctor(*, json: JsonOption = None) -> None:
    """Show what this machine has and lacks. Exit 0 when harness run (emulator, bundled provider) can work, else 1."""
    from harness.doctor.examine import examine
    from harness.report.doctor import doctor_document, exit_code, show_doctor
    from harness.report.files import check_writable, write_json

    if json is not None:
        check_writable(json)
    rows = examine(os.environ)
    if json is not None:
        write_json(doctor_document(rows), json)
    else:
        show_doctor(rows)
    raise typer.Exit(exit_code(rows))

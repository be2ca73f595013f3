"""`harness history list|show|trend|prune`: what earlier runs did, and how long it took."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import JsonOption, app, console

if TYPE_CHECKING:
    from harness.world.history import History

history_app = typer.Typer(help="What earlier runs did, and how long it took.")
app.add_typer(history_app, name="history")
MOST = 1000  # runs at a time
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=MOST, help="The newest so many.")]


@history_app.command("list")
def list_runs(
    *,
    program: Annotated[str | None, typer.Option(help="Only runs of this program.")] = None,
    limit: LimitOption = 20,
    json: JsonOption = None,
) -> None:
    """List what ran, newest first: when, for how long, with what result."""
    from harness.report.files import check_writable, write_json
    from harness.report.history import past_document, show_list

    if json is not None:
        check_writable(json)
    with _history() as history:
        pasts = history.recent(program=program, limit=limit)
    if json is not None:
        write_json([past_document(past) for past in pasts], json)
    else:
        show_list(pasts)


@history_app.command("show")
def show_run(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id, or a beginning that no other has.")],
    *,
    json: JsonOption = None,
) -> None:
    """Show one run: phases, slowest resources, failure, counts; and what destroyed it later."""
    from harness.report.files import check_writable, write_json
    from harness.report.history import past_document
    from harness.report.history import show_run as show

    if json is not None:
        check_writable(json)
    with _history() as history:
        pasts = history.of_run(run)
    if json is not None:
        write_json([past_document(past) for past in pasts], json)
    else:
        show(pasts)


@history_app.command()
def trend(
    program: Annotated[str, typer.Argument(metavar="PROGRAM")],
    *,
    phase: Annotated[str | None, typer.Option(help="Only this phase: up, destroy, ...")] = None,
    limit: LimitOption = 30,
    json: JsonOption = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write it as a page with pictures.")
    ] = None,
) -> None:
    """Show how long a program's phases take, run by run, and whether the last run was slower than usual."""
    from harness.report.files import check_writable, write, write_json
    from harness.report.history import show_trend
    from harness.report.trend import check_phase, make_trend

    only = None if phase is None else check_phase(phase)
    for destination in (json, html):
        if destination is not None:
            check_writable(destination)
    with _history() as history:
        found = make_trend(program, history.recent(program=program, kind="run", limit=limit, details=True), only)
    if html is not None:
        from harness.report.trend_page import trend_page

        write(trend_page(found).encode(errors="backslashreplace"), html)
    if json is not None:
        write_json(found.document(), json)
    else:
        show_trend(found)


@history_app.command()
def prune(
    *,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="90d, 12h, ...")],
) -> None:
    """Forget runs that began longer ago. Leases, and what they stand for, are not touched."""
    now, age = datetime.now(UTC), _age(older_than)
    before = now - min(age, now - datetime.min.replace(tzinfo=UTC))
    with _history() as history:
        gone = history.prune(before)
    console().print(f"{gone} forgotten", highlight=False)


def _age(text: str) -> timedelta:
    """Days, hours or minutes. Raises ConfigError."""
    from harness.errors import ConfigError

    match = re.fullmatch(r"(\d{1,6})([dhm])", text.strip())
    if match is None:
        raise ConfigError(f"--older-than {text!r} is not an age", hint="write 90d, 12h or 30m")
    return timedelta(**{{"d": "days", "h": "hours", "m": "minutes"}[match[2]]: int(match[1])})


@contextmanager
def _history() -> Iterator[History]:
    from harness.world.database import open_database
    from harness.world.history import History
    from harness.world.home import database_place, open_home

    database = open_database(database_place(open_home(os.environ, free_at_least=0), os.environ))
    try:
        yield History(database)
    finally:
        database.close()

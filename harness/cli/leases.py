"""`harness leases` and `harness destroy RUN`: what is still open, and its end, by a destroy or by a person's word."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from harness.cli.app import JsonOption, app, console
from harness.cli.reports import HtmlOption, JunitOption, conclude
from harness.errors import UsageError

LONGEST = 366 * 24 * 3600.0  # seconds that a lease can be extended by


@app.command()
def destroy(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    *,
    json: JsonOption = None,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Destroy what a run left up (kept, leaked, or its process died), and check that nothing is left."""
    from harness.plan.settings_file import read_settings
    from harness.report.console import LiveView
    from harness.report.destinations import Destinations
    from harness.run.release import find_open, load_spec, release, target_of
    from harness.world.home import database_place, open_home
    from harness.world.leases import open_leases
    from harness.world.open import open_world

    reports = Destinations(json=json, junit=junit, html=html)
    reports.check()
    protects = read_settings(os.environ).protects
    place = database_place(open_home(os.environ, free_at_least=0), os.environ)
    found = find_open(open_leases(place), run_id, protects)
    screen = console()
    if not found:
        screen.print(f"run {run_id}: nothing is open, everything was proved gone", highlight=False)
        return
    spec = load_spec(found[0])
    with (
        LiveView(screen) as view,
        open_world(
            target_of(spec),
            spec.provider,
            run_id,
            os.environ,
            view.tell,
            free_at_least=0,
            regions={lease.region for lease in found},
        ) as world,
    ):
        result = release(found, world, view)
    if result is None:
        raise UsageError(f"run {run_id!r} is being destroyed by somebody else", hint="harness leases shows by whom")
    conclude(result, reports, screen)


leases_app = typer.Typer()
app.add_typer(leases_app, name="leases")


@leases_app.callback(invoke_without_command=True)
def leases(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json: JsonOption = None,
) -> None:
    """List what is open: which environments may still exist, where, for whom, until when."""
    if context.invoked_subcommand is not None:
        return
    from harness.report.files import write_json
    from harness.report.tables import show_leases
    from harness.world.home import database_place, open_home
    from harness.world.leases import open_leases

    place = database_place(open_home(os.environ, free_at_least=0), os.environ)
    listed = open_leases(place).listed(only_open=not everything)
    if json is not None:
        write_json([lease.model_dump(mode="json") for lease in listed], json)
    else:
        show_leases(listed, datetime.now(UTC))


@leases_app.command()
def extend(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="From now: 90m, 8h.")],
) -> None:
    """Let what a run left up (kept, or not closed yet) expire so much later than now.

    Its embedded emulator ends when it would have ended, and the harness:expires tags at the target stay as they are.
    """
    from harness.plan.settings import parse_duration
    from harness.world.home import database_place, open_home
    from harness.world.leases import open_leases

    seconds = parse_duration(duration, "DURATION")
    until = datetime.now(UTC) + timedelta(seconds=min(seconds, LONGEST))
    table = open_leases(database_place(open_home(os.environ, free_at_least=0), os.environ))
    if not table.extend(run_id, until):
        raise UsageError(f"run {run_id!r} has no open lease here", hint="harness leases lists what is open")
    console().print(f"run {run_id} expires {until:%Y-%m-%d %H:%M} UTC", highlight=False)


@leases_app.command()
def close(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    *,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="What shows that nothing of it is left.")],
) -> None:
    """Close what a run left open without a destroy: you have looked yourself, and say that nothing of it is left.

    For what no destroy can ask about. Its state is removed, so that nothing of the run can be destroyed afterwards.
    """
    from harness.plan.settings_file import read_settings
    from harness.run.release import check_unheld, close_gone, find_open
    from harness.world.home import database_place, open_home
    from harness.world.identity import owner
    from harness.world.leases import open_leases

    if not because.strip():
        raise typer.BadParameter("say what shows it", param_hint="--because")
    protects = read_settings(os.environ).protects
    table = open_leases(database_place(open_home(os.environ, free_at_least=0), os.environ))
    found = find_open(table, run_id, protects)
    if not found:
        raise UsageError(f"run {run_id!r} has no open lease here", hint="harness leases lists what is open")
    for lease in found:
        check_unheld(lease)
    for lease in found:
        if not close_gone(lease, table, f"closed by {owner()['owner']}: {because.strip()}"):
            raise UsageError(f"{lease.cell} is being destroyed by somebody else", hint="harness leases shows by whom")
        console().print(f"closed, nothing was asked or destroyed: {lease.cell} of run {run_id}", highlight=False)

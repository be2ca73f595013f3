"""`harness leases` and `harness destroy RUN`: what is still open, and its end."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from harness.cli.app import JsonOption, app, console
from harness.cli.reports import HtmlOption, JunitOption, conclude


@app.command()
def destroy(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    *,
    json: JsonOption = None,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Destroy what a run left up (kept, leaked, or its process died), and check that nothing is left."""
    from harness.report.console import LiveView
    from harness.report.destinations import Destinations
    from harness.run.release import find_open, load_spec, release, target_of
    from harness.world.home import open_home
    from harness.world.leases import open_leases
    from harness.world.open import open_world

    reports = Destinations(json=json, junit=junit, html=html)
    reports.check()
    found = find_open(open_leases(open_home(os.environ, free_at_least=0).database), run_id)
    screen = console()
    if not found:
        screen.print(f"run {run_id}: nothing is open, everything was proved gone", highlight=False)
        return
    spec = load_spec(found[0])
    with (
        LiveView(screen) as view,
        open_world(target_of(spec), spec.provider, run_id, os.environ, view.tell, free_at_least=0) as world,
    ):
        result = release(found, world, view)
    conclude(result, reports, screen)


@app.command()
def leases(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json: JsonOption = None,
) -> None:
    """List what is open: which environments may still exist, where, for whom, until when."""
    from harness.report.files import write_json
    from harness.report.tables import show_leases
    from harness.world.home import open_home
    from harness.world.leases import open_leases

    listed = open_leases(open_home(os.environ, free_at_least=0).database).listed(only_open=not everything)
    if json is not None:
        write_json([lease.model_dump(mode="json") for lease in listed], json)
    else:
        show_leases(listed)

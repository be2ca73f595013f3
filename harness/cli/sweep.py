"""`harness sweep`: what earlier runs left, and its end."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from harness.cli.app import JsonOption, app, console


@app.command()
def sweep(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only show.")] = False,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Only this run; its tag counts before it expires.")
    ] = None,
    emulator_gone: Annotated[
        bool,
        typer.Option(
            "--emulator-gone",
            help="The emulator of --run has ended for good, with all that was in it: close leases at one that refuses "
            "connections, or is another host's.",
        ),
    ] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Only what is older: 90s, 15m, 2h.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Look for the run tag there, too; repeatable.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Look there, too: aws, or the URL of an emulator (with --account).")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Which account at --target.")] = None,
    json: JsonOption = None,
) -> None:
    """Find what earlier runs left (expired, their process dead, or tagged without a lease); --apply destroys it.

    Exit 0: nothing to do, or all done; 3: something is left; 1 or 2: it could not be looked at.
    """
    from harness.plan.settings import check_region, parse_duration
    from harness.report.console import LiveView
    from harness.report.files import check_writable, write_json
    from harness.report.sweep import conclude_sweep, show_sweep
    from harness.sweep.model import Scope
    from harness.sweep.sweep import sweep as look
    from harness.world.target import parse_target

    if json is not None:
        check_writable(json)
    where = None if target is None else parse_target(target)
    if where is not None and where.kind == "emulator":
        raise typer.BadParameter("the embedded emulator ends with its run; name aws or a URL", param_hint="--target")
    scope = Scope(
        run=run,
        emulator_gone=emulator_gone,
        older_than=0 if older_than is None else parse_duration(older_than, "--older-than"),
        target=None if where is None else where.url or where.kind,
        account=account,
        regions=tuple(check_region(one, "--region") for one in region or ()),
    )
    screen = console()
    with LiveView(screen) as view:
        done = look(
            scope,
            os.environ,
            view,
            view.tell,
            lambda items, unasked: show_sweep(items, unasked, screen, apply=apply),
            apply=apply,
        )
    if json is not None:
        write_json(done.document(), json)
    conclude_sweep(done, screen)
    raise typer.Exit(done.exit_code)

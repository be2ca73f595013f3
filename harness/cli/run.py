"""`harness run`: programs and flags in, a verdict out."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.app import JsonOption, app, console, tell
from harness.cli.reports import HtmlOption, JunitOption, conclude


@app.command()
def run(
    programs: Annotated[list[str] | None, typer.Argument(metavar="[PROGRAM|DIR]...", show_default=False)] = None,
    *,
    target: Annotated[str, typer.Option(help="emulator (embedded), the URL of one that runs, or aws.")] = "emulator",
    provider: Annotated[
        Literal["bundled", "official"] | None,
        typer.Option(help="bundled, or official (the pulumi-aws plugin). Default: official on aws, else bundled."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region. Default: aws:region, AWS_REGION, us-east-1.")] = None,
    config: Annotated[
        list[str] | None, typer.Option("--config", "-c", metavar="KEY=VALUE", help="Stack configuration; repeatable.")
    ] = None,
    stack_config: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take over the configuration of Pulumi.NAME.yaml.")
    ] = None,
    suffix: Annotated[
        str | None, typer.Option(help="Environment suffix. Default: ENVIRONMENT_SUFFIX, else random.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(help="Limit for everything before the destroy: 90s, 15m, 2h. Default: 1h.")
    ] = None,
    phase_timeout: Annotated[
        list[str] | None,
        typer.Option(metavar="PHASE=TIME", help="Limit for preflight, up, probe or recheck; repeatable."),
    ] = None,
    resource_timeout: Annotated[
        str | None, typer.Option(help="Limit for one operation on one resource; the whole operation is stopped then.")
    ] = None,
    destroy_timeout: Annotated[
        str | None, typer.Option(help="The destroy's own limit, leak check included. Default: 30m.")
    ] = None,
    silence_timeout: Annotated[
        str | None,
        typer.Option(help="How long a cell's process or provider may give no sign of life. Default: 1m."),
    ] = None,
    keep_on_failure: Annotated[
        bool, typer.Option("--keep-on-failure", help="Leave a failed environment up; harness destroy RUN ends it.")
    ] = False,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Skip the preview before up.")] = False,
    no_policy: Annotated[bool, typer.Option("--no-policy", help="Skip the policy packs.")] = False,
    policy_pack: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="A policy pack of yours beside ours; repeatable.")
    ] = None,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="Skip the program's probes.")] = False,
    no_recheck: Annotated[bool, typer.Option("--no-recheck", help="Skip the second preview and the refresh.")] = False,
    parallel: Annotated[int, typer.Option("--parallel", "-j", min=1, help="Cells at a time.")] = 2,
    faults: Annotated[
        str | None, typer.Option(metavar="FILE", help="Make calls to the target fail, by the rules of a TOML file.")
    ] = None,
    json: JsonOption = None,
    junit: JunitOption = None,
    html: HtmlOption = None,
) -> None:
    """Bring programs up, probe them, destroy them, and check that nothing is left."""
    from harness.plan.limits import phase_limits
    from harness.plan.make import make_plan
    from harness.plan.settings import Settings, parse_duration
    from harness.report.destinations import Destinations
    from harness.run.admit import admit
    from harness.world.open import open_world
    from harness.world.target import parse_target

    reports = Destinations(json=json, junit=junit, html=html)
    reports.check()
    where = parse_target(target)
    limits = {
        "run": (timeout, "--timeout"),
        "destroy": (destroy_timeout, "--destroy-timeout"),
        "resource": (resource_timeout, "--resource-timeout"),
        "silence": (silence_timeout, "--silence-timeout"),
    }
    given = {name: parse_duration(text, flag) for name, (text, flag) in limits.items() if text is not None}
    settings = Settings(
        programs=tuple(programs or ()),
        cwd=Path.cwd(),
        environ=os.environ,
        target=where.kind,
        provider=provider,
        region=region,
        config=tuple(config or ()),
        suffix=suffix,
        stack_config=stack_config,
        limits={**given, **phase_limits(tuple(phase_timeout or ()))},
        keep_on_failure=keep_on_failure,
        preflight=not no_preflight,
        policy=not no_policy,
        policy_packs=tuple(policy_pack or ()),
        probe=not no_probe,
        recheck=not no_recheck,
        parallel=parallel,
        faults=faults,
    )
    rng = random.SystemRandom()
    plan = make_plan(settings, rng)
    admit(plan)
    screen = console()
    with open_world(where, plan.provider, plan.run, os.environ, tell, plan=plan) as world:
        from harness.report.console import LiveView  # after the programs' imports have begun: these take a while too
        from harness.run.execute import execute

        with LiveView(screen) as view:
            result = execute(plan, world, view, rng)
    conclude(result, reports, screen)

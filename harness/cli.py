"""Typer commands, a few lines each; the one place where errors become `error:` / `hint:` and exit codes."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness import __version__
from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Bring Pulumi programs up in ephemeral stacks, look at them, destroy them, and prove that they are gone.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
engine_app = typer.Typer(help="The Pulumi engine that runs the programs.")
app.add_typer(engine_app, name="engine")

# Typer brings its own copy of click's exceptions and exports only their leaves: this is the root of what it raises.
_CommandLineError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_DEBUG = {"on": False}
JsonOption = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write the result as JSON.")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of the harness itself.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the harness's version.")] = False,
) -> None:
    _DEBUG["on"] = debug
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


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
    timeout: Annotated[str, typer.Option(help="Limit for everything before the destroy: 90s, 15m, 2h.")] = "1h",
    destroy_timeout: Annotated[str, typer.Option(help="The destroy's own limit.")] = "30m",
    keep_on_failure: Annotated[
        bool, typer.Option("--keep-on-failure", help="Leave a failed environment up; harness destroy RUN ends it.")
    ] = False,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Skip the preview before up.")] = False,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="Skip the program's probes.")] = False,
    parallel: Annotated[int, typer.Option("--parallel", "-j", min=1, help="Cells at a time.")] = 2,
    json: JsonOption = None,
) -> None:
    """Bring programs up, probe them, destroy them, and check that nothing is left."""
    from harness.plan.make import make_plan
    from harness.plan.settings import Settings, parse_duration
    from harness.report.console import LiveView, summarise
    from harness.report.files import check_writable, result_document, write_json
    from harness.run.execute import execute
    from harness.world.open import open_world
    from harness.world.target import parse_target

    if json is not None:
        check_writable(json)
    where = parse_target(target)
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
        timeout=parse_duration(timeout, "--timeout"),
        destroy_timeout=parse_duration(destroy_timeout, "--destroy-timeout"),
        keep_on_failure=keep_on_failure,
        preflight=not no_preflight,
        probe=not no_probe,
        parallel=parallel,
    )
    rng = random.SystemRandom()
    plan = make_plan(settings, rng)
    console = _console()
    with LiveView(console) as view, open_world(where, plan.provider, plan.run, os.environ, view.tell) as world:
        result = execute(plan, world, view, rng)
    if json is not None:
        write_json(result_document(result), json)
    summarise(result, console)
    raise typer.Exit(result.exit_code)


@app.command()
def destroy(run_id: Annotated[str, typer.Argument(metavar="RUN")], *, json: JsonOption = None) -> None:
    """Destroy what a run left up (kept, leaked, or its process died), and check that nothing is left."""
    from harness.report.console import LiveView, summarise
    from harness.report.files import check_writable, result_document, write_json
    from harness.run.release import find_open, load_spec, release, target_of
    from harness.world.home import open_home
    from harness.world.leases import open_leases
    from harness.world.open import open_world

    if json is not None:
        check_writable(json)
    found = find_open(open_leases(open_home(os.environ, free_at_least=0).database), run_id)
    console = _console()
    if not found:
        console.print(f"run {run_id}: nothing is open, everything was proved gone", highlight=False)
        return
    spec = load_spec(found[0])
    with (
        LiveView(console) as view,
        open_world(target_of(spec), spec.provider, run_id, os.environ, view.tell, free_at_least=0) as world,
    ):
        result = release(found, world, view)
    if json is not None:
        write_json(result_document(result), json)
    summarise(result, console)
    raise typer.Exit(result.exit_code)


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


@engine_app.command("install")
def engine_install() -> None:
    """Find the engine, or download or build it; says which."""
    from harness.world.engine import ensure_engine
    from harness.world.home import open_home

    console = _console()
    engine = ensure_engine(open_home(os.environ).root, lambda text: console.print(text, highlight=False))
    console.print(f"engine {engine.version} from {engine.origin}: {engine.path}", highlight=False)


@engine_app.command("path")
def engine_path() -> None:
    """Print the `pulumi` to call by hand, beside which the Python hosts lie; fails when there is none."""
    from harness.errors import EngineError
    from harness.world.engine import find_engine
    from harness.world.home import open_home
    from harness.world.hosts import hosted_executable, install_hosts

    home = open_home(os.environ)
    engine = find_engine(home.root)
    if engine is None:
        raise EngineError("no Pulumi engine is installed", hint="harness engine install")
    print(hosted_executable(engine, install_hosts(home.root, engine)))


class _ToldToStopError(BaseException):
    """A signal; not a KeyboardInterrupt, which Typer turns into a silent exit."""


def heed_signals() -> None:
    """Every way to be told to stop ends the command, until the run takes over. `nohup` is honoured."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _ToldToStopError

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def _console() -> Console:
    from harness.report.console import stderr_console

    return stderr_console()


def main() -> None:
    """Run the command line; whatever goes wrong ends as two lines and an exit code. Tracebacks come with --debug."""
    heed_signals()
    try:
        sys.exit(app(standalone_mode=False))  # a typer.Exit comes back as its code
    except HarnessError as error:
        code, message, hint = error.exit_code, error.message, error.hint
    except _CommandLineError as error:
        code, message, hint = ExitCode.USAGE, error.format_message(), _usage_hint(error)
    except _ToldToStopError:
        code, message, hint = ExitCode.INTERRUPTED, "interrupted before anything was begun", ""
    except Exception as error:  # noqa: BLE001 - a defect of ours; the user still gets two lines
        message = f"the harness failed: {type(error).__name__}: {error}"
        code, hint = (
            ExitCode.FAILED,
            "please report it with the output of harness --debug; harness leases shows what is open",
        )
    from harness.report.console import print_error

    print_error(message, hint, _console())
    if _DEBUG["on"]:
        _console().print_exception()
    sys.exit(code)


def _usage_hint(error: Any) -> str:
    command = error.ctx.command_path if getattr(error, "ctx", None) else "harness"
    return f"{command} --help"

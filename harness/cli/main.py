"""The command line in, an exit code out; the one place where errors become `error:` / `hint:`."""

from __future__ import annotations

import sys
from typing import Any

import typer

from harness.cli import doctor, engine, history, leases, run, sweep  # noqa: F401 - each adds its commands to the application
from harness.cli.app import DEBUG, app, console
from harness.errors import ExitCode, HarnessError
from harness.run.interrupts import INTERRUPTS, ToldToStopError

# Typer brings its own copy of click's exceptions and exports only their leaves: this is the root of what it raises.
_CommandLineError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main() -> None:
    """Run the command line; whatever goes wrong ends as two lines and an exit code. Tracebacks come with --debug."""
    try:
        sys.exit(app(standalone_mode=False))  # a typer.Exit comes back as its code
    except HarnessError as error:
        code, message, hint = error.exit_code, error.message, error.hint
    except _CommandLineError as error:
        code, message, hint = ExitCode.USAGE, error.format_message(), _usage_hint(error)
    except ToldToStopError:
        INTERRUPTS.caught()
        code, message, hint = ExitCode.INTERRUPTED, "interrupted before anything was begun", ""
    except Exception as error:  # noqa: BLE001 - a defect of ours; the user still gets two lines
        message = f"the harness failed: {type(error).__name__}: {error}"
        code, hint = (
            ExitCode.FAILED,
            "please report it with the output of harness --debug; harness leases shows what is open",
        )
    from harness.report.console import print_error

    print_error(message, hint, console())
    if DEBUG["on"]:
        console().print_exception()
    sys.exit(code)


def _usage_hint(error: Any) -> str:
    command = error.ctx.command_path if getattr(error, "ctx", None) else "harness"
    return f"{command} --help"

"""The Typer application: what every command shares, and the options before the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness import __version__

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Bring Pulumi programs up in ephemeral stacks, look at them, destroy them, and prove that they are gone.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
DEBUG = {"on": False}
JsonOption = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write the result as JSON.")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of the harness itself.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the harness's version.")] = False,
) -> None:
    DEBUG["on"] = debug
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def console() -> Console:
    """Where people read: standard error."""
    from harness.report.console import stderr_console

    return stderr_console()


def tell(text: str) -> None:
    """A line that says what goes on."""
    from rich.text import Text

    console().print(Text(text), style="dim", highlight=False, soft_wrap=True)

"""`harness engine install|path`: the Pulumi engine that runs the programs."""

from __future__ import annotations

import os

import typer

from harness.cli.app import app, console

engine_app = typer.Typer(help="The Pulumi engine that runs the programs.")
app.add_typer(engine_app, name="engine")


@engine_app.command("install")
def engine_install() -> None:
    """Find the engine, or download or build it; says which."""
    from harness.world.engine import ensure_engine
    from harness.world.home import open_home

    screen = console()
    engine = ensure_engine(open_home(os.environ).root, lambda text: screen.print(text, highlight=False))
    screen.print(f"engine {engine.version} from {engine.origin}: {engine.path}", highlight=False)


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

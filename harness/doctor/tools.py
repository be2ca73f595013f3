"""PATH in; what else there is that nothing depends on, Docker and a browser, out."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from harness.doctor.check import OPTIONAL_SECONDS, Machine, State, Told, check
from harness.world.engine.model import RouteError
from harness.world.engine.process import run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOCAL = ("unix", "npipe", "fd")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNNEEDED = "nothing here needs it: the emulator runs without containers"


@check("Docker", needed=False)
def docker(machine: Machine) -> Told:
    """The client, and a daemon on this machine that answers it. One elsewhere is not asked."""
    client = shutil.which("docker", path=machine.environ.get("PATH"))
    if client is None:
        return Told(State.OPTIONAL, "not on PATH", _UNNEEDED)
    try:
        where = machine.environ.get("DOCKER_HOST") or _ask(
            machine, client, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
        )
        parts = urlsplit(where)
        if parts.scheme not in _LOCAL and parts.hostname not in _LOOPBACK:
            return Told(State.OPTIONAL, f"{client}; its daemon is on another machine, and was not asked", _UNNEEDED)
        server = _ask(machine, client, "version", "--format", "{{.Server.Version}}")
    except (RouteError, ValueError) as error:
        return Told(State.OPTIONAL, str(error), f"start the daemon; {_UNNEEDED}")
    return Told(State.OK, f"{client}, daemon {server}")


@check("browser", needed=False)
def browser(machine: Machine) -> Told:
    """Only the tests of the harness itself look at reports in one."""
    found = (shutil.which(name, path=machine.environ.get("PATH")) for name in BROWSERS)
    path = next((one for one in found if one), None)
    if path is None:
        return Told(State.OPTIONAL, "none on PATH", "only the harness's own tests use one: apt-get install chromium")
    return Told(State.OK, path)


def _ask(machine: Machine, client: str, *arguments: str) -> str:
    folder = machine.scratch or Path(tempfile.gettempdir())
    lines = run([client, *arguments], folder, machine.environ, seconds=OPTIONAL_SECONDS).strip().splitlines()
    return lines[-1].strip() if lines else ""

"""The home in; whether it, the database and the emulator's environment in it can be used, out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shlex
import socket
from urllib.parse import urlsplit

from harness.doctor.check import Machine, State, Told, check
from harness.world.database_file import SCHEMA, look
from harness.world.emulator_env import installed_environment
from harness.world.home import database_place

_MIB = 1024 * 1024
_HOME_FIRST = "mend the home first"


@check("home", needed=True)
def home(machine: Machine) -> Told:
    """It can be written, and its disk has room."""
    if machine.home is None:
        return Told(State.BROKEN, *machine.home_error)
    return Told(State.OK, f"{machine.home.root} ({machine.home.free_bytes() // _MIB} MiB free)")


@check("database", needed=True)
def database(machine: Machine) -> Told:
    """It opens, nobody holds it, and its tables are known."""
    if machine.home is None:
        return Told(State.BROKEN, "it lies in the home, which cannot be used", _HOME_FIRST)
    path = database_place(machine.home, machine.environ)
    if isinstance(path, str):
        return _by_url(path)
    stands = look(path)
    if not stands.exists:
        return Told(State.OK, "none yet, the first run makes it")
    if stands.schema > SCHEMA:
        return Told(State.BROKEN, f"{path}: {stands.trouble}", "use the newer harness, or set HARNESS_HOME elsewhere")
    if stands.trouble:
        return Told(State.BROKEN, f"{path}: {stands.trouble}", _database_remedy(shlex.quote(str(path)), stands.trouble))
    leases = f", {stands.open_leases} open: harness leases" if stands.open_leases else ", no lease open"
    return Told(State.OK, f"SQLite, {stands.bytes // 1024} KiB{leases}")


@check("emulator", needed=True)
def emulator(machine: Machine) -> Told:
    """Its environment is installed, and there is a loopback interface for it to listen on."""
    try:
        with socket.create_server(("127.0.0.1", 0)):
            pass
    except OSError as error:
        return Told(State.BROKEN, f"nothing can listen on 127.0.0.1: {error}", "bring the loopback interface up")
    if machine.home is None:
        return Told(State.MISSING, "it lies in the home, which cannot be used", _HOME_FIRST)
    folder = installed_environment(machine.home)
    if folder is None:
        return Told(State.MISSING, f"not installed; {_installer()}", "harness run PROGRAM  # installs it, in a minute")
    libraries = [str(path) for path in folder.glob("lib/python*/site-packages")]
    versions = [one.version for one in importlib.metadata.distributions(name="ministack", path=libraries)]
    if not versions:
        return Told(State.BROKEN, f"{folder} holds no ministack", f"rm -r {folder}  # the next run installs it anew")
    return Told(State.OK, f"ministack {versions[0]}, installed")


def _by_url(url: str) -> Told:
    """It is not asked: it may be on another machine, and that is none of the doctor's business."""
    parts = urlsplit(url)
    place = f"{parts.hostname or 'the local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    if importlib.util.find_spec("psycopg") is None:
        return Told(State.BROKEN, f"PostgreSQL at {place}, without its driver", "pip install 'harness[postgresql]'")
    return Told(State.OK, f"PostgreSQL at {place} (not asked)")


def _database_remedy(path: str, trouble: str) -> str:
    if "locked" in trouble or "another process" in trouble:
        return f"fuser -v {path} {path}.lock  # shows who holds it; end that"
    if "not a database" in trouble or "malformed" in trouble:
        return f"mv {path} {path}.broken  # what it says about open leases is lost"
    return f"ls -l {path}*  # make them yours, or set HARNESS_HOME elsewhere"


def _installer() -> str:
    import uv

    try:
        return f"{uv.find_uv_bin()} can, from a Python package index (UV_DEFAULT_INDEX names another)"
    except FileNotFoundError:
        return "and uv, which would install it, is not there"

"""In: a listening socket, a lifeline and an end-of-life delay. Out: the emulator, served until its owner is gone.

Run by the emulator's own interpreter (`python -I emulator_server.py LISTEN_FD LIFELINE_FD GRACE_SECONDS`), so it
imports nothing of the harness. The lifeline is the read end of a pipe whose write end only the owner holds: however the
owner ends, SIGKILL included, the pipe ends with it, and so does the emulator.

Lines below that name parts of ministack or hypercorn are written for the versions in `emulator.lock`.
"""

# This program has its own environment; what it imports is not installed where it is type-checked.
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from shutil import rmtree
from types import ModuleType
from typing import Any

_KEEP_ALIVE_SECONDS = 120
_KEEP_ALIVE_REQUESTS = 1_000_000_000
"""hypercorn's own 1000 cuts a client off in the middle of a busy run."""
_GRACE_FOR_REQUESTS = 0.5
_SCRIPT_SEARCH = "_collect_scripts"


def stay_on_loopback() -> None:
    """Whatever the emulator tries, no socket of its process is bound or connected off this machine."""
    place = Path(__file__).resolve().parents[1] / "hosts" / "loopback.py"
    spec = importlib.util.spec_from_file_location("harness_loopback", place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} cannot be loaded")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.stay("the embedded emulator stays on loopback", bind=True)


def watch_lifeline(lifeline: int, grace: float) -> None:
    """Wait for the owner's end, then ask this process to end as SIGTERM would, and after `grace` seconds force it."""
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # A daemon thread: if the server ends in time, the process is gone before this wakes.
    threading.Event().wait(grace)
    end_group()


def end_group() -> None:
    """End this process and those that run functions' code; what they wrote is removed, for the owner may be gone."""
    rmtree(Path(os.environ["HARNESS_EMULATOR_WORK"]), ignore_errors=True)
    if os.getpgrp() == os.getpid():  # never another's group, however this file was started
        os.killpg(0, signal.SIGKILL)


def beside(name: str) -> ModuleType:
    """A module of this folder, by its file: the folder on the path would let its other files shadow packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}.py is not beside {__file__}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Serve until SIGTERM or the owner's end. The process is the leader of its own group, which ends with it.

    Ctrl-C and a hang-up are for the owner, which needs the emulator for its destroy.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    listen, lifeline, grace = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    os.set_inheritable(listen, False)
    os.set_inheritable(lifeline, False)
    atexit.register(end_group)  # not `finally`: a traceback is printed before it
    threading.Thread(target=watch_lifeline, args=(lifeline, grace), name="lifeline", daemon=True).start()
    stay_on_loopback()

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app as emulator

    # Scripts in /docker-entrypoint-initaws.d and /etc/localstack/init belong to somebody else's emulator.
    if not callable(getattr(emulator, _SCRIPT_SEARCH)):
        raise TypeError(f"this is not the ministack of the lock: {_SCRIPT_SEARCH} is no function")
    setattr(emulator, _SCRIPT_SEARCH, lambda *_folders: [])

    served = beside("emulator_beside").Beside(emulator.app, beside("emulator_gaps"))
    config = Config()
    config.bind = [f"fd://{listen}"]
    config.accesslog = None
    config.loglevel = os.environ["LOG_LEVEL"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.keep_alive_max_requests = _KEEP_ALIVE_REQUESTS
    config.graceful_timeout = _GRACE_FOR_REQUESTS
    config.backlog = socket.SOMAXCONN

    async def run() -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        await serve(served, config, shutdown_trigger=over.wait)

    asyncio.run(run())


if __name__ == "__main__":
    main()

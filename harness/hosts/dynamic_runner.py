"""The engine's address in, the SDK's server of dynamic providers out, which ends when the engine does.

Runs in the *program's* interpreter, with the program's folder as working directory: standard library (3.9 and later)
and the `pulumi` SDK that is found there, nothing else. Usage: `python -u dynamic_runner.py ENGINE_ADDRESS`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve until the engine says or is gone."""
    # In place of this file's own folder, whose modules must not shadow the program's: providers import those by name.
    sys.path[0] = str(Path.cwd())
    engine = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(engine,), daemon=True).start()
    try:
        runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pulumi":
            raise
        print(f"error: the interpreter {sys.executable} has no Pulumi SDK; install it there", file=sys.stderr)
        raise SystemExit(2) from None


def _end_with(engine: int) -> None:
    """Wait for the end of the pipe that the engine holds and never writes to; then go, with all that we started."""
    while os.read(engine, 4096):
        pass
    if os.getpgrp() == os.getpid():  # the engine gives each plugin a group of its own
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()

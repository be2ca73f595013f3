"""A cell's program in, a language host for all of its engine calls out: started once, with the SDK imported ahead.

Usage: `cell_host ROOT PROGRAM OPTIONS FRESH_AFTER_UP`. ROOT is the folder of Pulumi.yaml, PROGRAM the
folder or file of the program, OPTIONS its `runtime.options` as JSON. The first line of stdin, as JSON, is the
environment in which programs run; then two ports are printed: a host tells its messages to the engine that spoke to it
last, so engines that run side by side need one each. Ends when its stdin does, and holds its stdout until then.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from harness.hosts.interpreter import InterpreterError, activated, find_interpreter
from harness.hosts.strays import adopt_orphans, end_strays
from harness.hosts.warm import WarmProgram, WarmShelf


def main() -> None:
    """Serve until whoever started us is gone."""
    adopt_orphans()
    root, program, options, fresh_after_up = sys.argv[1:]
    shelf = _shelf(root, program, options, fresh=fresh_after_up == "yes")
    # After the imports of the program have begun, for these take a while too.
    from harness.hosts.language_host import LanguageHost
    from harness.hosts.serve import leave_with, serve
    from harness.hosts.tended import Family

    family = Family(shelf.pids if shelf is not None else frozenset)
    hosts = [LanguageHost("", family, shelf) for _ in range(2)]
    ports = [serve(host) for host in hosts]
    _take_environment()
    print(*ports, flush=True)
    os.dup(1)  # until we end: its other end shows it
    os.dup2(2, 1)  # what programs print goes where our own messages go, into the cell's log
    leave_with(hosts)


def _take_environment() -> None:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 1 << 16)
        if not part:  # we were not needed, and nor is an interpreter that may still be importing
            end_strays(lambda _pid: False)
            os._exit(0)
        line += part
    os.environ.clear()
    os.environ.update(json.loads(line))


def _shelf(root: str, program: str, options: str, *, fresh: bool) -> WarmShelf | None:
    path = Path(program)
    entry = path / "__main__.py" if path.is_dir() else path
    try:
        python = find_interpreter(json.loads(options), Path(root), entry.parent, os.environ)
    except InterpreterError:  # the run itself tells it, where it can be told to the user
        return None
    what = WarmProgram(python, entry, activated(python, os.environ))
    return WarmShelf(what, fresh_after_up=fresh)

"""Cycles of one program in this one process, by the library's door; a line of JSON with what it holds after each, out.

`python soaking.py PROGRAM URL CYCLES`: what `harness run PROGRAM --target URL` does, again and again.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

import psutil

from harness.model import RunResult
from harness.plan.make import make_plan
from harness.plan.settings import Settings
from harness.report.console import LiveView, stderr_console
from harness.run.admit import admit
from harness.run.execute import execute
from harness.world.open import open_world
from harness.world.target import parse_target


def cycle(program: str, url: str) -> RunResult:
    """One run, as the command line does it."""
    where = parse_target(url)
    settings = Settings(programs=(program,), cwd=Path.cwd(), environ=os.environ, target=where.kind)
    rng = random.SystemRandom()
    plan = make_plan(settings, rng)
    admit(plan)
    screen = console = stderr_console()
    with (
        open_world(where, plan.provider, plan.run, os.environ, console.out, plan=plan) as world,
        LiveView(screen) as view,
    ):
        return execute(plan, world, view, rng)


def holds() -> dict[str, int]:
    """What this process has: bytes of memory, open files, threads, children."""
    gc.collect()
    process = psutil.Process()
    return {
        "memory": process.memory_info().rss,
        "files": process.num_fds(),
        "threads": threading.active_count(),
        "children": len(process.children(recursive=True)),
        "temporary": len(os.listdir(os.environ["TMPDIR"])),  # noqa: PTH208 - a count
    }


def main() -> None:
    """Run the cycles."""
    program, url, cycles = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in range(cycles):
        began = time.monotonic()
        result = cycle(program, url)
        [cell] = result.cells
        line = {
            **holds(),
            "code": result.exit_code,
            "account": cell.account,
            "unverified": len(cell.resources.unverified),
            "error": cell.error.message if cell.error else "",
            "seconds": round(time.monotonic() - began, 2),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()

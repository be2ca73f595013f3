"""The lock file of a cell in; who works on the cell, and whether that process is stopped, out.

Whoever works on a cell holds it, and writes down its number and its mark.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil

_CELL = "harness.run.cell"  # in the command line of a cell process


def sign(lock: TextIO, mark: str) -> str:
    """Write ourselves down in a lock that we hold; the mark of who held it before, or nothing."""
    _, before = _holder(lock)
    lock.truncate(0)
    lock.write(f"{os.getpid()} {mark}")
    lock.flush()
    return before


def stopped_holder(lock: TextIO) -> psutil.Process | None:
    """Who holds it, if that is stopped (SIGSTOP): nobody who lives watches over it, and it would never let go."""
    with suppress(ValueError, psutil.Error):  # it has not written its number yet, or has ended
        holder = psutil.Process(int(_holder(lock)[0]))
        if holder.status() == psutil.STATUS_STOPPED and _CELL in holder.cmdline():
            return holder
    return None


def is_stopped(path: Path) -> bool:
    """Whether who holds it is stopped."""
    try:
        with path.open("r", encoding="ascii") as lock:
            return stopped_holder(lock) is not None
    except FileNotFoundError:
        return False


def _holder(lock: TextIO) -> tuple[str, str]:
    """Number and mark of the process that wrote itself down last."""
    lock.seek(0)
    number, _, mark = lock.read().partition(" ")
    return number, mark

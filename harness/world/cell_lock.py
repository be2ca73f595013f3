"""The lock file of a cell in; whether a process of it lives, which, and whether it is stopped, out.

Whoever works on a cell holds it, and writes down its number and its mark. The kernel frees it when that process ends.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil

_CELL = "harness.run.cell"  # in the command line of a cell process


def locked(lock: TextIO) -> bool:
    """Take it for this process, as long as the file is open; False when another has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sign(lock: TextIO, mark: str) -> str:
    """Write ourselves down in a lock that we hold; the mark of who held it before, or nothing."""
    _, before = _holder(lock)
    lock.truncate(0)
    lock.write(f"{os.getpid()} {mark}")
    lock.flush()
    return before


def is_held(path: Path) -> bool:
    """Whether a process holds it now."""
    try:
        with path.open("r", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


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
